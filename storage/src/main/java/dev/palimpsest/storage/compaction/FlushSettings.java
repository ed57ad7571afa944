package dev.palimpsest.storage.compaction;

import dev.palimpsest.postgres.page.PageLayout;

/**
 * When a frozen layer is flushed as L1 layers, without being an L0 layer first. Immutable.
 *
 * @param minBytes a layer with fewer bytes of values becomes an L0 layer; at least 1
 * @param l0Threshold how many L0 layers are compacted together: a run of fewer is not cut short; at least 1
 * @param targetLayerBytes about how large layers become, at least 1
 * @param maxLayers a layer that would become more than these becomes an L0 layer; at least 1
 * @param maxDeltas where so many deltas lie upon the newest images of keys that need them, a layer becomes an L0 layer; at
 *     least 1
 * @param minBytesPerPage what values must have for each page between the first and the last of them, so that one more delta
 *     over these pages, which brings their next images nearer, costs less than to write the values once more; at least 1
 * @param maxRecordsPerKey a key with more WAL records than this upon its last image in the layer gets an image; at least 1
 */
public record FlushSettings(
        long minBytes,
        int l0Threshold,
        long targetLayerBytes,
        int maxLayers,
        int maxDeltas,
        int minBytesPerPage,
        int maxRecordsPerKey) {
    private static final int MAX_LAYERS = 8;

    /**
     * A delta more over a page costs a share of its next image, at five deltas about a tenth of 8192 bytes. To write values
     * anew costs their size, so from some 600 bytes a page on they are better off in a layer of their own at once. This is
     * more than three times that.
     */
    private static final int MIN_BYTES_PER_PAGE = PageLayout.PAGE_SIZE / 4;

    /** @throws IllegalArgumentException if a value is out of its range; the message names it */
    public FlushSettings {
        require(minBytes >= 1, "minBytes", minBytes);
        require(l0Threshold >= 1, "l0Threshold", l0Threshold);
        require(targetLayerBytes >= 1, "targetLayerBytes", targetLayerBytes);
        require(maxLayers >= 1, "maxLayers", maxLayers);
        require(maxDeltas >= 1, "maxDeltas", maxDeltas);
        require(minBytesPerPage >= 1, "minBytesPerPage", minBytesPerPage);
        require(maxRecordsPerKey >= 1, "maxRecordsPerKey", maxRecordsPerKey);
    }

    /** What goes with a way to compact. */
    public static FlushSettings of(CompactionSettings compaction) {
        return new FlushSettings(
                Math.max(1, compaction.targetLayerBytes() / 2),
                compaction.l0Threshold(),
                compaction.targetLayerBytes(),
                MAX_LAYERS,
                Math.multiplyExact(2, compaction.imageThreshold()),
                MIN_BYTES_PER_PAGE,
                compaction.maxRecordsPerKey());
    }

    /** How many pages a layer of images about has, uncompressed. */
    long targetPages() {
        return Math.max(1, targetLayerBytes / PageLayout.PAGE_SIZE);
    }

    private static void require(boolean holds, String name, long value) {
        if (!holds) {
            throw new IllegalArgumentException(name + " is out of range: " + value);
        }
    }
}
