package dev.palimpsest.benchmarks;

import dev.palimpsest.pageserver.endpoint.DirectoryTree;
import dev.palimpsest.pageserver.endpoint.PrivatePostgres;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The bulk-insert benchmark of Neon's test suite ({@code test_bulk_insert}), on an unmodified PostgreSQL: a table of one column
 * is filled by one INSERT while a server follows; then another server, which was attached before and stopped, starts and takes
 * in the same WAL from its slot at full speed ({@code wal_recovery}); then PostgreSQL itself, killed before any checkpoint,
 * recovers from it. Each server is a process of its own.
 */
public final class BulkInsertBenchmark {
    private static final Pattern REDO_DONE = Pattern.compile("redo done at ([0-9A-F/]+) .*elapsed: ([0-9.]+) s");
    private static final double MB = 1e6;

    private final Parameters parameters;
    private final Consumer<String> out;

    /**
     * What is measured.
     *
     * @param rows how many rows the INSERT makes
     * @param version of PostgreSQL
     * @param directory for everything; what is made there is deleted at the end
     */
    public record Parameters(long rows, PostgresVersion version, Path directory) {}

    private BulkInsertBenchmark(Parameters parameters, Consumer<String> out) {
        this.parameters = parameters;
        this.out = out;
    }

    /** Measures, and gives each row of the table to {@code out} when it is known. */
    public static void run(Parameters parameters, Consumer<String> out) throws IOException, SQLException {
        Path root = Files.createTempDirectory(parameters.directory().toAbsolutePath(), "bulk-insert");
        try {
            new BulkInsertBenchmark(parameters, out).run(root);
        } finally {
            DirectoryTree.delete(root);
        }
    }

    private void row(String name, String value) {
        out.accept(String.format(Locale.ROOT, "%-20s %s", name, value));
    }

    private void run(Path root) throws IOException, SQLException {
        try (PrivatePostgres primary = PrivatePostgres.start(
                parameters.version(),
                root.resolve("primary"),
                root.resolve("postgresql"),
                "max_wal_size = '200GB'",
                "checkpoint_timeout = '1d'",
                "shared_buffers = '512MB'",
                "autovacuum = off")) {
            Path second = root.resolve("second");
            try (ServerProcess server = ServerProcess.start(second, primary.programs())) {
                server.attach("second", primary);
            }
            Lsn begin;
            Lsn end;
            try (ServerProcess server =
                            ServerProcess.start(root.resolve("first"), primary.programs(), root.resolve("objects"));
                    Connection connection = Live.connect(primary)) {
                server.attach("first", primary);
                Live.execute(connection, "CREATE TABLE huge (i int)");
                begin = Live.currentLsn(connection);
                end = live(connection, server, begin);
            }
            recovery(second, primary, begin, end);
            postgres(primary);
        }
    }

    private Lsn live(Connection connection, ServerProcess server, Lsn begin) throws IOException, SQLException {
        Map<String, Double> before = server.metrics();
        long written = server.writtenBytes();
        long start = System.nanoTime();
        Live.execute(connection, "INSERT INTO huge SELECT generate_series(1, " + parameters.rows() + ")");
        double insert = Live.seconds(start);
        Lsn end = Live.currentLsn(connection);
        server.await("first", end);
        double applied = Live.seconds(start);
        ServerProcess.Size size = server.flush("first");
        long wal = end.value() - begin.value();
        long wrote = server.writtenBytes() - written;
        row("insert", String.format(Locale.ROOT, "%.3f s (applied here after %.3f s)", insert, applied));
        row(
                "pageserver_writes",
                String.format(Locale.ROOT, "%.0f MB, %.2f per byte of WAL", wrote / MB, (double) wrote / wal));
        row("peak_mem", String.format(Locale.ROOT, "%.0f MB", server.peakMemory() / MB));
        row("size", String.format(Locale.ROOT, "%.0f MB in %d layers", size.layerBytes() / MB, size.layers()));
        long load = System.nanoTime();
        server.awaitCompaction();
        double settled = Live.seconds(load);
        uploads(before, server.metrics(), settled);
        row("wal_written", String.format(Locale.ROOT, "%.0f MB", wal / MB));
        return end;
    }

    private void uploads(Map<String, Double> before, Map<String, Double> after, double settled) {
        String calls = "pageserver_remote_timeline_client_calls_finished{file_kind=%s,op_kind=upload}";
        row(
                "data_uploaded",
                String.format(
                        Locale.ROOT,
                        "%.0f MB (as links: the object store is a directory on the same disk)",
                        MetricValues.grown(before, after, "pageserver_remote_timeline_client_bytes_finished{}") / MB));
        row(
                "num_files_uploaded",
                String.format(
                        Locale.ROOT,
                        "%.0f layers, %.0f index parts",
                        MetricValues.grown(before, after, calls.formatted("layer")),
                        MetricValues.grown(before, after, calls.formatted("index"))));
        row(
                "compaction",
                String.format(
                        Locale.ROOT,
                        "%.0f MB of L1 layers in %.0f runs, %.0f MB of images; at rest %.1f s after the load",
                        MetricValues.grown(before, after, "palimpsest_compaction_written_bytes{kind=L0}") / MB,
                        MetricValues.grown(before, after, "palimpsest_compaction_runs{kind=L0,outcome=DONE}")
                                + MetricValues.grown(
                                        before, after, "palimpsest_compaction_runs{kind=L0,outcome=MORE_TO_DO}"),
                        MetricValues.grown(before, after, "palimpsest_compaction_written_bytes{kind=IMAGES}") / MB,
                        settled));
    }

    private void recovery(Path directory, PrivatePostgres primary, Lsn begin, Lsn end) throws IOException {
        long start = System.nanoTime();
        try (ServerProcess server = ServerProcess.start(directory, primary.programs())) {
            double started = Live.seconds(start);
            server.await("second", end);
            double elapsed = Live.seconds(start);
            long wal = end.value() - begin.value();
            row(
                    "wal_recovery",
                    String.format(
                            Locale.ROOT,
                            "%.3f s, %.0f MB/s, %.0f rows/s (of it %.3f s until the server had started)",
                            elapsed,
                            wal / MB / elapsed,
                            parameters.rows() / elapsed,
                            started));
            row("peak_mem after it", String.format(Locale.ROOT, "%.0f MB", server.peakMemory() / MB));
        }
    }

    private void postgres(PrivatePostgres primary) throws IOException {
        primary.crash();
        primary.restart();
        Matcher done = REDO_DONE.matcher(primary.log());
        String elapsed = null;
        while (done.find()) {
            elapsed = done.group(2);
        }
        row(
                "PostgreSQL's own",
                elapsed == null
                        ? "it recovered nothing"
                        : elapsed + " s for the same WAL (its log: redo done, elapsed)");
    }
}
