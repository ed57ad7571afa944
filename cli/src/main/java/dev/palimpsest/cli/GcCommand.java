package dev.palimpsest.cli;

import dev.palimpsest.pageserver.branch.GcView;
import dev.palimpsest.pageserver.config.Units;
import dev.palimpsest.pageserver.http.Requests;
import dev.palimpsest.pageserver.retention.RetentionPlanner;
import dev.palimpsest.storage.gc.GcPlanner;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code palimpsest gc}: removes history that need not be kept. */
@Command(
        name = "gc",
        mixinStandardHelpOptions = true,
        description =
                "Remove layers of a branch's history that need not be kept, and say what went and why the rest stays.")
final class GcCommand implements Callable<Integer> {
    @Mixin
    private BranchArgument target = new BranchArgument();

    @Option(names = "--dry-run", description = "only say what would go")
    private boolean dryRun;

    @Option(
            names = "--pitr-interval",
            paramLabel = "TIME",
            converter = DurationOption.class,
            description = "this time keep so much, such as 2h; default: what the branch keeps")
    private @Nullable Duration pitrInterval;

    @Option(
            names = "--horizon",
            paramLabel = "SIZE",
            converter = SizeOption.class,
            description = "this time keep so much WAL before the end, such as 64MB; default: what the branch keeps")
    private @Nullable Long horizon;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException, ServerFailure {
        try (ServerClient client = target.connect()) {
            GcView done = client.put(
                    target.path() + "/gc",
                    new Requests.CollectGarbage(
                            pitrInterval == null ? null : Units.print(pitrInterval), horizon, dryRun),
                    GcView.class);
            PrintWriter out = spec.commandLine().getOut();
            out.printf("history is kept from %s on: %s%n", done.cutoff(), why(done));
            out.printf(
                    "%s of %s %s, %s of %s, in %s%n",
                    Display.count(done.layersRemoved()),
                    Display.counted(done.layers(), "layer"),
                    dryRun ? "would be removed" : "removed",
                    Display.bytes(done.bytesRemoved()),
                    Display.bytes(done.bytes()),
                    Display.seconds(done.elapsed()));
            Map<GcPlanner.Kept, Integer> kept = new EnumMap<>(GcPlanner.Kept.class);
            kept.putAll(done.layersKept());
            kept.forEach(
                    (reason, layers) -> out.printf("%s kept: %s%n", Display.counted(layers, "layer"), why(reason)));
            return 0;
        }
    }

    private static String why(GcView done) {
        return why(done.rule(), done.pitrInterval(), done.gcHorizon());
    }

    /** Why history begins where it does. */
    static String why(RetentionPlanner.Rule rule, Duration pitrInterval, long gcHorizon) {
        String interval = "pitr_interval, " + Units.print(pitrInterval);
        String before = "gc_horizon, " + Display.bytes(gcHorizon);
        return switch (rule) {
            case PITR_INTERVAL -> "by " + interval;
            case GC_HORIZON -> "by " + before;
            case NOTHING_THAT_OLD -> "no commit is known that is as old as " + interval;
            case ALREADY -> "it begins there already, after what " + interval + ", and " + before + " would keep";
            case NOT_FLUSHED -> "what comes after is not flushed yet";
        };
    }

    private static String why(GcPlanner.Kept reason) {
        return switch (reason) {
            case BY_SPACE -> "within gc_horizon";
            case BY_TIME -> "within pitr_interval";
            case BY_BRANCH -> "a branch may need them";
            case BY_LEASE -> "a leased LSN may need them";
            case NOT_COVERED -> "no newer image layers cover them";
        };
    }
}
