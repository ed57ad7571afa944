package dev.palimpsest.storage.timeline;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.runtime.Signal;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** An LSN that only grows, and those who wait for it to get somewhere. One advances it at a time; many may wait. */
final class LsnProgress {
    private final String name;
    private final Signal signal;
    private final AtomicInteger waiting = new AtomicInteger();
    private volatile Lsn reached;
    private volatile @Nullable StorageException stopped;

    /**
     * @param name what grows, for messages, such as {@code last_record_lsn of timeline …}
     * @param start where it stands
     * @param signal a signal that nobody else uses
     */
    LsnProgress(String name, Lsn start, Signal signal) {
        this.name = name;
        this.reached = start;
        this.signal = signal;
    }

    /** How far it got. */
    Lsn reached() {
        return reached;
    }

    /**
     * Moves it on and wakes those who waited for that.
     *
     * @throws IllegalStateException if it would go back
     */
    void advance(Lsn to) {
        if (to.isBefore(reached)) {
            throw new IllegalStateException(name + " would go back from " + reached + " to " + to);
        }
        reached = to;
        // A waiter counts itself before it looks, so either it sees the new LSN or it is seen here.
        if (waiting.get() > 0) {
            signal.signalAll();
        }
    }

    /** Says that it will grow no more: those who wait, now or later, for what it has not reached get {@code reason}. */
    void stop(StorageException reason) {
        stopped = reason;
        signal.signalAll();
    }

    /**
     * Waits until it has reached {@code lsn}; returns at once if it has.
     *
     * @throws InvalidRequestException if it was stopped before it got there; the cause says why
     */
    void await(Lsn lsn, RequestContext context) throws StorageException {
        if (!reached.isBefore(lsn)) {
            return;
        }
        waiting.incrementAndGet();
        try {
            context.await(
                    signal,
                    () -> !reached.isBefore(lsn) || stopped != null,
                    () -> name + " to reach " + lsn + "; it is at " + reached);
        } finally {
            waiting.decrementAndGet();
        }
        StorageException reason = stopped;
        if (reached.isBefore(lsn) && reason != null) {
            throw reason instanceof CancelledException
                    ? new CancelledException(String.valueOf(reason.getMessage()), reason)
                    : new InvalidRequestException(
                            name + " stays at " + reached + " and will not reach " + lsn + ": " + reason.getMessage(),
                            reason);
        }
    }
}
