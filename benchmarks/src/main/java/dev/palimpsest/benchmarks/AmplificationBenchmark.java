package dev.palimpsest.benchmarks;

import dev.palimpsest.pageserver.endpoint.DirectoryTree;
import dev.palimpsest.pageserver.endpoint.PrivatePostgres;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * What a byte of WAL costs: bytes written to files and bytes uploaded, files visited by a read, and the size of history, after a
 * bulk insert, after random updates of all rows and of a tenth of them, and after small transactions. The server is a process of
 * its own and follows an unmodified PostgreSQL; its objects are in a directory on the same disk, so that an upload is a link and
 * writes nothing.
 */
public final class AmplificationBenchmark {
    private static final String BRANCH = "main";
    private static final String LAYERS_PER_READ = "palimpsest_layers_per_read";
    private static final String WRITTEN = "palimpsest_compaction_written_bytes";
    private static final String UPLOADED = "pageserver_remote_timeline_client_bytes_finished";

    private final Parameters parameters;
    private final Connection connection;
    private final ServerProcess server;
    private final Consumer<Result> out;

    /**
     * What is measured.
     *
     * @param rows how many rows are inserted
     * @param accounts how many rows the other table has
     * @param updates how many of them are updated in each of the loads that update, one after the other
     * @param reads of single pages, after each load
     * @param version of PostgreSQL
     * @param directory for everything; what is made there is deleted at the end
     */
    public record Parameters(
            long rows, long accounts, long updates, int reads, PostgresVersion version, Path directory) {}

    /**
     * What a load has cost. Bytes are for each byte of its WAL.
     *
     * @param load what was written
     * @param walBytes how much WAL that was
     * @param files all that was handed to files and sockets: what was written before it was a layer file, layer files, index parts
     * @param device what of that the device got: a file that is deleted before the kernel writes it back costs it nothing
     * @param flushed bytes of delta layers that were flushed
     * @param compacted bytes of L1 layers that compaction made
     * @param images bytes of image layers
     * @param uploaded bytes of layers uploaded
     * @param layers how many layer files there are, of all loads so far
     * @param live bytes by which all layers together have grown
     * @param p50 files, or layers in memory, that half of the reads visit at most
     * @param p99 of a hundred reads, 99
     * @param max all reads
     */
    public record Result(
            String load,
            long walBytes,
            double files,
            double device,
            double flushed,
            double compacted,
            double images,
            double uploaded,
            int layers,
            double live,
            int p50,
            int p99,
            int max) {}

    private AmplificationBenchmark(
            Parameters parameters, Connection connection, ServerProcess server, Consumer<Result> out) {
        this.parameters = parameters;
        this.connection = connection;
        this.server = server;
        this.out = out;
    }

    /** Measures, and gives each result to {@code out} when it is known. */
    public static void run(Parameters parameters, Consumer<Result> out) throws IOException, SQLException {
        Path root = Files.createTempDirectory(parameters.directory().toAbsolutePath(), "amplification");
        try (PrivatePostgres primary = PrivatePostgres.start(
                        parameters.version(),
                        root.resolve("primary"),
                        root.resolve("postgresql"),
                        "max_wal_size = '200GB'",
                        "checkpoint_timeout = '1d'",
                        "shared_buffers = '512MB'",
                        "synchronous_commit = off",
                        "autovacuum = off");
                ServerProcess server =
                        ServerProcess.start(root.resolve("server"), primary.programs(), root.resolve("objects"));
                Connection connection = Live.connect(primary)) {
            server.attach(BRANCH, primary);
            new AmplificationBenchmark(parameters, connection, server, out).run();
        } finally {
            DirectoryTree.delete(root);
        }
    }

    private void run() throws IOException, SQLException {
        Live.execute(connection, "CREATE TABLE huge (i int)");
        measure("bulk insert", "huge", "INSERT INTO huge SELECT generate_series(1, " + parameters.rows() + ")");
        Live.execute(
                connection,
                "CREATE TABLE accounts (aid int PRIMARY KEY, bid int, abalance int, filler char(84))"
                        + " WITH (fillfactor = 90)");
        Live.execute(
                connection,
                "INSERT INTO accounts SELECT g, 1, 0, '' FROM generate_series(1, " + parameters.accounts() + ") g");
        Live.execute(connection, "SELECT setseed(0.42)");
        measure("updates, uniform", "accounts", updates(""));
        measure(
                "updates, 90 % on a tenth",
                "accounts", updates(" IF random() < 0.9 THEN chosen := 1 + chosen / 10; END IF;"));
        measure("updates, a commit each", "accounts", updates("", " COMMIT;"));
    }

    private String updates(String choice) {
        return updates(choice, "");
    }

    /** The row is chosen before the UPDATE: a condition that is random itself would be tried on each row of the table. */
    private String updates(String choice, String commit) {
        return "DO $$ DECLARE chosen int; BEGIN FOR k IN 1.." + parameters.updates() + " LOOP"
                + " chosen := 1 + floor(random() * " + parameters.accounts() + ");" + choice
                + " UPDATE accounts SET abalance = abalance + 1 WHERE aid = chosen;" + commit + " END LOOP; END $$";
    }

    private void measure(String load, String table, String sql) throws IOException, SQLException {
        ServerProcess.Size sizeBefore = settle();
        Map<String, Double> before = server.metrics();
        long writtenBefore = server.writtenBytes();
        long deviceBefore = server.deviceBytes();
        Lsn begin = Live.currentLsn(connection);
        Live.execute(connection, sql);
        ServerProcess.Size size = settle();
        double wal = (double) Live.currentLsn(connection).bytesSince(begin);
        long written = server.writtenBytes() - writtenBefore;
        long device = server.deviceBytes() - deviceBefore;
        Map<String, Double> after = server.metrics();
        double uploaded = MetricValues.grown(before, after, UPLOADED + "{}");
        double compacted = MetricValues.grown(before, after, WRITTEN + "{kind=L0}");
        double images = MetricValues.grown(before, after, WRITTEN + "{kind=IMAGES}");
        int[] visits = visits(table);
        out.accept(new Result(
                load,
                (long) wal,
                written / wal,
                device / wal,
                (uploaded - compacted - images) / wal,
                compacted / wal,
                images / wal,
                uploaded / wal,
                size.layers(),
                (size.layerBytes() - sizeBefore.layerBytes()) / wal,
                visits[0],
                visits[1],
                visits[2]));
    }

    /** Has all WAL so far in layers, and these compacted as far as they are due. */
    private ServerProcess.Size settle() throws IOException, SQLException {
        Live.execute(connection, "SELECT pg_switch_wal()");
        server.await(BRANCH, Live.currentLsn(connection));
        server.flush(BRANCH);
        server.awaitCompaction();
        return server.flush(BRANCH);
    }

    /** Files of a read: the median, of a hundred the ninety-ninth, the most. */
    private int[] visits(String table) throws IOException, SQLException {
        String relation = text("SELECT pg_relation_filepath('" + table + "')");
        long blocks = Long.parseLong(text("SELECT pg_relation_size('" + table + "') / 8192"));
        // The length of the relation is looked up once for a read; after the first it comes from memory.
        server.read(BRANCH, relation, blocks, parameters.reads() / 10);
        Map<String, Double> before = server.metrics();
        server.read(BRANCH, relation, blocks, parameters.reads());
        Map<String, Double> after = server.metrics();
        SortedMap<Double, Double> counts = new TreeMap<>();
        for (String metric : after.keySet()) {
            if (metric.startsWith(LAYERS_PER_READ + "{")) {
                String bound = metric.substring(metric.indexOf("le=") + 3, metric.length() - 1);
                counts.put(Double.valueOf(bound), MetricValues.grown(before, after, metric));
            }
        }
        double all = counts.values().stream().mapToDouble(Double::doubleValue).sum();
        return new int[] {quantile(counts, all * 0.5), quantile(counts, all * 0.99), quantile(counts, all)};
    }

    private static int quantile(SortedMap<Double, Double> counts, double upTo) {
        double sum = 0;
        for (Map.Entry<Double, Double> count : counts.entrySet()) {
            sum += count.getValue();
            if (sum >= upTo) {
                return count.getKey().intValue();
            }
        }
        return 0;
    }

    private String text(String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }
}
