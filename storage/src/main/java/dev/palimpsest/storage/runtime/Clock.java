package dev.palimpsest.storage.runtime;

import java.time.Instant;

/** Time, as the engine is told it. Safe for use by many threads. */
public interface Clock {
    /** A deadline that never comes. */
    long NEVER = Long.MAX_VALUE;

    /** Nanoseconds since an arbitrary moment, never going back; starts at 0 or above and does not wrap. */
    long nanos();

    /** The time of day. May jump. */
    Instant now();
}
