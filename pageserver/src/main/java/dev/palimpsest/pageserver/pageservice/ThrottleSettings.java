package dev.palimpsest.pageserver.pageservice;

import java.time.Duration;

/**
 * How many requests of pagestreams a tenant may make, as Neon's {@code timeline_get_throttle}: each takes a token out of the
 * tenant's bucket, and waits if there is none.
 *
 * @param enabled whether there is a limit at all
 * @param initial how many tokens there are at first
 * @param refillInterval how long it takes until {@code refillAmount} more have come, evenly
 * @param refillAmount how many come in that time
 * @param max how many there are at most
 */
public record ThrottleSettings(boolean enabled, int initial, Duration refillInterval, int refillAmount, int max) {
    /** No limit. */
    public static final ThrottleSettings NONE = new ThrottleSettings(false, 0, Duration.ofSeconds(1), 0, 0);

    /** @throws IllegalArgumentException if there is a limit, and nobody would ever get past it */
    public ThrottleSettings {
        if (enabled && (refillInterval.isNegative() || refillInterval.isZero() || refillAmount < 1 || max < 1)) {
            throw new IllegalArgumentException(
                    "a throttle gives at least one token in a time, and keeps at least one, not " + refillAmount
                            + " in " + refillInterval + " and " + max);
        }
        if (initial < 0) {
            throw new IllegalArgumentException("there are no " + initial + " tokens");
        }
    }
}
