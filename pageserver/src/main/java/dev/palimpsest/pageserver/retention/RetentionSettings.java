package dev.palimpsest.pageserver.retention;

import dev.palimpsest.storage.compaction.HistorySettings;
import java.time.Duration;

/**
 * How much history the branches of a server keep, and how it goes. The names of the settings are Neon's.
 *
 * @param pitrInterval {@code pitr_interval}: to any moment of the last so long one can go back; zero for none
 * @param gcHorizon {@code gc_horizon}: so many bytes of WAL before the end of a branch are kept, whatever their age
 * @param gcPeriod {@code gc_period}: how often what is not kept is removed; zero for never by itself
 * @param leaseLength {@code lsn_lease_length}: how long a lease of an LSN lasts
 * @param historyCompacted {@code gc_compaction_enabled}: whether the layers below the cutoff are rewritten after GC, by itself
 * @param history when, and what becomes of them, then or when somebody asks for it
 */
public record RetentionSettings(
        Duration pitrInterval,
        long gcHorizon,
        Duration gcPeriod,
        Duration leaseLength,
        boolean historyCompacted,
        HistorySettings history) {
    /** Neon's: seven days, 64 MiB, every hour, ten minutes; and that history is compacted, by Neon's rule. */
    public static final RetentionSettings DEFAULT =
            new RetentionSettings(Duration.ofDays(7), 64L << 20, Duration.ofHours(1), Duration.ofMinutes(10));

    /** The same, with compaction of history as it is usual. */
    public RetentionSettings(Duration pitrInterval, long gcHorizon, Duration gcPeriod, Duration leaseLength) {
        this(pitrInterval, gcHorizon, gcPeriod, leaseLength, true, HistorySettings.DEFAULT);
    }

    /** @throws IllegalArgumentException if one is negative; the message names it */
    public RetentionSettings {
        Retention.check(pitrInterval, gcHorizon);
        if (gcPeriod.isNegative()) {
            throw new IllegalArgumentException("gc_period is negative: " + gcPeriod);
        }
        if (leaseLength.isNegative()) {
            throw new IllegalArgumentException("lsn_lease_length is negative: " + leaseLength);
        }
    }

    /** What a branch keeps that has no settings of its own. */
    public Retention kept() {
        return new Retention(pitrInterval, gcHorizon);
    }
}
