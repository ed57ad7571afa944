package dev.palimpsest.storage.layer.memory;

import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Buffers for reads of in-memory layers, kept for the next read, so that reading a page allocates nothing but the page.
 * Safe for use by many threads, which never wait: when all buffers are taken, one more is made, and not kept.
 */
final class ReadBuffers {
    /** The size of each, in bytes: the most that is read at once, but for a single value that is longer. */
    static final int SIZE = 128 << 10;

    private static final int KEPT = 16;

    private final AtomicReferenceArray<@Nullable ByteBuffer> idle = new AtomicReferenceArray<>(KEPT);

    /** A buffer of {@link #SIZE} bytes, big-endian, with arbitrary contents. */
    ByteBuffer take() {
        for (int i = 0; i < KEPT; i++) {
            if (idle.getPlain(i) != null) {
                ByteBuffer buffer = idle.getAndSet(i, null);
                if (buffer != null) {
                    return buffer;
                }
            }
        }
        return ByteBuffer.allocateDirect(SIZE);
    }

    /** Takes back what {@link #take} gave; the caller does not touch it any more. */
    void giveBack(ByteBuffer buffer) {
        for (int i = 0; i < KEPT; i++) {
            if (idle.getPlain(i) == null && idle.compareAndSet(i, null, buffer)) {
                return;
            }
        }
    }
}
