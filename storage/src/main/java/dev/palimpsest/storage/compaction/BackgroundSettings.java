package dev.palimpsest.storage.compaction;

import dev.palimpsest.storage.jobs.JobPauses;
import java.time.Duration;

/**
 * How timelines are compacted in the background. Immutable.
 *
 * @param compaction when, and what layers become
 * @param concurrency how many timelines at once; at least 1
 * @param period how often to look for work when there is none
 * @param imageCheckDistance WAL bytes after which it is looked whether images are due
 * @param imageCheckPeriod time after which that is looked if there is any WAL
 * @param pauses after failures of a timeline's compaction
 */
public record BackgroundSettings(
        CompactionSettings compaction,
        int concurrency,
        Duration period,
        long imageCheckDistance,
        Duration imageCheckPeriod,
        JobPauses pauses) {
    /** One timeline at a time. */
    public static final BackgroundSettings DEFAULT = new BackgroundSettings(
            CompactionSettings.DEFAULT,
            1,
            Duration.ofSeconds(1),
            512L << 20,
            Duration.ofMinutes(10),
            JobPauses.DEFAULT);

    /** @throws IllegalArgumentException if a value is out of its range; the message names it */
    public BackgroundSettings {
        require(concurrency >= 1, "concurrency", concurrency);
        require(isPositive(period), "period", period);
        require(imageCheckDistance >= 1, "imageCheckDistance", imageCheckDistance);
        require(isPositive(imageCheckPeriod), "imageCheckPeriod", imageCheckPeriod);
    }

    private static boolean isPositive(Duration duration) {
        return !duration.isNegative() && !duration.isZero();
    }

    private static void require(boolean holds, String name, Object value) {
        if (!holds) {
            throw new IllegalArgumentException(name + " is out of range: " + value);
        }
    }

    /** The same with other layers. */
    public BackgroundSettings withCompaction(CompactionSettings other) {
        return new BackgroundSettings(other, concurrency, period, imageCheckDistance, imageCheckPeriod, pauses);
    }
}
