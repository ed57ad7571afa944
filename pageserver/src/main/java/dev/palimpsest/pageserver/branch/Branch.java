package dev.palimpsest.pageserver.branch;

import dev.palimpsest.pageserver.datadir.DataDirectoryOptions;
import dev.palimpsest.pageserver.pageservice.ServedTimeline;
import dev.palimpsest.pageserver.relation.ClusterReader;
import dev.palimpsest.pageserver.relation.RelationLengths;
import dev.palimpsest.pageserver.relation.TimelineCluster;
import dev.palimpsest.pageserver.walreceiver.FollowState;
import dev.palimpsest.pageserver.walreceiver.WalReceiver;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layer.residency.DownloadQueue;
import dev.palimpsest.storage.timeline.TenantTimelines;
import dev.palimpsest.storage.timeline.Timeline;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** A branch in this process. Safe for use by many threads; what starts and stops things holds {@link #lifecycle}. */
final class Branch {
    /** Held by whoever starts or stops something on the branch. */
    final ReentrantLock lifecycle = new ReentrantLock();

    private final TenantTimelines tenant;
    private final Timeline timeline;
    private final RelationLengths lengths;
    private volatile BranchRecord record;
    private volatile @Nullable WalReceiver receiver;
    private volatile @Nullable String failure;

    Branch(TenantTimelines tenant, Timeline timeline, BranchRecord record) {
        this.tenant = tenant;
        this.timeline = timeline;
        this.lengths = new RelationLengths(timeline);
        this.record = record;
    }

    String name() {
        return record.name();
    }

    TenantTimelines tenant() {
        return tenant;
    }

    TenantId tenantId() {
        return tenant.tenant();
    }

    Timeline timeline() {
        return timeline;
    }

    /** How long its relations are, for those who read them often. */
    RelationLengths lengths() {
        return lengths;
    }

    BranchRecord record() {
        return record;
    }

    @Nullable
    WalReceiver receiver() {
        return receiver;
    }

    /** Replaces what is known of it; durable on return. */
    void update(BranchRecord next, RequestContext context) throws StorageException {
        timeline.updateState(state -> state.withExtension(next.encode()), context);
        record = next;
    }

    void setReceiver(@Nullable WalReceiver next) {
        receiver = next;
    }

    void fail(String why) {
        failure = why;
    }

    boolean isReadable() {
        BranchRecord now = record;
        return failure == null && !now.attaching() && !timeline.lastRecordLsn().isBefore(now.readableFromLsn());
    }

    BranchView.Phase phase() {
        if (failure != null) {
            return BranchView.Phase.FAILED;
        }
        if (record.attaching()) {
            return BranchView.Phase.ATTACHING;
        }
        return isReadable() ? BranchView.Phase.READY : BranchView.Phase.CATCHING_UP;
    }

    /** It as the page service sees it. */
    ServedTimeline served() {
        BranchRecord now = record;
        return new ServedTimeline(
                timeline, failure != null || now.attaching() ? Lsn.MAX : now.readableFromLsn(), lengths);
    }

    /** How a data directory of the branch is written: on a PostgreSQL timeline that comes after all it has seen. */
    DataDirectoryOptions bootOptions(TimelineCluster cluster) throws StorageException {
        return DataDirectoryOptions.onTimeline(Math.max(cluster.checkPoint().timeline(), record.pgTimeline()) + 1);
    }

    /** Reads as of an LSN. */
    ClusterReader reader(Lsn lsn, RequestContext context) {
        return new ClusterReader(timeline, lsn, context);
    }

    private static BranchView.Downloads downloads(List<DownloadQueue.Progress> all) {
        int running = (int) all.stream().filter(DownloadQueue.Progress::running).count();
        return new BranchView.Downloads(
                running,
                all.size() - running,
                all.stream().mapToLong(download -> download.layer().size()).sum(),
                all.stream().mapToLong(DownloadQueue.Progress::received).sum());
    }

    /** How following stands; null if it follows nothing. */
    @Nullable
    FollowState following() {
        WalReceiver now = receiver;
        return now == null ? null : now.state();
    }

    /** How far it is behind what it follows, in bytes; -1 if it follows nothing. */
    long lagBytes() {
        return lagBytes(following(), timeline.lastRecordLsn());
    }

    /** How long ago the source was where this is, 0 if it is there now; -1 if that is not known. */
    double lagSeconds(Instant now) {
        return lagSeconds(following(), timeline.lastRecordLsn(), now);
    }

    private static long lagBytes(@Nullable FollowState follow, Lsn last) {
        return follow == null ? -1 : Math.max(0, follow.sourceEnd().value() - last.value());
    }

    private static double lagSeconds(@Nullable FollowState follow, Lsn last, Instant now) {
        long bytes = lagBytes(follow, last);
        if (follow == null || bytes == 0) {
            return bytes;
        }
        return follow.lastCommit() == null
                ? -1
                : Math.max(0, Duration.between(follow.lastCommit(), now).toMillis() / 1000.0);
    }

    BranchView view(@Nullable String parent, Lsn readableFrom, Instant now, BranchUpkeep upkeep) {
        BranchRecord known = record;
        FollowState follow = following();
        Lsn last = timeline.lastRecordLsn();
        long[] size = new long[2];
        timeline.layers().historicLayers().forEach(layer -> {
            size[0]++;
            size[1] += ((PersistentLayer) layer).size();
        });
        Timeline.BranchPoint point = timeline.branchPoint();
        BranchRecord.Source source = known.source();
        return new BranchView(
                known.name(),
                tenantId().toString(),
                timeline.id().toString(),
                timeline.pgVersion(),
                phase(),
                parent,
                point == null ? null : point.lsn(),
                known.createdAt(),
                known.attaching() ? known.readableFromLsn() : readableFrom,
                last,
                timeline.diskConsistentLsn(),
                timeline.remoteConsistentLsn(),
                timeline.gcCutoffLsn(),
                (int) size[0],
                size[1],
                timeline.residentBytes(),
                downloads(timeline.downloads()),
                source == null ? null : source.connection(),
                follow,
                lagBytes(follow, last),
                lagSeconds(follow, last, now),
                upkeep.broken(this),
                upkeep.historyRun(this));
    }
}
