package dev.palimpsest.storage.index;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.TimelineId;
import org.jspecify.annotations.Nullable;

/**
 * Where a timeline begins and how far it reaches.
 *
 * @param diskConsistentLsn the last LSN, inclusive, of which everything is in layers that the index names (or in the
 *     ancestor); {@code 0/0} until the first flush
 * @param prevRecordLsn the LSN of the record before the one that ends at {@code diskConsistentLsn}; null if not known
 * @param ancestor where it branched off; null if it has no ancestor
 * @param latestGcCutoffLsn reads below it are refused, reads at it are not
 * @param initdbLsn where the cluster's history begins; a branch has its ancestor's
 * @param pgVersion PostgreSQL's major version, {@value #MIN_PG_VERSION} to {@value #MAX_PG_VERSION}
 */
public record TimelineMetadata(
        Lsn diskConsistentLsn,
        @Nullable Lsn prevRecordLsn,
        @Nullable Ancestor ancestor,
        Lsn latestGcCutoffLsn,
        Lsn initdbLsn,
        int pgVersion) {
    /** The oldest major version there are timelines of. */
    public static final int MIN_PG_VERSION = 14;

    /** The newest. */
    public static final int MAX_PG_VERSION = 18;

    /**
     * Where a timeline branched off.
     *
     * @param timeline the timeline that has what is older
     * @param lsn the last LSN of the ancestor that the branch sees, inclusive
     */
    public record Ancestor(TimelineId timeline, Lsn lsn) {}

    /** @throws IllegalArgumentException if there is no such major version */
    public TimelineMetadata {
        if (pgVersion < MIN_PG_VERSION || pgVersion > MAX_PG_VERSION) {
            throw new IllegalArgumentException("PostgreSQL " + pgVersion + " is not supported: expected "
                    + MIN_PG_VERSION + " to " + MAX_PG_VERSION);
        }
    }

    /**
     * The same once everything up to an LSN is in layers.
     *
     * @param lsn the last LSN, inclusive
     * @param previous where the record before the one that ends there ends; null if that is not known
     */
    public TimelineMetadata flushedTo(Lsn lsn, @Nullable Lsn previous) {
        return new TimelineMetadata(lsn, previous, ancestor, latestGcCutoffLsn, initdbLsn, pgVersion);
    }

    /**
     * The same with less history.
     *
     * @param lsn reads below it are refused from now on
     */
    public TimelineMetadata withGcCutoff(Lsn lsn) {
        return new TimelineMetadata(diskConsistentLsn, prevRecordLsn, ancestor, lsn, initdbLsn, pgVersion);
    }

    /**
     * The same with another ancestor, or with none.
     *
     * @param other where it branches off now; null if it has no ancestor any more
     */
    public TimelineMetadata withAncestor(@Nullable Ancestor other) {
        return new TimelineMetadata(diskConsistentLsn, prevRecordLsn, other, latestGcCutoffLsn, initdbLsn, pgVersion);
    }

    /**
     * Of a branch of this timeline, of which nothing is flushed yet.
     *
     * @param own the id of this timeline
     * @param lsn the last LSN that the branch sees, inclusive
     * @param previous where the record before the one that ends there ends; 0/0 if that is not known
     */
    public TimelineMetadata branch(TimelineId own, Lsn lsn, Lsn previous) {
        return new TimelineMetadata(
                lsn,
                previous.isValid() ? previous : null,
                new Ancestor(own, lsn),
                latestGcCutoffLsn,
                initdbLsn,
                pgVersion);
    }
}
