package dev.palimpsest.storage.layer.memory;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.context.Permits;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TenantPermits;
import dev.palimpsest.storage.runtime.Signal;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Bounds how many frozen layers of all timelines are flushed at once, in turn among tenants, and the memory they are loaded into:
 * at most concurrency × buffer bytes, outside of the heap, used again by later flushes. Safe for use by many threads.
 *
 * <p>When flushes are to be slowed down or stopped because L0 layers pile up is for the timelines to say.
 */
public final class L0Flush implements AutoCloseable {
    /** The least size of a buffer in bytes. */
    public static final int MIN_BUFFER_BYTES = 64 << 10;

    private static final int GRANULE = 1 << 20;

    private final TenantPermits permits;
    private final int bufferBytes;
    private final AtomicReferenceArray<@Nullable Buffer> idle;

    private record Buffer(Arena arena, ByteBuffer bytes) {
        static Buffer of(int size) {
            Arena arena = Arena.ofShared();
            return new Buffer(arena, arena.allocate(size, 4096).asByteBuffer());
        }

        void free() {
            arena.close();
        }
    }

    /**
     * @param concurrency how many layers at once, at least 1
     * @param bufferBytes how much of a layer is loaded at once, in bytes, at least {@link #MIN_BUFFER_BYTES}; a layer that
     *     is not larger is read once from end to end, a larger one in several passes
     * @param signal a signal that nobody else uses
     */
    public L0Flush(int concurrency, int bufferBytes, Signal signal) {
        if (bufferBytes < MIN_BUFFER_BYTES) {
            throw new IllegalArgumentException(
                    "a flush needs a buffer of at least " + MIN_BUFFER_BYTES + " bytes, got " + bufferBytes);
        }
        this.permits = new TenantPermits("flushing a layer", concurrency, signal);
        this.bufferBytes = bufferBytes;
        this.idle = new AtomicReferenceArray<>(concurrency);
    }

    /** Waits until fewer than the allowed number of layers are being flushed, and it is the tenant's turn. */
    Slot admit(TenantId tenant, RequestContext context) throws CancelledException, DeadlineExceededException {
        return new Slot(permits.acquire(tenant, context));
    }

    /** How many layers are being flushed now. */
    public int inUse() {
        return permits.inUse();
    }

    /** Frees the memory that no flush uses now. The next flush allocates anew. */
    public void releaseIdle() {
        for (int i = 0; i < idle.length(); i++) {
            Buffer buffer = idle.getAndSet(i, null);
            if (buffer != null) {
                buffer.free();
            }
        }
    }

    /** As {@link #releaseIdle}; to be called when no flush is running any more. */
    @Override
    public void close() {
        releaseIdle();
    }

    /** The right to flush one layer. Used by one thread. */
    final class Slot implements AutoCloseable {
        private final Permits.Permit permit;
        private @Nullable Buffer buffer;
        private boolean closed;

        private Slot(Permits.Permit permit) {
            this.permit = permit;
        }

        /**
         * A buffer that is this slot's until it is closed; its contents are arbitrary.
         *
         * @param wanted how much there is to load, in bytes
         * @return from position 0 to its capacity; smaller than wanted if that is more than the bound
         */
        ByteBuffer buffer(long wanted) {
            int size = (int) Math.min(bufferBytes, (Math.max(1, wanted) + GRANULE - 1) / GRANULE * GRANULE);
            Buffer mine = buffer;
            for (int i = 0; i < idle.length() && mine == null; i++) {
                mine = idle.getAndSet(i, null);
            }
            if (mine != null && mine.bytes().capacity() < size) {
                buffer = null;
                mine.free();
                mine = null;
            }
            if (mine == null) {
                mine = Buffer.of(size);
            }
            buffer = mine;
            return mine.bytes().clear();
        }

        /** Gives the buffer and then the permit back. Does nothing the second time. */
        @Override
        public void close() {
            if (closed) {
                return;
            }
            closed = true;
            Buffer mine = buffer;
            buffer = null;
            if (mine != null && !keep(mine)) {
                mine.free();
            }
            permit.close();
        }

        private boolean keep(Buffer mine) {
            for (int i = 0; i < idle.length(); i++) {
                if (idle.compareAndSet(i, null, mine)) {
                    return true;
                }
            }
            return false;
        }
    }
}
