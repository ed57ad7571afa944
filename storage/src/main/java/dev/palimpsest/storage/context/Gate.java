package dev.palimpsest.storage.context;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.runtime.Signal;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Orderly shutdown: everything that works on a thing is inside its gate, and once the gate is closed nobody comes in and
 * {@link #close} returns when the last one has left.
 *
 * <pre>
 *   open ── close() ──► closing ── last guard leaves ──► closed
 * </pre>
 *
 * <p>Safe for use by many threads; entering is one atomic addition.
 */
public final class Gate {
    private static final long CLOSED = 1L << 62;

    private final String name;
    private final Signal signal;
    private final Guard guard = this::leave;
    /** How many are inside, plus {@link #CLOSED} once it is closed to newcomers. */
    private final AtomicLong state = new AtomicLong();

    /** Being inside. Close it exactly once, to leave. */
    @FunctionalInterface
    public interface Guard extends AutoCloseable {
        @Override
        void close();
    }

    /**
     * @param name what the gate protects, for messages
     * @param signal a signal that nobody else uses
     */
    public Gate(String name, Signal signal) {
        this.name = name;
        this.signal = signal;
    }

    /**
     * Comes in.
     *
     * @throws CancelledException if the gate is closed to newcomers
     */
    public Guard enter() throws CancelledException {
        long before = state.getAndIncrement();
        if (before >= CLOSED) {
            leave();
            throw new CancelledException(name + " is shut down");
        }
        return guard;
    }

    private void leave() {
        long now = state.decrementAndGet();
        if (now == CLOSED) {
            signal.signalAll();
        } else if (now < 0) {
            throw new IllegalStateException("somebody left " + name + " twice");
        }
    }

    /** Refuses newcomers from now on. Does not wait. */
    public void closeToNewcomers() {
        state.getAndUpdate(s -> s >= CLOSED ? s : s + CLOSED);
    }

    /**
     * Refuses newcomers from now on and waits until everybody has left. May be called again, also after it was cut short.
     */
    public void close(RequestContext context) throws CancelledException, DeadlineExceededException {
        closeToNewcomers();
        context.await(signal, this::isClosed, () -> (state.get() - CLOSED) + " who are still inside " + name);
    }

    /** Whether it is closed and everybody has left. */
    public boolean isClosed() {
        return state.get() == CLOSED;
    }
}
