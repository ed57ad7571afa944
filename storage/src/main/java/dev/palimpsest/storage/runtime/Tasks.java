package dev.palimpsest.storage.runtime;

/**
 * Starts tasks and lets them sleep and wait. The real one runs each task on a virtual thread, or on one of its own if asked
 * to; a simulated one runs them in turn, switching only where a task waits, sleeps or does I/O.
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

    /**
     * As {@link #start}, but nothing that other tasks compute keeps it from going on: with real threads it has one of the
     * operating system to itself. For the few that others depend on, such as a flush and what it waits for; costs some
     * 0.1 ms and the memory of a stack.
     *
     * @param name for thread dumps and logs
     */
    default Task startOnOwnThread(String name, Body body) {
        return start(name, body);
    }

    /** A new signal that tasks started here can wait on. */
    Signal newSignal();

    /** Waits for {@code nanos} nanoseconds. Wakes early, without telling, when {@code cancellation} is cancelled. */
    void sleep(long nanos, Cancellation cancellation);
}
