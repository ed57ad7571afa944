package dev.palimpsest.pageserver.pageservice;

import java.time.Duration;

/**
 * Of which requests the log says where their time went.
 *
 * @param slowThreshold those that take as long as this; zero for none
 * @param interval one of so many requests, or batches of pages, however fast it was; 0 for none
 */
public record TraceSettings(Duration slowThreshold, int interval) {
    /** Of those that take a second. */
    public static final TraceSettings DEFAULT = new TraceSettings(Duration.ofSeconds(1), 0);

    /** Of none, and nothing is measured. */
    public static final TraceSettings OFF = new TraceSettings(Duration.ZERO, 0);

    /** @throws IllegalArgumentException if one is negative */
    public TraceSettings {
        if (slowThreshold.isNegative() || interval < 0) {
            throw new IllegalArgumentException("not a threshold and an interval: " + slowThreshold + ", " + interval);
        }
    }

    boolean isOff() {
        return interval == 0 && slowThreshold.isZero();
    }
}
