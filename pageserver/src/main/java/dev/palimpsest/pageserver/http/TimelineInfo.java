package dev.palimpsest.pageserver.http;

import com.fasterxml.jackson.annotation.JsonValue;
import dev.palimpsest.pageserver.branch.BranchView;
import dev.palimpsest.pageserver.branch.LayerService;
import dev.palimpsest.pageserver.walreceiver.FollowState;
import dev.palimpsest.postgres.Lsn;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A timeline as Neon's API shows it.
 *
 * @param minReadableLsn below this a read is refused, but for leased LSNs
 * @param prevRecordLsn the end of the record before the last one; null if that is not known
 * @param initdbLsn where the history of its cluster begins; null of a timeline that is being taken in
 * @param currentLogicalSize of all relations, in bytes; 0 if it was not looked at
 * @param currentLogicalSizeIsAccurate whether it was
 * @param currentLogicalSizeNonIncremental the same; null if it was not looked at
 * @param directoryEntriesCounts empty: they are not counted
 * @param relSizeMigration which relation directory counts
 * @param isInvisible always false: no timeline can be made so
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
        @Nullable Lsn prevRecordLsn,
        Lsn latestGcCutoffLsn,
        Lsn appliedGcCutoffLsn,
        Lsn minReadableLsn,
        Lsn diskConsistentLsn,
        Lsn remoteConsistentLsn,
        Lsn remoteConsistentLsnVisible,
        @Nullable Lsn initdbLsn,
        long currentLogicalSize,
        boolean currentLogicalSizeIsAccurate,
        @Nullable Long currentLogicalSizeNonIncremental,
        List<Long> directoryEntriesCounts,
        long pitrHistorySize,
        boolean withinAncestorPitr,
        long currentPhysicalSize,
        long timelineDirLayerFileSizeSum,
        @Nullable String walSourceConnstr,
        @Nullable Lsn lastReceivedMsgLsn,
        @Nullable Long lastReceivedMsgTs,
        int pgVersion,
        State state,
        String walreceiverStatus,
        boolean isArchived,
        boolean isInvisible,
        @Nullable String relSizeMigration) {
    /**
     * What it does. Written as a word: {@code "Active"}; or, if it is broken, as {@code {"Broken": {"reason": …, "backtrace": ""}}}.
     *
     * @param reason why it is broken; null if it is not
     */
    record State(String word, @Nullable String reason) {
        static final State LOADING = new State("Loading", null);
        static final State ACTIVE = new State("Active", null);

        static State broken(String reason) {
            return new State("Broken", reason);
        }

        /** As it is written. */
        @JsonValue
        Object written() {
            return reason == null ? word : Map.of(word, Map.of("reason", reason, "backtrace", ""));
        }
    }

    /**
     * @param ancestor the timeline it branched off from; null if from none
     * @param facts null if they are not known yet
     * @param logicalSize of all relations, in bytes; null if it was not looked at
     */
    static TimelineInfo of(
            BranchView branch,
            @Nullable String ancestor,
            LayerService.@Nullable Facts facts,
            @Nullable Long logicalSize) {
        FollowState follow = branch.follow();
        Instant heard = follow == null ? null : follow.lastMessage();
        return new TimelineInfo(
                branch.tenant(),
                branch.timeline(),
                ancestor,
                branch.branchedAt(),
                branch.lastRecordLsn(),
                facts == null || !facts.prevRecordLsn().isValid() ? null : facts.prevRecordLsn(),
                branch.gcCutoffLsn(),
                branch.gcCutoffLsn(),
                branch.readableFrom(),
                branch.diskConsistentLsn(),
                branch.remoteConsistentLsn(),
                branch.remoteConsistentLsn(),
                facts == null ? null : facts.initdbLsn(),
                logicalSize == null ? 0 : logicalSize,
                logicalSize != null,
                logicalSize,
                List.of(),
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
                    case READY, ARCHIVED -> State.ACTIVE;
                    case ATTACHING, CATCHING_UP -> State.LOADING;
                    case FAILED -> State.broken("attaching failed");
                },
                status(follow),
                branch.phase() == BranchView.Phase.ARCHIVED,
                false,
                facts == null ? null : facts.relSizeMigration());
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
