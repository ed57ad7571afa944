package dev.palimpsest.pageserver.branch;

import dev.palimpsest.pageserver.retention.RetentionPlanner;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.timeline.LayerCensus;
import dev.palimpsest.storage.timeline.ReadDepth;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What there is of a branch's history, and what of it is kept.
 *
 * @param from the first LSN that can be read, apart from leased ones
 * @param fromTime when the last commit up to there was, by the primary's clock; null if none is known
 * @param to the last LSN
 * @param toTime when the last commit was; null if none is known
 * @param pitrInterval that the branch keeps
 * @param gcHorizon that the branch keeps, in bytes
 * @param ownRetention whether one of these is its own, not the server's
 * @param plannedCutoff GC would keep history from here on now
 * @param rule why from there
 * @param branchPoints where others left it, in ascending order: what they see of it is kept
 * @param leases LSNs that somebody leases, in ascending order
 * @param layers what there is, by level
 * @param readDepth how many layers a read at the end visits at most
 * @param diskConsistentLsn up to here it is in local layer files
 * @param remoteConsistentLsn up to here it is in the object store
 * @param layersToUpload how many layers wait for their upload
 * @param bytesToUpload about their size
 */
public record HistoryView(
        Lsn from,
        @Nullable Instant fromTime,
        Lsn to,
        @Nullable Instant toTime,
        Duration pitrInterval,
        long gcHorizon,
        boolean ownRetention,
        Lsn plannedCutoff,
        RetentionPlanner.Rule rule,
        List<Lsn> branchPoints,
        List<Lease> leases,
        LayerCensus layers,
        ReadDepth readDepth,
        Lsn diskConsistentLsn,
        Lsn remoteConsistentLsn,
        int layersToUpload,
        long bytesToUpload) {
    /** That somebody may read at an LSN for a time. */
    public record Lease(Lsn lsn, Instant validUntil) {}
}
