package dev.palimpsest.storage.timeline;

import dev.palimpsest.storage.compaction.FlushSettings;
import java.time.Duration;
import java.util.Optional;

/**
 * How a timeline writes and reads. Immutable.
 *
 * @param checkpointDistance WAL bytes, and also bytes of values, after which the open layer is frozen; at least 1
 * @param checkpointTimeout how long a layer with values in it stays open at most
 * @param maxFrozenLayers how many frozen layers may wait for their flush before a writer waits too; at least 1
 * @param l0DelayThreshold at this many L0 layers a flush is followed by a pause as long as it took; 0 for never
 * @param l0StallThreshold at this many L0 layers no layer is flushed until there are fewer; 0 for never
 * @param maxGetVectoredKeys the greatest number of keys in one vectored get
 * @param flushRetryPause the first pause after a flush that failed and may be tried again; doubles up to 32 times itself
 * @param l1Flush when a layer is flushed as L1 layers; empty for never, as it should be where nothing makes images
 */
public record TimelineConfig(
        long checkpointDistance,
        Duration checkpointTimeout,
        int maxFrozenLayers,
        int l0DelayThreshold,
        int l0StallThreshold,
        int maxGetVectoredKeys,
        Duration flushRetryPause,
        Optional<FlushSettings> l1Flush) {

    /** Neon's defaults; the thresholds for L0 layers are off, since nothing makes L1 layers of them here. */
    public static final TimelineConfig DEFAULT =
            new TimelineConfig(256L << 20, Duration.ofMinutes(10), 4, 0, 0, 256, Duration.ofMillis(100));

    /** With every layer flushed as an L0 layer. */
    public TimelineConfig(
            long checkpointDistance,
            Duration checkpointTimeout,
            int maxFrozenLayers,
            int l0DelayThreshold,
            int l0StallThreshold,
            int maxGetVectoredKeys,
            Duration flushRetryPause) {
        this(
                checkpointDistance,
                checkpointTimeout,
                maxFrozenLayers,
                l0DelayThreshold,
                l0StallThreshold,
                maxGetVectoredKeys,
                flushRetryPause,
                Optional.empty());
    }

    /** @throws IllegalArgumentException if a value is out of its range; the message names it */
    public TimelineConfig {
        require(checkpointDistance >= 1, "checkpointDistance", checkpointDistance);
        require(!checkpointTimeout.isNegative() && !checkpointTimeout.isZero(), "checkpointTimeout", checkpointTimeout);
        require(maxFrozenLayers >= 1, "maxFrozenLayers", maxFrozenLayers);
        require(l0DelayThreshold >= 0, "l0DelayThreshold", l0DelayThreshold);
        require(l0StallThreshold >= 0, "l0StallThreshold", l0StallThreshold);
        require(maxGetVectoredKeys >= 1, "maxGetVectoredKeys", maxGetVectoredKeys);
        require(!flushRetryPause.isNegative(), "flushRetryPause", flushRetryPause);
    }

    /** How many times the number of L0 layers that are compacted together delay flushes. */
    private static final int DELAY_FACTOR = 3;

    /** How many times that number stall them. */
    private static final int STALL_FACTOR = 6;

    /**
     * The same with thresholds for L0 layers, where there are none yet.
     *
     * @param compacted how many L0 layers are compacted together; no threshold is below that, or it would never be left
     */
    public TimelineConfig withBackPressure(int compacted) {
        return new TimelineConfig(
                checkpointDistance,
                checkpointTimeout,
                maxFrozenLayers,
                threshold(l0DelayThreshold, DELAY_FACTOR, compacted),
                threshold(l0StallThreshold, STALL_FACTOR, compacted),
                maxGetVectoredKeys,
                flushRetryPause,
                l1Flush);
    }

    /** The same with another rule for what is flushed as L1 layers. */
    public TimelineConfig withL1Flush(Optional<FlushSettings> other) {
        return new TimelineConfig(
                checkpointDistance,
                checkpointTimeout,
                maxFrozenLayers,
                l0DelayThreshold,
                l0StallThreshold,
                maxGetVectoredKeys,
                flushRetryPause,
                other);
    }

    private static int threshold(int given, int factor, int compacted) {
        return given == 0 ? factor * compacted : Math.max(given, compacted + 1);
    }

    private static void require(boolean holds, String name, Object value) {
        if (!holds) {
            throw new IllegalArgumentException(name + " is out of range: " + value);
        }
    }
}
