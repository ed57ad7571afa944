package dev.palimpsest.benchmarks;

import java.io.IOException;

/** Asks for pages, as many at once as it likes, and does nothing with them. For one thread. */
interface PageReader extends AutoCloseable {
    /** Puts a request for the latest version of a page among those to send. */
    void ask(PageClient.Relation relation, int block) throws IOException;

    /** Sends what was asked. */
    void flush() throws IOException;

    /** Whether a page can be had without a wait. */
    boolean hasReply();

    /** Takes the next page, in the order in which they were asked for; there was one that has been sent. */
    void page() throws IOException;

    @Override
    void close() throws IOException;
}
