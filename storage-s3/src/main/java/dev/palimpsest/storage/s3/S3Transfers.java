package dev.palimpsest.storage.s3;

import dev.palimpsest.storage.remote.ObjectStore;
import java.time.Duration;

/**
 * How objects are carried.
 *
 * @param multipartThreshold larger objects are put in parts, in bytes; those with a condition never are
 * @param partBytes how large each part is but the last, 5 MiB to 5 GiB
 * @param connectTimeout for a connection to be made
 * @param stallTimeout how long a call may make no progress
 */
public record S3Transfers(long multipartThreshold, long partBytes, Duration connectTimeout, Duration stallTimeout) {
    /** The least that a part may have which is not the last, in bytes. */
    public static final long MIN_PART_BYTES = 5L << 20;

    /** Parts of 16 MiB of what has more than 64 MiB; 5 s to connect, 30 s without progress. */
    public static final S3Transfers DEFAULT =
            new S3Transfers(64L << 20, 16L << 20, Duration.ofSeconds(5), Duration.ofSeconds(30));

    /**
     * @throws IllegalArgumentException if a value is out of its range
     */
    public S3Transfers {
        if (multipartThreshold < 0 || partBytes < MIN_PART_BYTES || partBytes > ObjectStore.MAX_SIZE) {
            throw new IllegalArgumentException("parts of " + partBytes + " bytes of objects larger than "
                    + multipartThreshold + " bytes: a part has 5 MiB to 5 GiB");
        }
        if (!connectTimeout.isPositive() || !stallTimeout.isPositive()) {
            throw new IllegalArgumentException("no time to wait: " + connectTimeout + ", " + stallTimeout);
        }
    }
}
