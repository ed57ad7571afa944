package dev.palimpsest.pageserver.retention;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What a branch keeps other than the server's branches do.
 *
 * @param pitrInterval null for the server's
 * @param gcHorizon in bytes; null for the server's
 */
public record RetentionOverride(
        @Nullable Duration pitrInterval, @Nullable Long gcHorizon) {
    /** As the server's. */
    public static final RetentionOverride NONE = new RetentionOverride(null, null);

    /** @throws IllegalArgumentException if one is negative; the message names it */
    public RetentionOverride {
        Retention.check(pitrInterval == null ? Duration.ZERO : pitrInterval, gcHorizon == null ? 0 : gcHorizon);
    }

    /** Whether it says nothing. */
    public boolean isNone() {
        return pitrInterval == null && gcHorizon == null;
    }

    /** What is kept where {@code other} is kept otherwise. */
    public Retention over(Retention other) {
        return new Retention(
                pitrInterval == null ? other.pitrInterval() : pitrInterval,
                gcHorizon == null ? other.gcHorizon() : gcHorizon);
    }

    /** This, and where it says nothing, {@code other}. */
    public RetentionOverride or(RetentionOverride other) {
        return new RetentionOverride(
                pitrInterval == null ? other.pitrInterval : pitrInterval,
                gcHorizon == null ? other.gcHorizon : gcHorizon);
    }
}
