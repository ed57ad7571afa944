package dev.palimpsest.storage.runtime;

import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Tells those who work on something to stop. Once cancelled, cancelled for ever. Safe for use by many threads.
 *
 * <p>A cancellation may have a parent: what cancels the parent cancels the child.
 */
public final class Cancellation {
    /** Can never be cancelled. */
    public static final Cancellation NEVER = new Cancellation(null, false);

    private final @Nullable Cancellation parent;
    private final boolean cancellable;
    private final ConcurrentHashMap<Signal, Integer> waiting = new ConcurrentHashMap<>();
    private volatile boolean cancelled;

    /** One that stands alone. */
    public Cancellation() {
        this(null, true);
    }

    private Cancellation(@Nullable Cancellation parent, boolean cancellable) {
        this.parent = parent;
        this.cancellable = cancellable;
    }

    /** One that is cancelled with this one, or alone. */
    public Cancellation child() {
        return new Cancellation(this, true);
    }

    /**
     * Cancels, and wakes everybody who waits under it.
     *
     * @throws UnsupportedOperationException on {@link #NEVER}
     */
    public void cancel() {
        if (!cancellable) {
            throw new UnsupportedOperationException("Cancellation.NEVER cannot be cancelled");
        }
        cancelled = true;
        waiting.keySet().forEach(Signal::signalAll);
    }

    /** Whether it, or a parent, was cancelled. */
    public boolean isCancelled() {
        return cancelled || (parent != null && parent.isCancelled());
    }

    /** From now until {@link #forget} a cancellation signals {@code signal}. The caller checks {@link #isCancelled} after. */
    public void wake(Signal signal) {
        for (Cancellation c = this; c != null && c.cancellable; c = c.parent) {
            c.waiting.merge(signal, 1, Integer::sum);
        }
    }

    /** Ends {@link #wake}. */
    public void forget(Signal signal) {
        for (Cancellation c = this; c != null && c.cancellable; c = c.parent) {
            c.waiting.computeIfPresent(signal, (s, waiters) -> waiters == 1 ? null : waiters - 1);
        }
    }
}
