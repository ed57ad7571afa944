package dev.palimpsest.cli;

import dev.palimpsest.benchmarks.CompactionSimulation;
import dev.palimpsest.storage.compaction.BackgroundSettings;
import dev.palimpsest.storage.compaction.CompactionSettings;
import dev.palimpsest.storage.timeline.TimelineConfig;
import java.io.PrintWriter;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code palimpsest bench compaction-sim}: what the planners of compaction cost, without a file. */
@Command(
        name = "compaction-sim",
        mixinStandardHelpOptions = true,
        description =
                "Write, read and space amplification of synthetic workloads, as the planners of compaction, images"
                        + " and GC would have them. Writes no file.")
final class CompactionSimCommand implements Runnable {
    private static final long MIB = 1 << 20;
    private static final long GIB = 1 << 30;

    @Option(names = "--wal-gib", description = "of each workload; default: ${DEFAULT-VALUE}", defaultValue = "64")
    private long walGib;

    @Option(
            names = "--table-gib",
            description = "of the table that is updated; default: ${DEFAULT-VALUE}",
            defaultValue = "8")
    private long tableGib;

    @Option(
            names = "--retain-gib",
            description = "of WAL that history is kept for; default: ${DEFAULT-VALUE}",
            defaultValue = "16")
    private long retainGib;

    @Option(names = "--l0-threshold", description = "default: as the server's")
    private @Nullable Integer l0Threshold;

    @Option(names = "--image-threshold", description = "default: as the server's")
    private @Nullable Integer imageThreshold;

    @Option(names = "--target-mib", description = "size of layers; default: as the server's")
    private @Nullable Long targetMib;

    @Option(
            names = "--image-share",
            description = "what a page takes in an image layer; default: ${DEFAULT-VALUE}",
            defaultValue = "0.5")
    private double imageShare;

    @Option(names = "--seed", description = "default: ${DEFAULT-VALUE}", defaultValue = "1")
    private long seed;

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        PrintWriter out = spec.commandLine().getOut();
        out.printf(
                "%-20s %7s | %7s %5s %5s %6s | %4s %5s %6s %9s %6s | %4s %4s %4s%n",
                "workload",
                "WAL GiB",
                "written",
                "L0",
                "L1",
                "images",
                "L0",
                "L1",
                "images",
                "live GiB",
                "space",
                "p50",
                "p99",
                "max");
        CompactionSimulation.Parameters parameters = new CompactionSimulation.Parameters(
                settings(),
                TimelineConfig.DEFAULT.checkpointDistance(),
                BackgroundSettings.DEFAULT.imageCheckDistance(),
                walGib * GIB,
                tableGib * GIB,
                retainGib * GIB,
                imageShare,
                seed);
        for (CompactionSimulation.Workload workload : CompactionSimulation.Workload.values()) {
            CompactionSimulation.run(parameters, workload, row -> {
                out.printf(
                        Locale.ROOT,
                        "%-20s %7.0f | %7.2f %5.2f %5.2f %6.2f | %4d %5d %6d %9.1f %6.2f | %4d %4d %4d%n",
                        row.workload(),
                        row.walBytes() / (double) GIB,
                        row.written(),
                        row.flushed(),
                        row.compacted(),
                        row.images(),
                        row.l0(),
                        row.l1(),
                        row.imageLayers(),
                        row.liveBytes() / (double) GIB,
                        row.space(),
                        row.p50(),
                        row.p99(),
                        row.max());
                out.flush();
            });
        }
    }

    private CompactionSettings settings() {
        CompactionSettings given = CompactionSettings.DEFAULT;
        return new CompactionSettings(
                l0Threshold == null ? given.l0Threshold() : l0Threshold,
                given.maxInputBytes(),
                targetMib == null ? given.targetLayerBytes() : targetMib * MIB,
                imageThreshold == null ? given.imageThreshold() : imageThreshold,
                given.maxRecordsPerKey(),
                given.imageCompression());
    }
}
