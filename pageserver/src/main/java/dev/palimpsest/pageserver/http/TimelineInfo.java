package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.branch.BranchView;
import dev.palimpsest.pageserver.walreceiver.FollowState;
import dev.palimpsest.postgres.Lsn;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Collection;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A timeline as Neon's API shows it.
 *
 * @param state {@code "Loading"}, {@code "Active"}, or an object {@code {"Broken": {"reason": …}}}
 * @param minReadableLsn below this a read is refused, but for leased LSNs
 * @param latestGcCutoffLsn as Neon called it until 2024
 * @param appliedGcCutoffLsn as Neon calls it since
 * @param pitrHistorySize bytes of WAL from the first LSN that can be read to the last
 * @param withinAncestorPitr whether the history that can be read begins before the timeline left its ancestor
 * @param remoteConsistentLsn as {@code remoteConsistentLsnVisible}: here the one moves only when the other does
 * @param lastReceivedMsgTs microseconds since 1970
 */
record TimelineInfo(
        String tenantId,
        String timelineId,
        @Nullable String ancestorTimelineId,
        @Nullable Lsn ancestorLsn,
        Lsn lastRecordLsn,
        Lsn latestGcCutoffLsn,
        Lsn appliedGcCutoffLsn,
        Lsn minReadableLsn,
        Lsn diskConsistentLsn,
        Lsn remoteConsistentLsn,
        Lsn remoteConsistentLsnVisible,
        long pitrHistorySize,
        boolean withinAncestorPitr,
        long currentPhysicalSize,
        long timelineDirLayerFileSizeSum,
        @Nullable String walSourceConnstr,
        @Nullable Lsn lastReceivedMsgLsn,
        @Nullable Long lastReceivedMsgTs,
        int pgVersion,
        Object state,
        String walreceiverStatus,
        boolean isArchived) {
    static TimelineInfo of(BranchView branch, Collection<BranchView> all) {
        FollowState follow = branch.follow();
        Instant heard = follow == null ? null : follow.lastMessage();
        return new TimelineInfo(
                branch.tenant(),
                branch.timeline(),
                all.stream()
                        .filter(other -> other.name().equals(branch.parent()))
                        .map(BranchView::timeline)
                        .findFirst()
                        .orElse(null),
                branch.branchedAt(),
                branch.lastRecordLsn(),
                branch.gcCutoffLsn(),
                branch.gcCutoffLsn(),
                branch.readableFrom(),
                branch.diskConsistentLsn(),
                branch.remoteConsistentLsn(),
                branch.remoteConsistentLsn(),
                Math.max(
                        0,
                        branch.lastRecordLsn().value() - branch.readableFrom().value()),
                branch.branchedAt() != null && branch.readableFrom().isBefore(branch.branchedAt()),
                branch.layerBytes(),
                branch.layerBytes(),
                branch.source(),
                follow == null ? null : follow.received(),
                heard == null ? null : ChronoUnit.MICROS.between(Instant.EPOCH, heard),
                branch.pgVersion(),
                switch (branch.phase()) {
                    case READY, ARCHIVED -> "Active";
                    case ATTACHING, CATCHING_UP -> "Loading";
                    case FAILED -> Map.of("Broken", Map.of("reason", "attaching failed", "backtrace", ""));
                },
                status(follow),
                branch.phase() == BranchView.Phase.ARCHIVED);
    }

    private static String status(@Nullable FollowState follow) {
        if (follow == null) {
            return "Not active";
        }
        String phase = switch (follow.phase()) {
            case CONNECTING -> "Connecting";
            case STREAMING -> "Streaming, received up to " + follow.received();
            case WAITING -> "Waiting to connect again";
            case SOURCE_SHUT_DOWN -> "The source has shut down";
            case STOPPED -> "Stopped";
        };
        return follow.problem() == null ? phase : phase + ": " + follow.problem();
    }
}
