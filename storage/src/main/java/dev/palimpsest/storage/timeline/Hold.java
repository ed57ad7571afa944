package dev.palimpsest.storage.timeline;

import dev.palimpsest.postgres.Lsn;
import java.util.concurrent.atomic.AtomicBoolean;

/** That somebody holds an LSN of a timeline; see {@link Timeline#hold}. Closing it again does nothing. Safe for use by many threads. */
public final class Hold implements AutoCloseable {
    private final ReadableHistory history;
    private final Lsn lsn;
    private final AtomicBoolean closed = new AtomicBoolean();

    Hold(ReadableHistory history, Lsn lsn) {
        this.history = history;
        this.lsn = lsn;
    }

    /** Which. */
    public Lsn lsn() {
        return lsn;
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            history.letGo(lsn);
        }
    }
}
