package dev.palimpsest.storage.timeline;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.layer.memory.SerializedBatch;

/**
 * The right to write to a timeline; there is one at a time. Close it to let others write. Used by one thread at a time.
 */
public final class TimelineWriter implements AutoCloseable {
    private final WritePath path;
    private final RequestContext context;
    private final Runnable release;
    private boolean closed;

    TimelineWriter(WritePath path, RequestContext context, Runnable release) {
        this.path = path;
        this.context = context;
        this.release = release;
    }

    /**
     * Puts values. They can be read once {@link #finish} was called with their LSN. Nothing is durable on return. The batch
     * is not kept: it may be cleared and filled again.
     *
     * <p>May wait while too many frozen layers wait for their flush.
     *
     * @throws InvalidRequestException if a value is at or below {@code last_record_lsn}; then nothing was put
     */
    public void put(SerializedBatch batch) throws StorageException {
        path.put(batch, open());
    }

    /**
     * Says that every value at LSNs up to {@code lsn} was put: {@code last_record_lsn} moves there and readers who waited
     * for it go on; {@code prev_record_lsn} becomes what {@code last_record_lsn} was. Nothing is durable on return; see
     * {@link Timeline#remoteConsistentLsn()}.
     *
     * @param lsn the end of the last record, a multiple of 8
     * @throws InvalidRequestException if it would go back, or if values were put beyond it
     */
    public void finish(Lsn lsn) throws InvalidRequestException {
        open();
        path.finish(lsn, null);
    }

    /**
     * The same for several records at once.
     *
     * @param previous the end of the record before the last one
     * @throws InvalidRequestException also if {@code previous} is after {@code lsn}
     */
    public void finish(Lsn lsn, Lsn previous) throws InvalidRequestException {
        open();
        path.finish(lsn, previous);
    }

    /**
     * Freezes the open layer, if there is one, and starts to flush it. Does not wait for the flush, unless too many layers
     * wait already.
     */
    public void freeze() throws StorageException {
        path.freeze(open());
    }

    void tick() throws StorageException {
        path.tick(open());
    }

    private RequestContext open() {
        if (closed) {
            throw new IllegalStateException("this writer is closed");
        }
        return context;
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            release.run();
        }
    }
}
