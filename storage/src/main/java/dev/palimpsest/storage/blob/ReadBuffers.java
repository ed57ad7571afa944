package dev.palimpsest.storage.blob;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.context.Permits;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.runtime.Tasks;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Direct, aligned buffers that blobs are read and decompressed into, a bounded number of them. Whoever wants one while all
 * are in use waits. What does not fit in one gets memory of its own for the time of the read, and only few such reads run
 * at once, so that the memory in use is bounded too.
 *
 * <p>Safe for use by many threads. Nobody may wait for a second one while holding one.
 */
public final class ReadBuffers {
    private static final int LARGE_AT_ONCE = 2;

    private final int bufferBytes;
    private final int alignment;
    private final Permits permits;
    private final Permits largePermits;
    private final Spares<Memory> spares;

    /** What one read needs; the second buffer is there once something was decompressed. */
    private static final class Memory {
        final ByteBuffer read;

        @Nullable
        ByteBuffer inflated;

        Memory(ByteBuffer read) {
            this.read = read;
        }
    }

    /**
     * @param bufferBytes how much one read brings without memory of its own; a multiple of the alignment
     * @param count how many reads may run at once, at least 1
     * @param alignment of the buffers' addresses, in bytes, a power of two
     * @param tasks whose signals those who wait use
     */
    public ReadBuffers(int bufferBytes, int count, int alignment, Tasks tasks) {
        if (bufferBytes < 1 || Integer.bitCount(alignment) != 1 || bufferBytes % alignment != 0) {
            throw new IllegalArgumentException(
                    "buffers of " + bufferBytes + " bytes with an alignment of " + alignment);
        }
        this.bufferBytes = bufferBytes;
        this.alignment = alignment;
        this.permits = new Permits("reads of blobs", count, tasks.newSignal());
        this.largePermits = new Permits("reads of large blobs", LARGE_AT_ONCE, tasks.newSignal());
        this.spares = new Spares<>(count);
    }

    /** Waits until fewer than all are in use, and takes one. */
    Lease take(RequestContext context) throws CancelledException, DeadlineExceededException {
        Permits.Permit permit = permits.acquire(context);
        try {
            Memory spare = spares.take();
            return new Lease(context, permit, spare == null ? new Memory(allocate()) : spare);
        } catch (Throwable e) {
            permit.close();
            throw e;
        }
    }

    private ByteBuffer allocate() {
        return ByteBuffer.allocateDirect(bufferBytes + alignment - 1)
                .alignedSlice(alignment)
                .slice(0, bufferBytes);
    }

    /** How many are in use. */
    public int inUse() {
        return permits.inUse();
    }

    /** A read's buffers, until it is closed. */
    final class Lease implements AutoCloseable {
        private final RequestContext context;
        private final Permits.Permit permit;
        private final Memory memory;
        private Permits.@Nullable Permit largePermit;
        private @Nullable Arena largeRead;
        private @Nullable Arena largeInflated;

        private Lease(RequestContext context, Permits.Permit permit, Memory memory) {
            this.context = context;
            this.permit = permit;
            this.memory = memory;
        }

        /** A buffer of {@code size} bytes to read into, aligned; to be asked for once. */
        ByteBuffer read(int size) throws CancelledException, DeadlineExceededException {
            if (size <= bufferBytes) {
                return memory.read.slice(0, size);
            }
            awaitLarge();
            largeRead = Arena.ofShared();
            return largeRead.allocate(size, alignment).asByteBuffer();
        }

        /** A buffer of at least {@code size} bytes to decompress into; the one that was given before becomes invalid. */
        ByteBuffer inflated(int size) throws CancelledException, DeadlineExceededException {
            if (size <= bufferBytes) {
                ByteBuffer inflated = memory.inflated;
                if (inflated == null) {
                    inflated = ByteBuffer.allocateDirect(bufferBytes);
                    memory.inflated = inflated;
                }
                return inflated.slice();
            }
            awaitLarge();
            closeArena(largeInflated);
            largeInflated = Arena.ofShared();
            return largeInflated.allocate(size, 1).asByteBuffer();
        }

        // Waiting with a buffer in hand cannot end in a circle: whoever holds this second permit waits for nothing
        // more.
        private void awaitLarge() throws CancelledException, DeadlineExceededException {
            if (largePermit == null) {
                largePermit = largePermits.acquire(context);
            }
        }

        private static void closeArena(@Nullable Arena arena) {
            if (arena != null) {
                arena.close();
            }
        }

        @Override
        public void close() {
            closeArena(largeInflated);
            closeArena(largeRead);
            if (largePermit != null) {
                largePermit.close();
            }
            spares.give(memory);
            permit.close();
        }
    }
}
