package dev.palimpsest.storage.runtime;

/**
 * Starts tasks and lets them sleep and wait. The real one runs each task on a virtual thread; a simulated one runs them
 * in turn, switching only where a task waits, sleeps or does I/O.
 */
public interface Tasks {
    /** What a task does. */
    @FunctionalInterface
    interface Body {
        /** Runs to its end; what it throws is kept in the {@link Task}. */
        void run() throws Exception;
    }

    /**
     * Starts {@code body} as a task of its own and returns at once.
     *
     * @param name for thread dumps and logs
     */
    Task start(String name, Body body);

    /** A new signal that tasks started here can wait on. */
    Signal newSignal();

    /** Waits for {@code nanos} nanoseconds. Wakes early, without telling, when {@code cancellation} is cancelled. */
    void sleep(long nanos, Cancellation cancellation);
}
