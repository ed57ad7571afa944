package dev.palimpsest.storage.jobs;

import java.time.Duration;

/**
 * How long a job waits after failures.
 *
 * @param first after the first failure; doubles with each further one in a row; more than zero
 * @param longest up to this; not less than {@code first}
 */
public record JobPauses(Duration first, Duration longest) {
    /** A second to five minutes. */
    public static final JobPauses DEFAULT = new JobPauses(Duration.ofSeconds(1), Duration.ofMinutes(5));

    /** @throws IllegalArgumentException if a value is out of its range; the message names it */
    public JobPauses {
        if (first.isNegative() || first.isZero()) {
            throw new IllegalArgumentException("the first pause is out of range: " + first);
        }
        if (longest.compareTo(first) < 0) {
            throw new IllegalArgumentException("the longest pause is out of range: " + longest);
        }
    }

    /** The pause after so many failures in a row, in nanoseconds. */
    public long nanosAfter(int failures) {
        long most = longest.toNanos();
        long pause = first.toNanos();
        for (int i = 1; i < failures && pause < most; i++) {
            pause *= 2;
        }
        return Math.min(pause, most);
    }
}
