package dev.palimpsest.storage.runtime;

import java.util.function.BooleanSupplier;

/**
 * The one way to wait in the engine: until a condition over state that others change holds.
 *
 * <p>Whoever changes the state makes the change visible to other threads (a volatile write, say) and then calls
 * {@link #signalAll()}; no wake-up is lost. A condition must be cheap, must not block and must not signal. Not to be
 * awaited while holding a {@code synchronized} block or a {@link java.util.concurrent.locks.Lock}: a simulation runs all
 * tasks in turn and would stop there.
 */
public interface Signal {
    /** Makes every waiter look at its condition again. Does not block. */
    void signalAll();

    /**
     * Waits until {@code condition} holds; returns at once if it does.
     *
     * @param deadlineNanos as {@link Clock#nanos()} counts, {@link Clock#NEVER} for none
     * @return true if the condition was seen to hold, false if the deadline came first
     */
    boolean await(BooleanSupplier condition, long deadlineNanos);
}
