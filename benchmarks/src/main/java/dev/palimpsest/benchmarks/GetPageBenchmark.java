package dev.palimpsest.benchmarks;

import dev.palimpsest.pageserver.Server;
import dev.palimpsest.pageserver.ServerOptions;
import dev.palimpsest.pageserver.branch.BranchException;
import dev.palimpsest.pageserver.branch.Branches;
import dev.palimpsest.pageserver.branch.Moment;
import dev.palimpsest.pageserver.endpoint.DirectoryTree;
import dev.palimpsest.pageserver.endpoint.PrivatePostgres;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.storage.StorageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * How fast single pages are had, at random, in this process: the latest, and as they were half-way through the load; after one
 * that only inserts, as {@link BulkInsertBenchmark}, and after one as {@code pgbench}'s, which updates rows at random, a
 * transaction each, so that a page has many versions. All WAL is in layer files by then, and these in the kernel's cache.
 */
public final class GetPageBenchmark {
    private static final long SEED = 42;
    private static final double NANOS_A_MICRO = 1e3;
    private static final int WARM_UP_SHARE = 5;

    /**
     * What is measured.
     *
     * @param rows how many rows are inserted
     * @param accounts how many rows the other table has
     * @param updates how many of them are updated, one after the other
     * @param seconds for each result, after a fifth of that to warm up
     * @param version of PostgreSQL
     * @param directory for everything; what is made there is deleted at the end
     */
    public record Parameters(
            long rows, long accounts, long updates, int seconds, PostgresVersion version, Path directory) {}

    /**
     * What came out.
     *
     * @param load what was written before
     * @param moment which version of the pages
     * @param threads that read at the same time
     * @param pagesPerSecond of all threads together
     * @param p50 half of the reads took at most so many microseconds
     * @param p99 of a hundred reads, 99 took at most so many microseconds
     */
    public record Result(String load, String moment, int threads, double pagesPerSecond, double p50, double p99) {}

    /** A table that was written, and a moment in the midst of that, when it had fewer blocks perhaps. */
    private record Load(String name, String relation, Lsn halfWay, long blocksHalfWay, long blocks) {}

    private final Parameters parameters;
    private final Branches branches;

    private GetPageBenchmark(Parameters parameters, Branches branches) {
        this.parameters = parameters;
        this.branches = branches;
    }

    /** Measures, and gives each result to {@code out} when it is known. */
    public static void run(Parameters parameters, Consumer<Result> out)
            throws IOException, SQLException, BranchException, StorageException, InterruptedException {
        Path root = Files.createTempDirectory(parameters.directory().toAbsolutePath(), "getpage");
        try (PrivatePostgres primary = PrivatePostgres.start(
                        parameters.version(),
                        root.resolve("primary"),
                        root.resolve("postgresql"),
                        "max_wal_size = '200GB'",
                        "checkpoint_timeout = '1d'",
                        "shared_buffers = '256MB'",
                        "synchronous_commit = off",
                        "autovacuum = off");
                Server server =
                        Server.open(new ServerOptions(root.resolve("server"), "127.0.0.1", 0, primary.programs()));
                Connection connection = Live.connect(primary)) {
            Live.attach(server.branches(), "main", primary);
            GetPageBenchmark benchmark = new GetPageBenchmark(parameters, server.branches());
            benchmark.measure(benchmark.insert(connection), out);
            benchmark.measure(benchmark.update(connection), out);
        } finally {
            DirectoryTree.delete(root);
        }
    }

    private Load insert(Connection connection) throws SQLException, BranchException {
        Live.execute(connection, "CREATE TABLE huge (i int)");
        long half = parameters.rows() / 2;
        Live.execute(connection, "INSERT INTO huge SELECT generate_series(1, " + half + ")");
        Lsn halfWay = written(connection);
        long blocks = blocks(connection, "huge");
        Live.execute(
                connection, "INSERT INTO huge SELECT generate_series(" + (half + 1) + ", " + parameters.rows() + ")");
        return taken(connection, "bulk insert", "huge", halfWay, blocks);
    }

    private Load update(Connection connection) throws SQLException, BranchException {
        Live.execute(
                connection,
                "CREATE TABLE accounts (aid int PRIMARY KEY, bid int, abalance int, filler char(84))"
                        + " WITH (fillfactor = 90)");
        Live.execute(
                connection,
                "INSERT INTO accounts SELECT g, 1, 0, '' FROM generate_series(1, " + parameters.accounts() + ") g");
        Live.execute(connection, "SELECT setseed(0.42)");
        Live.execute(connection, updates());
        Lsn halfWay = written(connection);
        long blocks = blocks(connection, "accounts");
        Live.execute(connection, updates());
        return taken(connection, "pgbench-like", "accounts", halfWay, blocks);
    }

    /** The row is chosen before the UPDATE: a condition that is random itself would be tried on each row of the table. */
    private String updates() {
        return "DO $$ DECLARE chosen int; BEGIN FOR k IN 1.." + parameters.updates() / 2 + " LOOP"
                + " chosen := 1 + floor(random() * " + parameters.accounts() + ");"
                + " UPDATE accounts SET abalance = abalance + 1 WHERE aid = chosen; COMMIT; END LOOP; END $$";
    }

    private Load taken(Connection connection, String name, String table, Lsn halfWay, long blocksHalfWay)
            throws SQLException, BranchException {
        Live.await(branches, "main", written(connection));
        branches.upkeep().flush("main");
        return new Load(
                name,
                text(connection, "SELECT pg_relation_filepath('" + table + "')"),
                halfWay,
                blocksHalfWay,
                blocks(connection, table));
    }

    /** Has all WAL written, also of what was committed without waiting, and says where it ends. */
    private static Lsn written(Connection connection) throws SQLException {
        Live.execute(connection, "SELECT pg_switch_wal()");
        return Live.currentLsn(connection);
    }

    private static long blocks(Connection connection, String table) throws SQLException {
        return Long.parseLong(text(connection, "SELECT pg_relation_size('" + table + "') / 8192"));
    }

    private static String text(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }

    private void measure(Load load, Consumer<Result> out) throws BranchException, InterruptedException {
        for (int threads : List.of(1, 2)) {
            out.accept(measure(load, "latest", Moment.LATEST, load.blocks, threads));
            out.accept(measure(load, "half-way", new Moment.AtLsn(load.halfWay), load.blocksHalfWay, threads));
        }
    }

    private Result measure(Load load, String name, Moment moment, long blocks, int threads)
            throws BranchException, InterruptedException {
        long nanos = parameters.seconds() * 1_000_000_000L;
        read(load.relation, moment, blocks, threads, nanos / WARM_UP_SHARE);
        long start = System.nanoTime();
        long[] times = read(load.relation, moment, blocks, threads, nanos);
        double elapsed = Live.seconds(start);
        return new Result(
                load.name,
                name,
                threads,
                times.length / elapsed,
                times[times.length / 2] / NANOS_A_MICRO,
                times[(int) (times.length * 99L / 100)] / NANOS_A_MICRO);
    }

    /** How long each read took, in ascending order. */
    private long[] read(String relation, Moment moment, long blocks, int threads, long nanos)
            throws BranchException, InterruptedException {
        AtomicReference<@Nullable BranchException> failure = new AtomicReference<>();
        List<long[]> all = new ArrayList<>();
        List<Thread> readers = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            SplittableRandom random = new SplittableRandom(SEED + i);
            readers.add(Thread.ofPlatform().start(() -> {
                try {
                    long[] times = readAlone(relation, moment, blocks, nanos, random);
                    synchronized (all) {
                        all.add(times);
                    }
                } catch (BranchException e) {
                    failure.set(e);
                }
            }));
        }
        for (Thread reader : readers) {
            reader.join();
        }
        BranchException failed = failure.get();
        if (failed != null) {
            throw failed;
        }
        return all.stream().flatMapToLong(Arrays::stream).sorted().toArray();
    }

    private long[] readAlone(String relation, Moment moment, long blocks, long nanos, SplittableRandom random)
            throws BranchException {
        long[] times = new long[1 << 10];
        int count = 0;
        long begin = System.nanoTime();
        long before = begin;
        while (before - begin < nanos) {
            branches.page("main", relation, random.nextLong(blocks), moment);
            long after = System.nanoTime();
            if (count == times.length) {
                times = Arrays.copyOf(times, 2 * count);
            }
            times[count++] = after - before;
            before = after;
        }
        return Arrays.copyOf(times, count);
    }
}
