package dev.palimpsest.storage.file;

import dev.palimpsest.storage.runtime.OutsideWorld;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A channel in use by some threads, closed when it is retired and the last of them has let go.
 *
 * <pre>
 *   idle (0) ◄── pin, unpin ──► in use (n) ── retire ──► retired, in use (RETIRED + n) ── last unpin ──► closed
 *     └──────────────────────── retire, evict ───────────────────────────────────────────────────────────►
 * </pre>
 */
@OutsideWorld
final class OpenChannel {
    private static final int RETIRED = Integer.MIN_VALUE;

    /** What becomes of the place that it holds. */
    interface Holder {
        /** It is not in use for the moment. */
        void idle();

        /** It was closed. */
        void closed();
    }

    private final FileChannel channel;
    private final Holder holder;
    private final AtomicInteger state = new AtomicInteger(1);
    private volatile boolean usedRecently = true;

    /** Takes over an open channel; pinned once, by the caller. */
    OpenChannel(FileChannel channel, Holder holder) {
        this.channel = channel;
        this.holder = holder;
    }

    /** For whoever has it pinned. */
    FileChannel channel() {
        return channel;
    }

    /** Keeps it open until {@link #unpin}; returns false if it was retired. */
    boolean pin() {
        int now = state.get();
        while (now >= 0) {
            if (state.compareAndSet(now, now + 1)) {
                if (!usedRecently) {
                    usedRecently = true;
                }
                return true;
            }
            now = state.get();
        }
        return false;
    }

    void unpin() {
        int now = state.decrementAndGet();
        if (now == RETIRED) {
            close();
            holder.closed();
        } else if (now == 0) {
            holder.idle();
        }
    }

    /** Closes it as soon as nobody has it pinned. May be called more than once. */
    void retire() {
        if (state.getAndUpdate(now -> now | RETIRED) == 0) {
            close();
            holder.closed();
        }
    }

    /** Retires it if it is neither in use nor was since the last call; then the caller closes it and has its place. */
    boolean evict() {
        if (usedRecently) {
            usedRecently = false;
            return false;
        }
        return state.compareAndSet(0, RETIRED);
    }

    /** Closing a descriptor of a local file tells nothing that a sync has not told. */
    void close() {
        try {
            channel.close();
        } catch (IOException e) {
            assert !channel.isOpen() : e;
        }
    }
}
