package dev.palimpsest.pageserver.datadir;

/** Counts what was written and tells. */
final class WriteMeter {
    private final WriteProgress progress;
    private final long totalBytes;
    private long doneBytes;

    WriteMeter(WriteProgress progress, long totalBytes) {
        this.progress = progress;
        this.totalBytes = totalBytes;
        progress.report(0, totalBytes);
    }

    void add(long bytes) {
        if (bytes > 0) {
            doneBytes += bytes;
            progress.report(doneBytes, totalBytes);
        }
    }
}
