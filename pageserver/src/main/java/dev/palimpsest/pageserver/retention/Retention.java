package dev.palimpsest.pageserver.retention;

import java.time.Duration;

/**
 * How much history is kept: all that is younger than the one, and all that is nearer to the end than the other; so the one that
 * keeps more decides.
 *
 * @param pitrInterval to any moment of the last so long one can go back; zero for none
 * @param gcHorizon so many bytes of WAL before the end are kept, whatever their age; 0 for none
 */
public record Retention(Duration pitrInterval, long gcHorizon) {
    /** @throws IllegalArgumentException if one is negative; the message names it */
    public Retention {
        check(pitrInterval, gcHorizon);
    }

    static void check(Duration pitrInterval, long gcHorizon) {
        if (pitrInterval.isNegative()) {
            throw new IllegalArgumentException("pitr_interval is negative: " + pitrInterval);
        }
        if (gcHorizon < 0) {
            throw new IllegalArgumentException("gc_horizon is negative: " + gcHorizon);
        }
    }
}
