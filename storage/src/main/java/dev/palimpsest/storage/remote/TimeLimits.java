package dev.palimpsest.storage.remote;

/**
 * How long a call may take: {@code baseNanos}, and for a put or a get as long again as its bytes take at the slowest pace that
 * is put up with.
 *
 * @param baseNanos in nanoseconds, at least 1
 * @param slowestBytesPerSecond at least 1
 */
public record TimeLimits(long baseNanos, long slowestBytesPerSecond) {
    /** A minute, and then 256 KiB/s. */
    public static final TimeLimits DEFAULT = new TimeLimits(60_000_000_000L, 256 << 10);

    private static final double NANOS = 1e9;

    /**
     * @throws IllegalArgumentException if a value is out of its range
     */
    public TimeLimits {
        if (baseNanos < 1 || slowestBytesPerSecond < 1) {
            throw new IllegalArgumentException(
                    "no time limits: " + baseNanos + " ns and " + slowestBytesPerSecond + " bytes/s");
        }
    }

    /** For a call that carries so many bytes, in nanoseconds. */
    long nanos(long bytes) {
        return (long) (baseNanos + bytes / (double) slowestBytesPerSecond * NANOS);
    }
}
