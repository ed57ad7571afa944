package dev.palimpsest.storage.context;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.runtime.Signal;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Exclusive ownership that may be kept while doing I/O. Not reentrant, not fair, not bound to a thread: whoever has the
 * {@link Held} may close it. Without contention, one compare-and-set. Waiting is cancellable.
 */
public final class Mutex {
    private final String name;
    private final Signal signal;
    private final AtomicBoolean taken = new AtomicBoolean();
    /** Who waits in {@link #acquire}. */
    private final AtomicInteger waiting = new AtomicInteger();
    /** How often somebody who waited there has got it. */
    private final AtomicLong granted = new AtomicLong();

    private final Held held = this::release;

    /** Ownership; closing it twice is a bug that the second close reports. */
    @FunctionalInterface
    public interface Held extends AutoCloseable {
        @Override
        void close();
    }

    /**
     * @param name what is owned, for messages
     * @param signal a signal that nobody else uses
     */
    public Mutex(String name, Signal signal) {
        this.name = name;
        this.signal = signal;
    }

    /** Waits until nobody else owns it. */
    public Held acquire(RequestContext context) throws CancelledException, DeadlineExceededException {
        if (!taken.compareAndSet(false, true)) {
            waiting.incrementAndGet();
            boolean done = false;
            try {
                context.await(signal, () -> taken.compareAndSet(false, true), () -> name);
                granted.incrementAndGet();
                done = true;
            } finally {
                if (waiting.decrementAndGet() == 0 && !done) {
                    signal.signalAll(); // nobody is left to go before who gives way
                }
            }
        }
        return held;
    }

    /**
     * The same for who takes it again and again, and would hardly ever find anybody else to be faster: if somebody waits in {@link
     * #acquire}, one of those goes first.
     */
    public Held acquireAfterOthers(RequestContext context) throws CancelledException, DeadlineExceededException {
        long before = granted.get();
        context.await(
                signal,
                () -> (waiting.get() == 0 || granted.get() != before) && taken.compareAndSet(false, true),
                () -> name);
        return held;
    }

    private void release() {
        if (!taken.compareAndSet(true, false)) {
            throw new IllegalStateException(name + " was released twice");
        }
        signal.signalAll();
    }
}
