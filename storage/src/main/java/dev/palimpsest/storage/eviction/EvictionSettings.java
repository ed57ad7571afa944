package dev.palimpsest.storage.eviction;

import java.time.Duration;
import java.util.Optional;

/**
 * When layers leave the local disk. Immutable. What is not in the object store never does.
 *
 * @param period how often to look
 * @param maxLocalBytes how large all layer files here may be together; {@link Long#MAX_VALUE} for no limit. Beside them may be
 *     what cannot go: downloads on their way ({@code DownloadSettings.maxBytesInFlight}, or one larger layer), what is being
 *     read, and what was flushed or compacted and is not in the object store yet
 * @param minFreeBytes how much room the file system is to have; 0 for no limit
 * @param idle after what time without a read a layer goes that reads may need; empty for never
 * @param idleCovered after what time one goes that newer images cover; empty for never
 * @param imageGrace by how much longer images stay than deltas that were read at the same time: one image spares a read many
 *     deltas
 * @param minResidentBytes how much of each timeline goes only when nothing else is left: what was read last of what reads may
 *     need
 * @param maxLayersPerRound how many layers go at one look at most; at least 1
 */
public record EvictionSettings(
        Duration period,
        long maxLocalBytes,
        long minFreeBytes,
        Optional<Duration> idle,
        Optional<Duration> idleCovered,
        Duration imageGrace,
        long minResidentBytes,
        int maxLayersPerRound) {
    /** Every minute, 2 GB of room in the file system, and nothing for being idle. */
    public static final EvictionSettings DEFAULT = new EvictionSettings(
            Duration.ofMinutes(1),
            Long.MAX_VALUE,
            2_000_000_000L,
            Optional.empty(),
            Optional.empty(),
            Duration.ofMinutes(10),
            256L << 20,
            1000);

    /** @throws IllegalArgumentException if a value is out of its range; the message names it */
    public EvictionSettings {
        require(!period.isNegative() && !period.isZero(), "period", period);
        require(maxLocalBytes >= 0, "maxLocalBytes", maxLocalBytes);
        require(minFreeBytes >= 0, "minFreeBytes", minFreeBytes);
        require(!imageGrace.isNegative(), "imageGrace", imageGrace);
        require(minResidentBytes >= 0, "minResidentBytes", minResidentBytes);
        require(maxLayersPerRound >= 1, "maxLayersPerRound", maxLayersPerRound);
        require(idle.filter(Duration::isNegative).isEmpty(), "idle", idle);
        require(idleCovered.filter(Duration::isNegative).isEmpty(), "idleCovered", idleCovered);
    }

    private static void require(boolean holds, String name, Object value) {
        if (!holds) {
            throw new IllegalArgumentException(name + " is out of range: " + value);
        }
    }

    /** The same with another limit on all layer files. */
    public EvictionSettings withMaxLocalBytes(long bytes) {
        return new EvictionSettings(
                period, bytes, minFreeBytes, idle, idleCovered, imageGrace, minResidentBytes, maxLayersPerRound);
    }

    /** The same with another limit on the room in the file system. */
    public EvictionSettings withMinFreeBytes(long bytes) {
        return new EvictionSettings(
                period, maxLocalBytes, bytes, idle, idleCovered, imageGrace, minResidentBytes, maxLayersPerRound);
    }

    /** The same with other times after which layers go for being idle. */
    public EvictionSettings withIdle(Optional<Duration> visible, Optional<Duration> covered) {
        return new EvictionSettings(
                period, maxLocalBytes, minFreeBytes, visible, covered, imageGrace, minResidentBytes, maxLayersPerRound);
    }

    /** The same with other bytes of each timeline that go last. */
    public EvictionSettings withMinResidentBytes(long bytes) {
        return new EvictionSettings(
                period, maxLocalBytes, minFreeBytes, idle, idleCovered, imageGrace, bytes, maxLayersPerRound);
    }

    /** The same with another number of layers that go at one look. */
    public EvictionSettings withMaxLayersPerRound(int layers) {
        return new EvictionSettings(
                period, maxLocalBytes, minFreeBytes, idle, idleCovered, imageGrace, minResidentBytes, layers);
    }
}
