package dev.palimpsest.storage.runtime;

import java.time.Instant;

/** The machine's clock. */
@OutsideWorld
public final class SystemClock implements Clock {
    private final long origin = System.nanoTime();

    @Override
    public long nanos() {
        return System.nanoTime() - origin;
    }

    @Override
    public Instant now() {
        return Instant.now();
    }
}
