package dev.palimpsest.pageserver.datadir;

/** Is told how far the writing of a data directory has come, on the thread that writes. */
@FunctionalInterface
public interface WriteProgress {
    /** For those who do not look. */
    WriteProgress NONE = (done, total) -> {};

    /**
     * Called at the start, after every piece, and at the end.
     *
     * @param doneBytes bytes of relations and SLRUs written so far
     * @param totalBytes how many there will be
     */
    void report(long doneBytes, long totalBytes);
}
