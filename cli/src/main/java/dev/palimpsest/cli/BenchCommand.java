package dev.palimpsest.cli;

import dev.palimpsest.benchmarks.AmplificationBenchmark;
import dev.palimpsest.benchmarks.BranchBenchmark;
import dev.palimpsest.benchmarks.BulkInsertBenchmark;
import dev.palimpsest.benchmarks.ColdStartBenchmark;
import dev.palimpsest.benchmarks.GetPageBenchmark;
import dev.palimpsest.benchmarks.IngestBenchmark;
import dev.palimpsest.benchmarks.LayerMapBenchmark;
import dev.palimpsest.benchmarks.ManyLayers;
import dev.palimpsest.benchmarks.PageServiceBenchmark;
import dev.palimpsest.benchmarks.ReadBenchmark;
import dev.palimpsest.benchmarks.RedoBenchmark;
import dev.palimpsest.benchmarks.jmh.JmhRun;
import dev.palimpsest.pageserver.branch.BranchException;
import dev.palimpsest.postgres.wal.RedoException;
import dev.palimpsest.storage.StorageException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code palimpsest bench}: how fast the engine is on this machine. */
@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        subcommands = {CompactionSimCommand.class, DayCommand.class, IdleBranchesCommand.class},
        description = "Measure the engine on this machine. Give it the machine for itself.")
final class BenchCommand implements Runnable {
    private static final long MIB = 1 << 20;

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "Missing a command");
    }

    @Command(
            name = "ingest",
            mixinStandardHelpOptions = true,
            description =
                    "Put values into an in-memory layer, with and without writing the delta layer, and next to it "
                            + "write the same bytes to a file with one fsync.")
    void ingest(
            @Option(names = "--dir", description = "where to write; default: the current directory", defaultValue = ".")
                    Path directory,
            @Option(
                            names = "--mib",
                            description = "MiB of values in each run; default: ${DEFAULT-VALUE}",
                            defaultValue = "128")
                    long mib,
            @Option(
                            names = "--rounds",
                            description = "of each run, the best counts; default: ${DEFAULT-VALUE}",
                            defaultValue = "3")
                    int rounds)
            throws IOException, StorageException {
        PrintWriter out = spec.commandLine().getOut();
        out.printf(
                "%-7s %-13s %-6s %-8s %9s %12s %12s %11s %10s %10s %7s%n",
                "bytes",
                "keys",
                "delta",
                "readers",
                "MiB/s",
                "puts/s",
                "index B/put",
                "garb. B/put",
                "peak MiB",
                "raw MiB/s",
                "of raw");
        for (int valueBytes : List.of(100, 8192)) {
            for (IngestBenchmark.KeyLayout layout : IngestBenchmark.KeyLayout.values()) {
                for (boolean writeDelta : List.of(false, true)) {
                    for (int readers : List.of(0, 4)) {
                        IngestBenchmark.Result best = best(
                                new IngestBenchmark.Parameters(mib * MIB, valueBytes, layout, writeDelta, readers),
                                directory,
                                rounds);
                        out.printf(
                                "%-7d %-13s %-6s %-8d %9.0f %12.0f %12.1f %11.2f %10d %10.0f %7.2f%n",
                                valueBytes,
                                layout,
                                writeDelta ? "yes" : "no",
                                readers,
                                best.mibPerSecond(),
                                best.putsPerSecond(),
                                best.indexBytesPerEntry(),
                                best.garbageBytesPerPut(),
                                best.peakBytes() / MIB,
                                best.rawMibPerSecond(),
                                best.ofRaw());
                        out.flush();
                    }
                }
            }
        }
    }

    private static IngestBenchmark.Result best(IngestBenchmark.Parameters parameters, Path directory, int rounds)
            throws IOException, StorageException {
        IngestBenchmark.Result best = IngestBenchmark.run(parameters, directory);
        for (int round = 1; round < rounds; round++) {
            IngestBenchmark.Result next = IngestBenchmark.run(parameters, directory);
            best = next.mibPerSecond() > best.mibPerSecond() ? next : best;
        }
        return best;
    }

    @Command(
            name = "read",
            mixinStandardHelpOptions = true,
            description = "Read 1, 32 and 256 keys at a time from in-memory, delta and image layers, warm and cold.")
    void read(
            @Option(names = "--dir", description = "where to write; default: the current directory", defaultValue = ".")
                    Path directory,
            @Option(
                            names = "--pages",
                            description = "pages in each layer; default: ${DEFAULT-VALUE}",
                            defaultValue = "16384")
                    int pages)
            throws IOException, StorageException {
        PrintWriter out = spec.commandLine().getOut();
        out.println(ReadBenchmark.HEADER);
        ReadBenchmark.run(directory, pages, result -> {
            out.println(result);
            out.flush();
        });
    }

    @Command(
            name = "layermap",
            mixinStandardHelpOptions = true,
            description = "Build and search layer maps of 1,000, 10,000 and 100,000 layers.")
    void layermap(
            @Option(
                            names = "--layers",
                            description = "sizes; default: 1000,10000,100000",
                            split = ",",
                            defaultValue = "1000,10000,100000")
                    List<Integer> sizes) {
        PrintWriter out = spec.commandLine().getOut();
        new LayerMapBenchmark(1).run(sizes).forEach(out::println);
        out.flush();
    }

    @Command(
            name = "bulk-insert",
            mixinStandardHelpOptions = true,
            description =
                    "Fill a table of an unmodified PostgreSQL by one INSERT while a server follows; then let another"
                            + " server take in the same WAL at full speed, and PostgreSQL itself recover from it.")
    void bulkInsert(
            @Mixin BenchedCluster cluster,
            @Option(
                            names = "--rows",
                            description = "rows to insert; default: ${DEFAULT-VALUE}",
                            defaultValue = "20000000")
                    long rows)
            throws IOException, SQLException {
        PrintWriter out = spec.commandLine().getOut();
        BulkInsertBenchmark.run(
                new BulkInsertBenchmark.Parameters(rows, cluster.version(), cluster.directory()), line -> {
                    out.println(line);
                    out.flush();
                });
    }

    @Command(
            name = "amplification",
            mixinStandardHelpOptions = true,
            description = "What a byte of WAL costs a server that follows an unmodified PostgreSQL: bytes written and"
                    + " uploaded, files visited by a read, and the size of history.")
    void amplification(
            @Mixin BenchedCluster cluster,
            @Option(names = "--rows", description = "to insert; default: ${DEFAULT-VALUE}", defaultValue = "40000000")
                    long rows,
            @Option(
                            names = "--accounts",
                            description = "rows of the table that is updated; default: ${DEFAULT-VALUE}",
                            defaultValue = "2000000")
                    long accounts,
            @Option(
                            names = "--updates",
                            description = "in each of three loads; default: ${DEFAULT-VALUE}",
                            defaultValue = "4000000")
                    long updates,
            @Option(
                            names = "--reads",
                            description = "of single pages after each load; default: ${DEFAULT-VALUE}",
                            defaultValue = "2000")
                    int reads)
            throws IOException, SQLException {
        PrintWriter out = spec.commandLine().getOut();
        out.printf(
                "%-24s %7s | %6s %6s: %7s %6s %6s, upload | %6s %5s | %3s %3s %3s files/read%n",
                "bytes per byte of WAL",
                "WAL MB",
                "files",
                "device",
                "flushed",
                "L1",
                "images",
                "layers",
                "live",
                "p50",
                "p99",
                "max");
        AmplificationBenchmark.run(
                new AmplificationBenchmark.Parameters(
                        rows, accounts, updates, reads, cluster.version(), cluster.directory()),
                result -> {
                    out.printf(
                            Locale.ROOT,
                            "%-24s %7.0f | %6.2f %6.2f  %7.2f %6.2f %6.2f  %6.2f | %6d %5.2f | %3d %3d %3d%n",
                            result.load(),
                            result.walBytes() / 1e6,
                            result.files(),
                            result.device(),
                            result.flushed(),
                            result.compacted(),
                            result.images(),
                            result.uploaded(),
                            result.layers(),
                            result.live(),
                            result.p50(),
                            result.p99(),
                            result.max());
                    out.flush();
                });
        out.println("Neon's test_bulk_insert: 3.9 bytes written to files for each byte of WAL (5,428 MB for 1,382 MB)");
        out.flush();
    }

    @Command(
            name = "branch",
            mixinStandardHelpOptions = true,
            description = "Make branches of databases of several sizes, and boot an unmodified PostgreSQL on them.")
    void branch(
            @Mixin BenchedCluster cluster,
            @Option(
                            names = "--sizes",
                            split = ",",
                            paramLabel = "MIB",
                            description = "sizes of a table in MiB; default: ${DEFAULT-VALUE}",
                            defaultValue = "0,256,1024")
                    List<Integer> sizes,
            @Option(names = "--branches", description = "of each size; default: ${DEFAULT-VALUE}", defaultValue = "20")
                    int branches,
            @Option(names = "--boots", description = "of each size; default: ${DEFAULT-VALUE}", defaultValue = "5")
                    int boots)
            throws IOException, SQLException, BranchException, StorageException {
        PrintWriter out = spec.commandLine().getOut();
        out.printf(
                "%8s %10s %10s %10s %10s %12s%n",
                "MiB", "layers MB", "branch ms", "slowest ms", "boot ms", "first boot ms");
        BranchBenchmark.run(
                new BranchBenchmark.Parameters(
                        sizes, branches, Math.min(boots, branches), cluster.version(), cluster.directory()),
                result -> {
                    out.printf(
                            Locale.ROOT,
                            "%8d %10.1f %10.2f %10.2f %10.0f %12.0f%n",
                            result.mebibytes(),
                            result.layerBytes() / 1e6,
                            result.branch(),
                            result.slowestBranch(),
                            result.boot(),
                            result.firstBoot());
                    out.flush();
                });
    }

    @Command(
            name = "cold-start",
            mixinStandardHelpOptions = true,
            description =
                    "From the start of a server with an empty disk to the first page, when its history is in an object"
                            + " store and has so many layers.")
    void coldStart(
            @Mixin BenchedCluster cluster,
            @Option(
                            names = "--layers",
                            split = ",",
                            description = "ascending; default: ${DEFAULT-VALUE}",
                            defaultValue = "1000,100000")
                    List<Integer> layers,
            @Option(names = "--starts", description = "for each; default: ${DEFAULT-VALUE}", defaultValue = "3")
                    int starts)
            throws IOException, SQLException, StorageException {
        PrintWriter out = spec.commandLine().getOut();
        out.printf("%8s %9s %8s %12s %8s %9s%n", "layers", "index MB", "ready s", "first page s", "CPU s", "peak MB");
        ColdStartBenchmark.run(
                new ColdStartBenchmark.Parameters(
                        layers.stream().sorted().toList(), starts, cluster.version(), cluster.directory()),
                result -> {
                    out.printf(
                            Locale.ROOT,
                            "%8d %9.1f %8.2f %12.2f %8.2f %9.0f%n",
                            result.layers(),
                            result.indexBytes() / 1e6,
                            result.ready(),
                            result.firstPage(),
                            result.cpuSeconds(),
                            result.peakMemory() / 1e6);
                    out.flush();
                });
    }

    @Command(
            name = "many-layers",
            mixinStandardHelpOptions = true,
            description =
                    "Make a directory to start a server on: the branch many-layers, with so many, nearly all of them empty.")
    void manyLayers(
            @Parameters(paramLabel = "DIR", description = "new or empty") Path directory,
            @Option(names = "--layers", description = "default: ${DEFAULT-VALUE}", defaultValue = "20000") int layers)
            throws IOException, StorageException {
        ManyLayers.make(directory, layers);
    }

    @Command(
            name = "getpage",
            mixinStandardHelpOptions = true,
            description = "Read single pages at random, the latest and older ones, after a bulk insert and after random"
                    + " updates, on one and on two threads.")
    void getPage(
            @Mixin BenchedCluster cluster,
            @Option(names = "--rows", description = "to insert; default: ${DEFAULT-VALUE}", defaultValue = "5000000")
                    long rows,
            @Option(
                            names = "--accounts",
                            description = "rows of the table that is updated; default: ${DEFAULT-VALUE}",
                            defaultValue = "100000")
                    long accounts,
            @Option(names = "--updates", description = "default: ${DEFAULT-VALUE}", defaultValue = "400000")
                    long updates,
            @Option(names = "--seconds", description = "for each row; default: ${DEFAULT-VALUE}", defaultValue = "5")
                    int seconds)
            throws IOException, SQLException, BranchException, StorageException, InterruptedException {
        PrintWriter out = spec.commandLine().getOut();
        out.printf("%-13s %-9s %7s %9s %9s %9s%n", "load", "pages", "threads", "pages/s", "p50 us", "p99 us");
        GetPageBenchmark.run(
                new GetPageBenchmark.Parameters(
                        rows, accounts, updates, seconds, cluster.version(), cluster.directory()),
                result -> {
                    out.printf(
                            Locale.ROOT,
                            "%-13s %-9s %7d %9.0f %9.1f %9.1f%n",
                            result.load(),
                            result.moment(),
                            result.threads(),
                            result.pagesPerSecond(),
                            result.p50(),
                            result.p99());
                    out.flush();
                });
    }

    @Command(
            name = "pageservice",
            mixinStandardHelpOptions = true,
            description =
                    "Read the latest pages through the page service, and over gRPC, of a server in a process of its"
                            + " own, after random updates, with image layers of everything and L0 layers on top; and make"
                            + " base backups. Beside it an echo of pages, and tar.")
    void pageService(
            @Mixin BenchedCluster cluster,
            @Option(
                            names = "--accounts",
                            description = "rows of the table that is updated; default: ${DEFAULT-VALUE}",
                            defaultValue = "500000")
                    long accounts,
            @Option(names = "--updates", description = "default: ${DEFAULT-VALUE}", defaultValue = "200000")
                    long updates,
            @Option(
                            names = "--l0",
                            split = ",",
                            description = "how many L0 layers; default: ${DEFAULT-VALUE}",
                            defaultValue = "0,20")
                    List<Integer> stacks,
            @Option(names = "--updates-per-layer", description = "default: ${DEFAULT-VALUE}", defaultValue = "5000")
                    long updatesPerLayer,
            @Option(names = "--seconds", description = "for each row; default: ${DEFAULT-VALUE}", defaultValue = "5")
                    int seconds)
            throws IOException, SQLException, InterruptedException {
        PrintWriter out = spec.commandLine().getOut();
        out.printf(
                "%-11s %-11s %7s %6s %9s %9s %9s %9s %9s %12s%n",
                "what",
                "order",
                "clients",
                "depth",
                "pages/s",
                "mean us",
                "p50 us",
                "p99 us",
                "CPU us/pg",
                "allocated/pg");
        PageServiceBenchmark.run(
                new PageServiceBenchmark.Parameters(
                        accounts,
                        updates,
                        stacks.stream().sorted().toList(),
                        updatesPerLayer,
                        seconds,
                        cluster.version(),
                        cluster.directory()),
                result -> print(result, out));
    }

    private static void print(PageServiceBenchmark.Result result, PrintWriter out) {
        switch (result) {
            case PageServiceBenchmark.Result.Pages pages ->
                out.printf(
                        Locale.ROOT,
                        "%-11s %-11s %7d %6d %9.0f %9.1f %9.1f %9.1f %9.1f %12.0f%n",
                        pages.what(),
                        pages.order(),
                        pages.clients(),
                        pages.depth(),
                        pages.pagesPerSecond(),
                        pages.mean(),
                        pages.p50(),
                        pages.p99(),
                        pages.cpuMicros(),
                        pages.allocated());
            case PageServiceBenchmark.Result.Archive archive ->
                out.printf(
                        Locale.ROOT,
                        "%-18s %8.1f MB %7.3f s %8.0f MB/s%n",
                        archive.what(),
                        archive.bytes() / 1e6,
                        archive.seconds(),
                        archive.bytes() / 1e6 / archive.seconds());
        }
        out.flush();
    }

    @Command(
            name = "redo",
            mixinStandardHelpOptions = true,
            description = "Insert numbers into a table of a real PostgreSQL, kill it, time its crash recovery, and "
                    + "redo the same WAL to pages in memory. With taskset, both have one core.")
    void redo(
            @Option(
                            names = "--pg-bin",
                            paramLabel = "DIR",
                            description = "PostgreSQL's programs; default: the newest in /usr/lib/postgresql")
                    @Nullable
                    Path programs,
            @Option(
                            names = "--dir",
                            description = "where PostgreSQL's data directory goes; default: the temporary directory",
                            defaultValue = "${sys:java.io.tmpdir}")
                    Path directory,
            @Option(
                            names = "--rows",
                            description = "rows to insert; default: ${DEFAULT-VALUE}",
                            defaultValue = "5000000")
                    long rows,
            @Option(
                            names = "--rounds",
                            description = "of our redo, the first one cold; default: ${DEFAULT-VALUE}",
                            defaultValue = "5")
                    int rounds)
            throws IOException, RedoException {
        PrintWriter out = spec.commandLine().getOut();
        out.printf(
                "%-17s %11s %8s %8s %12s %14s %10s %13s%n",
                "", "records", "s", "CPU s", "records/s", "records/CPU s", "pages", "alloc B/page");
        RedoBenchmark.Comparison comparison = RedoBenchmark.run(programs, directory, rows, rounds, result -> {
            boolean ours = result.pages() > 0;
            out.printf(
                    "%-17s %11d %8.2f %8.2f %12.0f %14.0f %10s %13s%n",
                    result.what(),
                    result.records(),
                    result.seconds(),
                    result.cpuSeconds(),
                    result.recordsPerSecond(),
                    result.recordsPerCpuSecond(),
                    ours ? result.pages() : "",
                    ours ? result.allocatedBytes() / result.pages() : "");
            out.flush();
        });
        out.printf(
                "ratio %.2f, of CPU time %.2f; %d pages of the table compared with PostgreSQL's, %d differ%n",
                comparison.ratio(), comparison.cpuRatio(), comparison.comparedPages(), comparison.differentPages());
        out.flush();
    }

    @Command(
            name = "jmh",
            mixinStandardHelpOptions = true,
            description = "Measure single parts with JMH: time and heap bytes of each operation.")
    void jmh(
            @Parameters(
                            arity = "0..*",
                            paramLabel = "PATTERN",
                            description =
                                    "regular expressions that the names of benchmarks are to contain; default: all")
                    @Nullable
                    List<String> patterns,
            @Option(names = "--dir", description = "where to write; default: the current directory", defaultValue = ".")
                    Path directory) {
        JmhRun.run(patterns == null ? List.of() : patterns, directory);
    }
}
