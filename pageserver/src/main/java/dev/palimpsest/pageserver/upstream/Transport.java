package dev.palimpsest.pageserver.upstream;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Bytes both ways between us and a server. One thread may read while another writes, and any may close, which wakes both with
 * an exception.
 */
interface Transport extends Closeable {
    /**
     * Reads what is there, at most what the target has room for.
     *
     * @param timeoutNanos how long to wait for the first byte; zero or less for not at all
     * @return how many bytes, 0 if none came in time, -1 if the other side has closed
     */
    int read(ByteBuffer target, long timeoutNanos) throws IOException;

    /**
     * Writes everything.
     *
     * @param timeoutNanos how long to wait, all in all, for the other side to take it
     * @throws java.net.SocketTimeoutException if that was not enough; some of it may have gone out
     */
    void write(ByteBuffer source, long timeoutNanos) throws IOException;

    /** Closes it; again does nothing. */
    @Override
    void close();
}
