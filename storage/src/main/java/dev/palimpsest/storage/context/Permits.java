package dev.palimpsest.storage.context;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.runtime.Signal;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Bounds how many do something at once. A permit may be kept while doing I/O and is not bound to a thread. Waiting is
 * cancellable and not fair.
 */
public final class Permits {
    private final String name;
    private final Signal signal;
    private final int total;
    private final AtomicInteger free;

    /** One permit; closing it gives it back, closing it again does nothing. */
    @FunctionalInterface
    public interface Permit extends AutoCloseable {
        @Override
        void close();
    }

    /**
     * @param name what is permitted, for messages
     * @param total how many at once, at least 1
     * @param signal a signal that nobody else uses
     */
    public Permits(String name, int total, Signal signal) {
        if (total < 1) {
            throw new IllegalArgumentException(name + ": at least one permit is needed, got " + total);
        }
        this.name = name;
        this.signal = signal;
        this.total = total;
        this.free = new AtomicInteger(total);
    }

    /** Waits until fewer than the total are taken. */
    public Permit acquire(RequestContext context) throws CancelledException, DeadlineExceededException {
        if (!take()) {
            context.await(signal, this::take, () -> "one of " + total + " permits for " + name);
        }
        return new Taken();
    }

    /** True once it was given back. */
    @SuppressWarnings("serial") // one object for each permit rather than two; nobody serialises it
    private final class Taken extends AtomicBoolean implements Permit {
        @Override
        public void close() {
            if (compareAndSet(false, true)) {
                free.incrementAndGet();
                signal.signalAll();
            }
        }
    }

    private boolean take() {
        return free.getAndUpdate(n -> n > 0 ? n - 1 : 0) > 0;
    }

    /** How many are taken now. */
    public int inUse() {
        return total - free.get();
    }
}
