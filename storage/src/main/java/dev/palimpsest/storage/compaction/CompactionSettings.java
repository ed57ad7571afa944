package dev.palimpsest.storage.compaction;

import dev.palimpsest.storage.blob.BlobCompression;

/**
 * When layers are compacted and what becomes of them. Immutable.
 *
 * @param l0Threshold how many L0 layers there must be before any is compacted; at least 1
 * @param maxInputBytes of L0 layers compacted at once, the first not counted; the rest has its turn after them; at least 1
 * @param targetLayerBytes about how large layers become, at least 1. One job holds at most half of it in memory for values
 *     and what the index of a layer of that size takes
 * @param imageThreshold how many deltas must lie one upon another before a partition gets images; at least 1
 * @param maxRecordsPerKey a key with more WAL records than this upon its last image, in the layers compacted together,
 *     gets an image; at least 1
 * @param imageCompression of images
 */
public record CompactionSettings(
        int l0Threshold,
        long maxInputBytes,
        long targetLayerBytes,
        int imageThreshold,
        int maxRecordsPerKey,
        BlobCompression imageCompression) {
    /**
     * Layers of half the size of an L0. A read may have to visit all L0 layers and all deltas upon an image, so that the sum of
     * both thresholds bounds the files of a read, while the WAL between two images of a page is their product: they cost least
     * where they are about equal. ({@code bench compaction-sim} has the numbers; Neon has 10 and 3.)
     */
    public static final CompactionSettings DEFAULT =
            new CompactionSettings(5, 20L * (256 << 20), 128L << 20, 5, 256, new BlobCompression.Zstd(1));

    /** @throws IllegalArgumentException if a value is out of its range; the message names it */
    public CompactionSettings {
        require(l0Threshold >= 1, "l0Threshold", l0Threshold);
        require(maxInputBytes >= 1, "maxInputBytes", maxInputBytes);
        require(targetLayerBytes >= 1, "targetLayerBytes", targetLayerBytes);
        require(imageThreshold >= 1, "imageThreshold", imageThreshold);
        require(maxRecordsPerKey >= 1, "maxRecordsPerKey", maxRecordsPerKey);
    }

    /** The same, but images are due where so many deltas lie one upon another. */
    public CompactionSettings withImageThreshold(int other) {
        return new CompactionSettings(
                l0Threshold, maxInputBytes, targetLayerBytes, other, maxRecordsPerKey, imageCompression);
    }

    private static void require(boolean holds, String name, long value) {
        if (!holds) {
            throw new IllegalArgumentException(name + " is out of range: " + value);
        }
    }
}
