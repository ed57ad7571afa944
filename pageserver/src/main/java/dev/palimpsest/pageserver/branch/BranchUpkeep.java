package dev.palimpsest.pageserver.branch;

import dev.palimpsest.pageserver.retention.LsnLeases;
import dev.palimpsest.pageserver.retention.Retention;
import dev.palimpsest.pageserver.retention.RetentionOverride;
import dev.palimpsest.pageserver.retention.RetentionPlanner;
import dev.palimpsest.pageserver.retention.RetentionSettings;
import dev.palimpsest.pageserver.tenant.Tenants;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.compaction.BackgroundHistory;
import dev.palimpsest.storage.compaction.CompactionReport;
import dev.palimpsest.storage.compaction.CompactionSettings;
import dev.palimpsest.storage.compaction.HistoryJobs;
import dev.palimpsest.storage.compaction.HistoryReport;
import dev.palimpsest.storage.compaction.HistorySettings;
import dev.palimpsest.storage.compaction.L0Planner;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.gc.BackgroundGc;
import dev.palimpsest.storage.gc.GarbageCollection;
import dev.palimpsest.storage.gc.GcReport;
import dev.palimpsest.storage.jobs.JobState;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import dev.palimpsest.storage.timeline.LayerCensus;
import dev.palimpsest.storage.timeline.ReadDepth;
import dev.palimpsest.storage.timeline.Timeline;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * GC, compaction and flushes of a server's branches, by themselves or because somebody asks, and what of their history is kept.
 *
 * <p>What is retained: all from the cutoff on that {@link RetentionPlanner} says; where other branches left this one; leased LSNs;
 * and LSNs that a restore, a boot or the making of a branch reads at just now, which each {@linkplain Timeline#hold holds}. An
 * endpoint that runs, or crashed, needs no LSN of its branch: it has a data directory of its own, and goes on from there.
 */
final class BranchUpkeep implements UpkeepService {
    private static final Logger LOG = LoggerFactory.getLogger(BranchUpkeep.class);
    private static final int DEPTH_SAMPLE = 1000;
    /** GC, which gives it something to do, comes by much more seldom, and there may be thousands of branches to ask. */
    private static final Duration LOOK_FOR_HISTORY = Duration.ofSeconds(10);

    private final OpenBranches branches;
    private final ArchivedBranches archive;
    private final EmbeddedStore store;
    private final RetentionSettings servers;
    private final Function<TenantId, RetentionSettings> settings;
    private final Clock clock;
    private final RequestContext context;
    private final Map<TimelineId, Kept> kept = new ConcurrentHashMap<>();
    private final HistoryJobs history;
    private volatile @Nullable BackgroundGc background;

    /** What is remembered of a branch. */
    private static final class Kept {
        /** Held by whoever searches or collects. */
        final ReentrantLock lock = new ReentrantLock();

        final PitrSearch pitr = new PitrSearch();
        final LsnLeases leases;

        Kept(Timeline timeline) {
            this.leases = new LsnLeases(timeline);
        }
    }

    /**
     * @param servers what is kept of the history of tenants that have nothing of their own
     * @param tenants say what is kept of that of theirs
     */
    BranchUpkeep(
            OpenBranches branches,
            ArchivedBranches archive,
            EmbeddedStore store,
            RetentionSettings servers,
            Supplier<Tenants> tenants,
            Clock clock,
            RequestContext context) {
        this.branches = branches;
        this.archive = archive;
        this.store = store;
        this.settings = tenant -> tenants.get().retention(tenant);
        this.clock = clock;
        this.context = context;
        this.servers = servers;
        this.history = new HistoryJobs(store.environment().clock());
    }

    /** Begins to collect by itself, unless the settings say never; close the result before the store. */
    AutoCloseable start(PrometheusRegistry metrics) {
        GaugeWithCallback.builder()
                .name("pageserver_valid_lsn_lease_count")
                .help("Leases of LSNs that have not run out; of branches that have any.")
                .labelNames(BranchGauges.LABELS)
                .callback(callback -> {
                    Instant now = clock.instant();
                    for (Map.Entry<TimelineId, Kept> entry : kept.entrySet()) {
                        Branch branch = branches.of(entry.getKey());
                        int leases = entry.getValue().leases.valid(now).size();
                        if (branch != null && leases > 0) {
                            callback.call(leases, BranchGauges.labels(branch));
                        }
                    }
                })
                .register(metrics);
        history.register(metrics);
        BackgroundGc collecting =
                new BackgroundGc(store.environment(), this::gcWork, store::isCompactionBehind, metrics);
        background = collecting;
        BackgroundHistory compacting = new BackgroundHistory(
                store.environment(),
                servers.leaseLength(),
                LOOK_FOR_HISTORY,
                this::historyWork,
                store::isCompactionBehind,
                history);
        return () -> {
            try (collecting) {
                compacting.close();
            }
        };
    }

    private record GcWork(BranchUpkeep upkeep, Branch branch) implements BackgroundGc.Work {
        @Override
        public TimelineId id() {
            return branch.timeline().id();
        }

        @Override
        public TenantId tenant() {
            return branch.tenantId();
        }

        @Override
        public boolean isNew() {
            return upkeep.clock.instant().isBefore(upkeep.leasesKnownFrom(branch));
        }

        @Override
        public Duration period() {
            return upkeep.settings.apply(branch.tenantId()).gcPeriod();
        }

        @Override
        public GcReport collect(RequestContext context) throws StorageException {
            if (upkeep.branches.of(id()) != branch) {
                return new GcReport(Lsn.INVALID, 0, 0, Map.of());
            }
            return upkeep.collectInTurn(branch, context);
        }
    }

    private record HistoryWork(BranchUpkeep upkeep, Branch branch) implements BackgroundHistory.Work {
        @Override
        public TimelineId id() {
            return branch.timeline().id();
        }

        @Override
        public TenantId tenant() {
            return branch.tenantId();
        }

        /** None where GC never runs by itself: it is what gives this something to do. */
        @Override
        public @Nullable HistorySettings settings() {
            RetentionSettings kept = upkeep.settings.apply(branch.tenantId());
            boolean wanted = kept.historyCompacted() && !kept.gcPeriod().isZero();
            return wanted && branch.isReadable() ? kept.history() : null;
        }

        @Override
        public Lsn cutoff() {
            return branch.timeline().upkeep().historyCutoff();
        }

        @Override
        public boolean isDue(HistorySettings settings) {
            return branch.timeline().upkeep().isHistoryDue(settings);
        }

        @Override
        public HistoryReport compact(
                HistorySettings settings, BooleanSupplier yield, Consumer<HistoryReport> done, RequestContext context)
                throws StorageException {
            return upkeep.branches.of(id()) == branch
                    ? upkeep.compactHistory(branch, settings, yield, done, context)
                    : HistoryReport.NOTHING;
        }
    }

    private List<GcWork> gcWork() {
        return branches.all().stream()
                .filter(Branch::isReadable)
                .map(branch -> new GcWork(this, branch))
                .toList();
    }

    private List<HistoryWork> historyWork() {
        return branches.all().stream()
                .map(branch -> new HistoryWork(this, branch))
                .toList();
    }

    /** Until then those who leased LSNs from an earlier process may ask for them again. */
    private Instant leasesKnownFrom(Branch branch) {
        return branch.tenant().loadedAt().plus(settings.apply(branch.tenantId()).leaseLength());
    }

    private Kept kept(Branch branch) {
        return kept.computeIfAbsent(branch.timeline().id(), _ -> new Kept(branch.timeline()));
    }

    /** What counts first is the first of: {@code other}, the branch's own, its tenant's, the server's. */
    private Retention retention(Branch branch, RetentionOverride other) {
        return other.or(branch.record().retention())
                .over(settings.apply(branch.tenantId()).kept());
    }

    /** To be called when a branch is deleted. */
    void forget(Branch branch) {
        kept.remove(branch.timeline().id());
    }

    /** What keeps failing on a branch. */
    List<BrokenJob> broken(Branch branch) {
        TimelineId id = branch.timeline().id();
        List<BrokenJob> broken = new ArrayList<>();
        add(broken, "compaction", store.compactionState(id));
        BackgroundGc gc = background;
        add(broken, "gc", gc == null ? JobState.WELL : gc.state(id));
        add(broken, "history compaction", history.state(id));
        add(broken, "upload", branch.timeline().uploadState());
        return broken;
    }

    private static void add(List<BrokenJob> broken, String job, JobState state) {
        if (state.broken()) {
            broken.add(new BrokenJob(job, state.failures(), String.valueOf(state.lastFailure())));
        }
    }

    /** Compaction of a branch's history that goes on, or did last; null if none ever did. */
    @Nullable
    HistoryRunView historyRun(Branch branch) {
        HistoryJobs.Run run = history.run(branch.timeline().id());
        return run == null ? null : HistoryRunView.of(run);
    }

    private Branch branch(String name) throws BranchException {
        Branch branch = present(name);
        if (!branch.isReadable()) {
            throw new BranchException(BranchException.Kind.UNAVAILABLE, "branch " + name + " cannot be read yet");
        }
        return branch;
    }

    private Branch present(String name) throws BranchException {
        Branch branch = branches.get(name);
        if (branch == null) {
            throw archive.missing(name);
        }
        return branch;
    }

    private record Collected(RetentionPlanner.Plan plan, GcReport report) {}

    private Collected collect(Branch branch, Retention retention, GarbageCollection.Mode mode, RequestContext running)
            throws StorageException {
        Kept known = kept(branch);
        known.lock.lock();
        try {
            known.leases.expire(clock.instant());
            RetentionPlanner.Plan plan = plan(branch, known, retention, running);
            return new Collected(
                    plan, branch.tenant().collectGarbage(branch.timeline().id(), plan.gcInputs(), mode, running));
        } finally {
            known.lock.unlock();
        }
    }

    /**
     * Spares a branch that nobody writes to, and that has no layers of its own, what GC of it would only find out: that there is
     * nothing to remove. That reads of it are refused from a later cutoff on is not spared, since others keep less for it then.
     */
    private GcReport collectInTurn(Branch branch, RequestContext running) throws StorageException {
        Retention retention = retention(branch, RetentionOverride.NONE);
        Timeline timeline = branch.timeline();
        if (!timeline.layers().hasHistoricLayers()) {
            Kept known = kept(branch);
            known.lock.lock();
            try {
                known.leases.expire(clock.instant());
                Lsn cutoff = timeline.gcCutoffLsn();
                if (!plan(branch, known, retention, running).cutoff().isAfter(cutoff)) {
                    return new GcReport(cutoff, 0, 0, Map.of());
                }
            } finally {
                known.lock.unlock();
            }
        }
        return collect(branch, retention, GarbageCollection.Mode.REMOVE, running).report;
    }

    /** To be called by the owner of the lock. */
    private RetentionPlanner.Plan plan(Branch branch, Kept known, Retention retention, RequestContext running)
            throws StorageException {
        Timeline timeline = branch.timeline();
        // What is taken in meanwhile comes after this.
        Lsn durable = timeline.diskConsistentLsn();
        Lsn last = timeline.lastRecordLsn();
        Lsn atPitr = null;
        if (!retention.pitrInterval().isZero()) {
            Instant time = clock.instant().minus(retention.pitrInterval());
            CommitTimes commits = new CommitTimes(timeline, running);
            atPitr = known.pitr.find(time, commits, first(branch), last);
        }
        return RetentionPlanner.plan(
                new RetentionPlanner.Inputs(last, durable, timeline.gcCutoffLsn(), atPitr), retention);
    }

    private Lsn first(Branch branch) {
        return new History(branch, branches, context).first();
    }

    @Override
    public GcView gc(String name, RetentionOverride other, boolean dryRun) throws BranchException {
        Branch branch = branch(name);
        Instant begin = clock.instant();
        Instant leasesKnownFrom = leasesKnownFrom(branch);
        if (!dryRun && begin.isBefore(leasesKnownFrom)) {
            throw new BranchException(
                    BranchException.Kind.UNAVAILABLE,
                    "nothing is removed before " + leasesKnownFrom
                            + ": until then clients may ask again for LSNs that they leased before the server was"
                            + " started, or its tenant attached (lsn_lease_length); a dry run shows what would go");
        }
        Retention retention = retention(branch, other);
        LayerCensus census = LayerCensus.of(branch.timeline());
        try {
            Collected done = collect(
                    branch,
                    retention,
                    dryRun ? GarbageCollection.Mode.DRY_RUN : GarbageCollection.Mode.REMOVE,
                    context);
            return new GcView(
                    dryRun,
                    done.report.cutoff(),
                    done.plan.rule(),
                    retention.pitrInterval(),
                    retention.gcHorizon(),
                    census.files().layers(),
                    census.files().bytes(),
                    done.report.layersRemoved(),
                    done.report.bytesRemoved(),
                    done.report.layersKept(),
                    Duration.between(begin, clock.instant()));
        } catch (StorageException e) {
            throw Branches.failed("GC of branch " + name + " failed", e);
        }
    }

    @Override
    public CompactionView compact(String name, boolean images, boolean force) throws BranchException {
        Branch branch = branch(name);
        Instant begin = clock.instant();
        CompactionSettings compaction = store.compactionSettings();
        L0Planner.Trigger trigger = force ? L0Planner.Trigger.ALWAYS : L0Planner.Trigger.THRESHOLD;
        try {
            CompactionView done = CompactionView.NOTHING;
            CompactionReport report;
            do {
                report = branch.timeline().upkeep().compactL0(compaction, trigger, context);
                done = done.withL0(report);
            } while (report.outcome() == CompactionReport.Outcome.MORE_TO_DO);
            if (images) {
                CompactionSettings due = force ? compaction.withImageThreshold(1) : compaction;
                done = done.withImages(branch.timeline().upkeep().createImages(due, () -> false, context));
            }
            return done.took(Duration.between(begin, clock.instant()));
        } catch (StorageException e) {
            throw Branches.failed("compaction of branch " + name + " failed", e);
        }
    }

    private HistoryReport compactHistory(
            Branch branch,
            HistorySettings wanted,
            BooleanSupplier yield,
            Consumer<HistoryReport> done,
            RequestContext running)
            throws StorageException {
        HistoryReport report = branch.timeline()
                .upkeep()
                .compactHistory(branch.tenant(), store.compactionSettings(), wanted, yield, done, running);
        LOG.info(
                "history of branch {} is compacted: {} layers with {} bytes have taken the place of {} with {},"
                        + " {} values are left of {}",
                branch.name(),
                report.layersWritten(),
                report.bytesWritten(),
                report.layersRemoved(),
                report.bytesRemoved(),
                report.valuesKept(),
                report.valuesRead());
        return report;
    }

    @Override
    public HistoryCompactionView compactHistory(String name) throws BranchException {
        Branch branch = branch(name);
        Instant begin = clock.instant();
        HistorySettings how = settings.apply(branch.tenantId()).history();
        try {
            HistoryReport report = history.run(
                    branch.timeline().id(), done -> compactHistory(branch, how, () -> false, done, context));
            return HistoryCompactionView.of(report, Duration.between(begin, clock.instant()));
        } catch (StorageException e) {
            throw Branches.failed("compaction of the history of branch " + name + " failed", e);
        }
    }

    @Override
    public FlushView flush(String name) throws BranchException {
        Branch branch = present(name);
        Instant begin = clock.instant();
        Lsn before = branch.timeline().remoteConsistentLsn();
        LayerCensus.Level memory = LayerCensus.of(branch.timeline()).memory();
        try {
            Lsn after = branch.timeline().freezeAndFlush(context);
            return new FlushView(
                    after,
                    Math.max(0, after.value() - before.value()),
                    memory.layers(),
                    memory.bytes(),
                    Duration.between(begin, clock.instant()));
        } catch (StorageException e) {
            throw Branches.failed("branch " + name + " cannot be flushed", e);
        }
    }

    @Override
    public HistoryView history(String name) throws BranchException {
        Branch branch = branch(name);
        Timeline timeline = branch.timeline();
        RetentionOverride own = branch.record().retention();
        Retention retention = retention(branch, RetentionOverride.NONE);
        Kept known = kept(branch);
        known.lock.lock();
        try {
            // Nothing is collected meanwhile, so what is read is there.
            RetentionPlanner.Plan plan = plan(branch, known, retention, context);
            CommitTimes commits = new CommitTimes(timeline, context);
            Lsn first = first(branch);
            Lsn last = timeline.lastRecordLsn();
            return new HistoryView(
                    first,
                    commits.latestCommit(first),
                    last,
                    commits.latestCommit(last),
                    retention.pitrInterval(),
                    retention.gcHorizon(),
                    !own.isNone(),
                    Lsn.max(first, plan.cutoff()),
                    plan.rule(),
                    branchPoints(timeline, branches.all()),
                    known.leases.valid(clock.instant()).entrySet().stream()
                            .map(lease -> new HistoryView.Lease(lease.getKey(), lease.getValue()))
                            .toList(),
                    LayerCensus.of(timeline),
                    ReadDepth.of(timeline, DEPTH_SAMPLE),
                    timeline.diskConsistentLsn(),
                    timeline.remoteConsistentLsn(),
                    timeline.layersToUpload(),
                    timeline.uploadBacklogBytes());
        } catch (StorageException e) {
            throw Branches.failed("the history of branch " + name + " cannot be looked at", e);
        } finally {
            known.lock.unlock();
        }
    }

    private static List<Lsn> branchPoints(Timeline timeline, Collection<Branch> all) {
        List<Lsn> points = new ArrayList<>();
        for (Branch other : all) {
            Timeline.BranchPoint point = other.timeline().branchPoint();
            if (point != null && point.ancestor() == timeline) {
                points.add(point.lsn());
            }
        }
        return points.stream().sorted().toList();
    }

    @Override
    public Instant lease(String name, Lsn lsn) throws BranchException {
        Branch branch = branch(name);
        Lsn first = first(branch);
        Lsn last = branch.timeline().lastRecordLsn();
        Kept known = kept(branch);
        boolean renewed = known.leases.valid(clock.instant()).containsKey(lsn);
        if (lsn.isAfter(last) || (!renewed && lsn.isBefore(first))) {
            throw new BranchException(
                    BranchException.Kind.INVALID,
                    "no lease of " + lsn + ": branch " + name + " can be read from " + first + " to " + last + "; "
                            + History.WHY_NOT_OLDER);
        }
        try {
            return known.leases.lease(
                    lsn, clock.instant().plus(settings.apply(branch.tenantId()).leaseLength()));
        } catch (StorageException e) {
            throw Branches.failed("no lease of " + lsn + " on branch " + name, e);
        }
    }

    @Override
    public void retain(String name, RetentionOverride retention) throws BranchException {
        retain(name, known -> retention.or(known));
    }

    @Override
    public void retainAsServer(String name) throws BranchException {
        retain(name, _ -> RetentionOverride.NONE);
    }

    private void retain(String name, UnaryOperator<RetentionOverride> change) throws BranchException {
        Branch branch = branch(name);
        branch.lifecycle.lock();
        try {
            BranchRecord known = branch.record();
            branch.update(known.retaining(change.apply(known.retention())), context);
        } catch (StorageException e) {
            throw Branches.failed("what branch " + name + " keeps cannot be changed", e);
        } finally {
            branch.lifecycle.unlock();
        }
    }
}
