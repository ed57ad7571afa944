package dev.palimpsest.cli;

import dev.palimpsest.benchmarks.IdleBranchesBenchmark;
import java.io.IOException;
import java.io.PrintWriter;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code palimpsest bench idle-branches}: what branches cost that nobody uses. */
@Command(
        name = "idle-branches",
        mixinStandardHelpOptions = true,
        description =
                "What branches cost that nobody uses: to make them, in memory, processor time, files and objects, in"
                        + " answers of the management API, and when the server starts again.")
final class IdleBranchesCommand implements Callable<Integer> {
    @Mixin
    private BenchedCluster cluster = new BenchedCluster();

    @Option(
            names = "--counts",
            split = ",",
            description = "how many branches; default: ${DEFAULT-VALUE}",
            defaultValue = "100,1000,10000")
    private List<Integer> counts = List.of();

    @Option(
            names = "--mib",
            description = "the size of the table that the branches share; default: ${DEFAULT-VALUE}",
            defaultValue = "64")
    private int mebibytes;

    @Option(
            names = "--idle",
            paramLabel = "SECONDS",
            description = "how long the server is left alone to measure its processor time; default: ${DEFAULT-VALUE}",
            defaultValue = "60")
    private int seconds;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException, SQLException, InterruptedException {
        PrintWriter out = spec.commandLine().getOut();
        out.printf(
                "%8s %8s %7s %7s %7s %8s %7s %5s %8s %9s %8s %8s %8s %8s %7s %7s %7s %7s%n",
                "branches",
                "make s",
                "more ms",
                "heap MB",
                "RSS MB",
                "CPU s/mn",
                "threads",
                "files",
                "objects",
                "object MB",
                "list ms",
                "list kB",
                "scrap ms",
                "scrap kB",
                "stop s",
                "ready s",
                "page s",
                "GC ms");
        IdleBranchesBenchmark.run(
                new IdleBranchesBenchmark.Parameters(
                        counts.stream().sorted().toList(),
                        Duration.ofSeconds(seconds),
                        mebibytes,
                        cluster.version(),
                        cluster.directory()),
                result -> {
                    print(result, out);
                    out.flush();
                });
        return 0;
    }

    private static void print(IdleBranchesBenchmark.Result result, PrintWriter out) {
        IdleBranchesBenchmark.Idle idle = result.idle();
        IdleBranchesBenchmark.Again again = result.again();
        out.printf(
                Locale.ROOT,
                "%8d %8.1f %7.1f %7.1f %7.0f %8.2f %7d %5d %8d %9.1f %8.1f %8.0f %8.1f %8.0f %7.1f %7.1f %7.1f %7.2f%n",
                result.branches(),
                result.making().seconds(),
                result.making().oneMore(),
                idle.heap() / 1e6,
                idle.memory() / 1e6,
                idle.cpu(),
                idle.threads(),
                idle.files(),
                idle.objects(),
                idle.objectBytes() / 1e6,
                idle.list().millis(),
                idle.list().bytes() / 1e3,
                idle.metrics().millis(),
                idle.metrics().bytes() / 1e3,
                again.stop(),
                again.ready(),
                again.firstPage(),
                again.gcMillis());
    }
}
