package dev.palimpsest.storage.simulation;

import dev.palimpsest.storage.runtime.Clock;
import java.time.Instant;

/** The simulation's time: a microsecond a step, and jumps to the next wake-up when nobody can run. */
public final class SimulatedClock implements Clock {
    private static final Instant ORIGIN = Instant.parse("2030-01-01T00:00:00Z");

    private final Scheduler scheduler;

    SimulatedClock(Scheduler scheduler) {
        this.scheduler = scheduler;
    }

    @Override
    public long nanos() {
        scheduler.checkAlive();
        return scheduler.nanos();
    }

    @Override
    public Instant now() {
        return ORIGIN.plusNanos(nanos());
    }
}
