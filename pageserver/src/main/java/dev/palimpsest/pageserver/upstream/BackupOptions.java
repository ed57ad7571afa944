package dev.palimpsest.pageserver.upstream;

import org.jspecify.annotations.Nullable;

/**
 * How a base backup is to be made.
 *
 * @param label its name, in {@code backup_label}; at most 1000 bytes
 * @param checkpoint how hurried the checkpoint is that it begins with
 * @param maxRateKibPerSecond the server's limit on its speed, 32 to 1048576; null for none
 */
public record BackupOptions(
        String label, Checkpoint checkpoint, @Nullable Integer maxRateKibPerSecond) {
    /** How hurried a checkpoint is. */
    public enum Checkpoint {
        /** As fast as it can be. */
        FAST,
        /** Spread over minutes, to spare the server. */
        SPREAD
    }

    /**
     * Checks them.
     *
     * @throws IllegalArgumentException if one is out of its range
     */
    public BackupOptions {
        if (maxRateKibPerSecond != null && (maxRateKibPerSecond < 32 || maxRateKibPerSecond > 1_048_576)) {
            throw new IllegalArgumentException(
                    "a rate of " + maxRateKibPerSecond + " KiB/s is not within 32 to 1048576");
        }
        if (label.indexOf('\n') >= 0 || label.indexOf('\r') >= 0 || label.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("the label of a backup has one line only");
        }
        if (label.getBytes(java.nio.charset.StandardCharsets.UTF_8).length > 1000) {
            throw new IllegalArgumentException("the label of a backup has at most 1000 bytes");
        }
    }

    /** A fast checkpoint, and no limit. */
    public static BackupOptions fast(String label) {
        return new BackupOptions(label, Checkpoint.FAST, null);
    }
}
