package dev.palimpsest.storage.timeline;

import java.time.Duration;

/**
 * How layers get into the object store.
 *
 * @param concurrency how many layers of all timelines are uploaded at once, at least 1
 * @param maxBacklogBytes how many bytes of a timeline's layers may wait for their upload before flushes wait for it, at least 1
 * @param retryPause how long a failed upload waits before it is tried again; doubles with every failure up to 64 times that
 */
public record UploadSettings(int concurrency, long maxBacklogBytes, Duration retryPause) {
    /** For one server: eight uploads at once, 2 GiB that wait. */
    public static final UploadSettings DEFAULT = new UploadSettings(8, 2L << 30, Duration.ofMillis(250));

    /** @throws IllegalArgumentException if a value is out of its range */
    public UploadSettings {
        if (concurrency < 1 || maxBacklogBytes < 1 || retryPause.isNegative() || retryPause.isZero()) {
            throw new IllegalArgumentException("not settings of uploads: " + concurrency + " at once, "
                    + maxBacklogBytes + " bytes of backlog, a pause of " + retryPause);
        }
    }
}
