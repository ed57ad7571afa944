package dev.palimpsest.storage.runtime;

import java.util.Optional;

/** A task that was started. Safe for use by many threads. */
public interface Task {
    /** The name it was started with. */
    String name();

    /** Whether it has ended. */
    boolean isDone();

    /** Waits until it has ended. */
    void join();

    /** What it threw, if it ended by throwing. Empty while it runs. */
    Optional<Throwable> failure();
}
