package dev.palimpsest.cli;

import dev.palimpsest.pageserver.branch.BranchView;
import dev.palimpsest.pageserver.branch.HistoryRunView;
import dev.palimpsest.pageserver.branch.HistoryView;
import dev.palimpsest.pageserver.config.Units;
import dev.palimpsest.pageserver.walreceiver.FollowState;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.timeline.LayerCensus;
import dev.palimpsest.storage.timeline.ReadDepth;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Instant;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code palimpsest branch show}. */
@Command(name = "show", mixinStandardHelpOptions = true, description = "Show everything that is known of a branch.")
final class BranchShowCommand implements Callable<Integer> {
    @Mixin
    private BranchArgument target = new BranchArgument();

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException, ServerFailure {
        try (ServerClient client = target.connect()) {
            BranchView branch = client.get(target.path(), BranchView.class);
            line("branch", branch.name());
            line("state", StatusCommand.state(branch));
            line("PostgreSQL", branch.pgVersion());
            if (branch.branchedAt() != null) {
                line("comes from", (branch.parent() == null ? "?" : branch.parent()) + " at " + branch.branchedAt());
            }
            line("created", Display.time(branch.created()));
            line("readable", branch.readableFrom() + " to " + branch.lastRecordLsn());
            line("durable to", branch.remoteConsistentLsn() + ", in layer files to " + branch.diskConsistentLsn());
            line(
                    "layers",
                    Display.count(branch.layers()) + ", " + Display.bytes(branch.layerBytes()) + ", "
                            + Display.bytes(branch.residentBytes()) + " of it on the local disk");
            BranchView.Downloads downloads = branch.downloads();
            if (downloads.running() + downloads.waiting() > 0) {
                line(
                        "downloads",
                        downloads.running() + ", and " + downloads.waiting() + " waiting: "
                                + Display.bytes(downloads.received()) + " of " + Display.bytes(downloads.bytes()));
            }
            if (branch.phase() == BranchView.Phase.READY) {
                history(client.get(target.path() + "/history", HistoryView.class));
            }
            if (branch.historyCompaction() != null) {
                line("compacted", compacted(branch.historyCompaction()));
            }
            branch.brokenJobs().forEach(job -> line("broken", StatusCommand.broken(job)));
            if (branch.source() != null) {
                line("source", branch.source());
            }
            if (branch.follow() != null) {
                follow(branch, branch.follow());
            }
            line("tenant", branch.tenant());
            line("timeline", branch.timeline());
            return 0;
        }
    }

    private static String compacted(HistoryRunView run) {
        if (run.running()) {
            return StatusCommand.running(run);
        }
        return "history, at " + Display.time(run.began()) + " in " + Display.seconds(run.elapsed()) + ": "
                + StatusCommand.done(run) + (run.failure() == null ? "" : "; failed: " + run.failure());
    }

    private void history(HistoryView history) {
        LayerCensus layers = history.layers();
        line("  in memory", level(layers.memory()));
        line("  L0", level(layers.l0()));
        line("  L1", level(layers.l1()));
        line("  images", level(layers.images()));
        line("  inherited", level(layers.inherited()) + ", shared with what it comes from");
        line(
                "  to upload",
                Display.counted(history.layersToUpload(), "layer") + ", " + Display.bytes(history.bytesToUpload()));
        ReadDepth depth = history.readDepth();
        line(
                "read depth",
                String.format(
                        Locale.ROOT,
                        "%.1f layers on average, %d at most (from the layer map, for %s)",
                        depth.mean(),
                        depth.max(),
                        Display.counted(depth.keys(), "key")));
        line("history", time(history.from(), history.fromTime()) + " to " + time(history.to(), history.toTime()));
        line(
                "kept",
                "pitr_interval " + Units.print(history.pitrInterval()) + ", gc_horizon "
                        + Display.bytes(history.gcHorizon())
                        + (history.ownRetention() ? ", the branch's own" : ""));
        line(
                "next GC",
                "keeps from " + history.plannedCutoff() + " on: "
                        + GcCommand.why(history.rule(), history.pitrInterval(), history.gcHorizon()));
        if (!history.branchPoints().isEmpty()) {
            line(
                    "left at",
                    history.branchPoints().stream().map(Lsn::toString).collect(Collectors.joining(", "))
                            + " by other branches");
        }
        for (HistoryView.Lease lease : history.leases()) {
            line("leased", lease.lsn() + " until " + Display.time(lease.validUntil()));
        }
    }

    private static String level(LayerCensus.Level level) {
        return Display.count(level.layers()) + ", " + Display.bytes(level.bytes());
    }

    private static String time(Lsn lsn, @Nullable Instant time) {
        return lsn + (time == null ? "" : " (" + Display.time(time) + ")");
    }

    private void follow(BranchView branch, FollowState follow) {
        line("received", follow.received() + " of " + follow.sourceEnd());
        if (branch.lagBytes() >= 0) {
            line(
                    "behind",
                    Display.bytes(branch.lagBytes())
                            + (branch.lagSeconds() < 0 ? "" : ", " + Display.seconds(branch.lagSeconds())));
        }
        if (follow.lastCommit() != null) {
            line("last commit", Display.time(follow.lastCommit()));
        }
        if (follow.lastMessage() != null) {
            line("last heard", Display.time(follow.lastMessage()));
        }
        if (follow.problem() != null) {
            line("problem", follow.problem());
        }
    }

    private void line(String title, Object value) {
        PrintWriter out = spec.commandLine().getOut();
        out.printf("%-12s %s%n", title, value);
    }
}
