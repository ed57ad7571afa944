package dev.palimpsest.storage.file;

import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.runtime.Signal;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * A fixed number of aligned buffers, made when first needed and then kept. Who finds none waits for one to come back,
 * which takes no longer than a transfer: nobody keeps one while waiting for anything else. Safe for use by many threads.
 */
final class BounceBuffers {
    private final int alignment;
    private final int bufferBytes;
    private final Signal returned;
    private final AtomicReferenceArray<@Nullable ByteBuffer> idle;
    private final AtomicInteger made = new AtomicInteger();

    BounceBuffers(int alignment, int count, int bufferBytes, Signal returned) {
        this.alignment = alignment;
        this.bufferBytes = bufferBytes;
        this.returned = returned;
        this.idle = new AtomicReferenceArray<>(count);
    }

    /** One of them, with position 0 and limit at its capacity; its content is arbitrary. */
    ByteBuffer take() {
        ByteBuffer buffer = poll();
        if (buffer == null) {
            ByteBuffer[] taken = new ByteBuffer[1];
            returned.await(
                    () -> {
                        ByteBuffer found = poll();
                        if (found != null) {
                            taken[0] = found;
                        }
                        return found != null;
                    },
                    Clock.NEVER);
            buffer = taken[0];
        }
        return buffer.clear();
    }

    /** Gives one back. */
    void give(ByteBuffer buffer) {
        int i = 0;
        while (!idle.compareAndSet(i, null, buffer)) {
            i = (i + 1) % idle.length();
        }
        returned.signalAll();
    }

    private @Nullable ByteBuffer poll() {
        for (int i = 0; i < idle.length(); i++) {
            ByteBuffer buffer = idle.get(i);
            if (buffer != null && idle.compareAndSet(i, buffer, null)) {
                return buffer;
            }
        }
        if (made.getAndUpdate(n -> Math.min(n + 1, idle.length())) < idle.length()) {
            return ByteBuffer.allocateDirect(bufferBytes + alignment)
                    .alignedSlice(alignment)
                    .slice(0, bufferBytes);
        }
        return null;
    }
}
