package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.branch.BranchException;
import dev.palimpsest.pageserver.branch.BranchView;
import dev.palimpsest.pageserver.branch.CompactionView;
import dev.palimpsest.pageserver.branch.FlushView;
import dev.palimpsest.pageserver.branch.GcView;
import dev.palimpsest.pageserver.branch.HistoryCompactionView;
import dev.palimpsest.pageserver.branch.HistoryView;
import dev.palimpsest.pageserver.branch.Moment;
import dev.palimpsest.pageserver.branch.UpkeepService;
import dev.palimpsest.pageserver.retention.Retention;
import dev.palimpsest.pageserver.retention.RetentionOverride;
import dev.palimpsest.pageserver.retention.RetentionPlanner;
import dev.palimpsest.pageserver.retention.RetentionSettings;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.gc.GcPlanner;
import dev.palimpsest.storage.timeline.LayerCensus;
import dev.palimpsest.storage.timeline.ReadDepth;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/** The upkeep of branches that exist only as what is said of them. */
final class FakeUpkeep implements UpkeepService {
    private final FakeBranches branches;

    FakeUpkeep(FakeBranches branches) {
        this.branches = branches;
    }

    private BranchView call(String name, String what) throws BranchException {
        BranchView view = branches.view(name);
        FakeBranches.notArchived(view);
        branches.calls.add(what);
        return view;
    }

    @Override
    public GcView gc(String name, RetentionOverride other, boolean dryRun) throws BranchException {
        call(
                name,
                "gc " + name + " keeping " + other.pitrInterval() + ", " + other.gcHorizon() + (dryRun ? ", dry" : ""));
        Retention retention = other.over(RetentionSettings.DEFAULT.kept());
        return new GcView(
                dryRun,
                new Lsn(0x5000),
                RetentionPlanner.Rule.PITR_INTERVAL,
                retention.pitrInterval(),
                retention.gcHorizon(),
                8,
                8 << 20,
                3,
                3 << 20,
                Map.of(GcPlanner.Kept.BY_TIME, 4, GcPlanner.Kept.NOT_COVERED, 1),
                Duration.ofMillis(1500));
    }

    @Override
    public CompactionView compact(String name, boolean images, boolean force) throws BranchException {
        call(name, "compact " + name + (images ? " images" : "") + (force ? " force" : ""));
        return new CompactionView(
                10, 10 << 20, 4, 9 << 20, images ? 2 : 0, images ? 1 << 20 : 0, Duration.ofMillis(200));
    }

    @Override
    public HistoryCompactionView compactHistory(String name) throws BranchException {
        call(name, "compact history of " + name);
        return new HistoryCompactionView(
                2, 20, 200 << 20, 5, 50 << 20, 18, 180 << 20, 100_000, 20_000, Duration.ofMillis(900));
    }

    @Override
    public FlushView flush(String name) throws BranchException {
        BranchView view = call(name, "flush " + name);
        return new FlushView(view.lastRecordLsn(), 0x1123, 1, 4096, Duration.ofMillis(100));
    }

    @Override
    public HistoryView history(String name) throws BranchException {
        BranchView view = branches.view(name);
        FakeBranches.notArchived(view);
        return new HistoryView(
                view.readableFrom(),
                null,
                view.lastRecordLsn(),
                FakeBranches.EPOCH,
                Duration.ofDays(7),
                64 << 20,
                false,
                new Lsn(0x5000),
                RetentionPlanner.Rule.PITR_INTERVAL,
                List.of(new Lsn(0x3000)),
                List.of(new HistoryView.Lease(new Lsn(0x4000), FakeBranches.EPOCH)),
                new LayerCensus(
                        new LayerCensus.Level(1, 100),
                        new LayerCensus.Level(2, 2048),
                        new LayerCensus.Level(3, 4096),
                        new LayerCensus.Level(4, 8192),
                        new LayerCensus.Level(0, 0)),
                new ReadDepth(9, 2.5, 4),
                view.diskConsistentLsn(),
                view.remoteConsistentLsn(),
                1,
                1024);
    }

    @Override
    public Instant lease(String name, Lsn lsn) throws BranchException {
        call(name, "lease " + name + " at " + lsn);
        branches.resolve(name, new Moment.AtLsn(lsn));
        return FakeBranches.EPOCH.plusSeconds(600);
    }

    @Override
    public void retain(String name, RetentionOverride retention) throws BranchException {
        call(name, "retain " + name + ": " + retention.pitrInterval() + ", " + retention.gcHorizon());
    }

    @Override
    public void retainAsServer(String name) throws BranchException {
        call(name, "retain " + name + " as the server");
    }
}
