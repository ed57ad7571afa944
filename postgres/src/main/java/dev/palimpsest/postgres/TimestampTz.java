package dev.palimpsest.postgres;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/**
 * A moment as PostgreSQL stores it: microseconds since 2000-01-01 00:00:00 UTC.
 *
 * @param micros the microseconds, negative before 2000; the least and the greatest long are minus and plus infinity
 */
public record TimestampTz(long micros) {
    private static final long UNIX_EPOCH_SECONDS = 946_684_800L;

    /**
     * As an instant.
     *
     * @throws DateTimeException if it is an infinity
     */
    public Instant toInstant() {
        if (isInfinite()) {
            throw new DateTimeException("an infinite timestamp is no instant");
        }
        return Instant.ofEpochSecond(UNIX_EPOCH_SECONDS).plus(micros, ChronoUnit.MICROS);
    }

    /** An instant, cut to microseconds. */
    public static TimestampTz of(Instant instant) {
        return new TimestampTz((instant.getEpochSecond() - UNIX_EPOCH_SECONDS) * 1_000_000 + instant.getNano() / 1000);
    }

    /** Whether this is one of the two infinities. */
    public boolean isInfinite() {
        return micros == Long.MIN_VALUE || micros == Long.MAX_VALUE;
    }

    /** ISO 8601 in UTC, or {@code infinity} or {@code -infinity}. */
    @Override
    public String toString() {
        if (micros == Long.MIN_VALUE) {
            return "-infinity";
        }
        return micros == Long.MAX_VALUE ? "infinity" : toInstant().toString();
    }
}
