package dev.palimpsest.cli;

import dev.palimpsest.benchmarks.DayBenchmark;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code palimpsest bench day}: whether the store takes more and more, in simulated time. */
@Command(
        name = "day",
        mixinStandardHelpOptions = true,
        description =
                "A day of mixed work in simulated time, an hour of history kept: what the store takes of local disk,"
                        + " bucket and memory, and how many layers lie under a page, every ten minutes.")
final class DayCommand implements Callable<Integer> {
    @Option(names = "--hours", description = "default: ${DEFAULT-VALUE}", defaultValue = "24")
    private int hours;

    @Option(names = "--seed", description = "default: ${DEFAULT-VALUE}", defaultValue = "1")
    private long seed;

    @Option(
            names = "--picture",
            paramLabel = "FILE",
            description = "where the picture goes, as SVG; default: ${DEFAULT-VALUE}",
            defaultValue = "day.svg")
    private Path picture = Path.of("day.svg");

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        DayBenchmark.run(seed, Duration.ofHours(hours), picture, line -> {
            out.println(line);
            out.flush();
        });
        return 0;
    }
}
