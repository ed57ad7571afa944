package dev.palimpsest.storage.layer.residency;

/**
 * How much is downloaded at once. Immutable.
 *
 * @param concurrency how many layers at most; at least 1
 * @param backgroundConcurrency how many of them at most for work that nobody waits for, such as compaction; 1 to {@code
 *     concurrency}. With less than that a page never waits for background work only
 * @param maxBytesInFlight how large all of them together may be, in bytes; at least 1. A larger layer comes alone
 */
public record DownloadSettings(int concurrency, int backgroundConcurrency, long maxBytesInFlight) {
    /** Eight at once, four of them for background work, 1 GiB. */
    public static final DownloadSettings DEFAULT = new DownloadSettings(8, 4, 1L << 30);

    /** @throws IllegalArgumentException if a value is out of its range; the message names it */
    public DownloadSettings {
        if (concurrency < 1) {
            throw new IllegalArgumentException("concurrency is out of range: " + concurrency);
        }
        if (backgroundConcurrency < 1 || backgroundConcurrency > concurrency) {
            throw new IllegalArgumentException("backgroundConcurrency is out of range: " + backgroundConcurrency);
        }
        if (maxBytesInFlight < 1) {
            throw new IllegalArgumentException("maxBytesInFlight is out of range: " + maxBytesInFlight);
        }
    }

    /** How much of {@code maxBytesInFlight} may be for background work: as much of it as of the downloads. */
    long maxBackgroundBytesInFlight() {
        return backgroundConcurrency == concurrency
                ? maxBytesInFlight
                : maxBytesInFlight / concurrency * backgroundConcurrency;
    }
}
