package dev.palimpsest.benchmarks;

import dev.palimpsest.pageserver.endpoint.DirectoryTree;
import dev.palimpsest.pageserver.endpoint.PrivatePostgres;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
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
 * How fast pages come out of a server in a process of its own, through the page service and the page API over gRPC and the loopback
 * interface, after a load as {@code pgbench}'s: one at a time, and many under way at once. Once with image layers of everything and nothing above
 * them, once with L0 layers on top of that. Beside it, from the same process, the same bytes without any reading.
 */
public final class PageServiceBenchmark {
    private static final long SEED = 42;
    private static final int WARM_UP_SHARE = 2;
    private static final double NANOS_A_MICRO = 1e3;
    private static final String BRANCH = "main";
    /** As often a compute sends what it wants ahead. */
    private static final int FLUSH_AFTER = 8;

    /**
     * What is measured.
     *
     * @param accounts how many rows the table has
     * @param updates how many of them are updated at first, one after the other
     * @param stacks how many L0 layers are upon the images, ascending
     * @param updatesPerLayer how many updates each of these has
     * @param seconds for each result, after half of that to warm up
     * @param version of PostgreSQL
     * @param directory for everything; what is made there is deleted at the end
     */
    public record Parameters(
            long accounts,
            long updates,
            List<Integer> stacks,
            long updatesPerLayer,
            int seconds,
            PostgresVersion version,
            Path directory) {}

    /** What came out. */
    public sealed interface Result {
        /**
         * Of pages.
         *
         * @param what is asked for them: the echo, or the page service or the page API over gRPC with so many L0 layers
         * @param order of the blocks
         * @param clients at the same time
         * @param depth how many pages each has under way
         * @param pagesPerSecond of all clients together
         * @param mean microseconds from a request to its reply
         * @param p50 half of them took at most so many microseconds
         * @param p99 of a hundred, 99 took at most so many
         * @param cpuMicros processor time of the server for a page, in microseconds
         * @param allocated bytes that the server allocated on its heap for a page
         */
        record Pages(
                String what,
                String order,
                int clients,
                int depth,
                double pagesPerSecond,
                double mean,
                double p50,
                double p99,
                double cpuMicros,
                double allocated)
                implements Result {}

        /**
         * Of an archive.
         *
         * @param what the command, or {@code tar} of what it gave
         * @param bytes of the archive
         */
        record Archive(String what, long bytes, double seconds) implements Result {}
    }

    /** How the clients of a row ask. */
    private record Shape(boolean random, int clients, int depth) {}

    private static final List<Shape> SHAPES = List.of(
            new Shape(true, 1, 1),
            new Shape(false, 1, 1),
            new Shape(true, 1, 32),
            new Shape(false, 1, 32),
            new Shape(true, 8, 32),
            new Shape(false, 8, 32));

    /** Connects a client. */
    @FunctionalInterface
    private interface Connector {
        PageReader connect() throws IOException;
    }

    private final Parameters parameters;
    private final ServerProcess server;
    private final Connection connection;
    private final Consumer<Result> out;

    private PageServiceBenchmark(
            Parameters parameters, ServerProcess server, Connection connection, Consumer<Result> out) {
        this.parameters = parameters;
        this.server = server;
        this.connection = connection;
        this.out = out;
    }

    /** Measures, and gives each result to {@code out} when it is known. */
    public static void run(Parameters parameters, Consumer<Result> out)
            throws IOException, SQLException, InterruptedException {
        Path root = Files.createTempDirectory(parameters.directory().toAbsolutePath(), "pageservice");
        try (PrivatePostgres primary = PrivatePostgres.start(
                        parameters.version(),
                        root.resolve("primary"),
                        root.resolve("postgresql"),
                        "max_wal_size = '200GB'",
                        "checkpoint_timeout = '1d'",
                        "shared_buffers = '256MB'",
                        "synchronous_commit = off",
                        "autovacuum = off");
                ServerProcess server = ServerProcess.startForPages(root.resolve("server"), primary.programs());
                Connection connection = Live.connect(primary)) {
            server.attach(BRANCH, primary);
            new PageServiceBenchmark(parameters, server, connection, out).measure(root);
        } finally {
            DirectoryTree.delete(root);
        }
    }

    private void measure(Path root) throws IOException, SQLException, InterruptedException {
        Live.execute(
                connection,
                "CREATE TABLE accounts (aid int PRIMARY KEY, bid int, abalance int, filler char(84))"
                        + " WITH (fillfactor = 90)");
        Live.execute(
                connection,
                "INSERT INTO accounts SELECT g, 1, 0, '' FROM generate_series(1, " + parameters.accounts() + ") g");
        Live.execute(connection, "SELECT setseed(0.42)");
        update(parameters.updates());
        server.compact(BRANCH);
        PageClient.Relation relation = PageClient.Relation.parse(text("SELECT pg_relation_filepath('accounts')"));
        int blocks = Integer.parseInt(text("SELECT pg_relation_size('accounts') / 8192"));
        ServerProcess.Pages pages = server.pages(BRANCH);
        int echo = server.echo();
        for (Shape shape : SHAPES) {
            measure("echo", shape, relation, blocks, () -> PageClient.ofEcho(echo));
        }
        int layers = 0;
        for (int stack : parameters.stacks()) {
            for (; layers < stack; layers++) {
                update(parameters.updatesPerLayer());
            }
            for (Shape shape : SHAPES) {
                measure(stack + " L0", shape, relation, blocks, () -> {
                    PageClient client = PageClient.of(pages.port());
                    client.stream(pages.tenant(), pages.timeline());
                    return client;
                });
            }
            for (Shape shape : SHAPES) {
                measure(
                        stack + " L0 gRPC",
                        shape,
                        relation,
                        blocks,
                        () -> new GrpcPageReader(pages.grpcPort(), pages.tenant(), pages.timeline()));
            }
        }
        String ids = " " + pages.tenant() + " " + pages.timeline();
        for (String command : List.of("basebackup", "fullbackup")) {
            archive(command, pages.port(), ids, "", root);
        }
        archive("basebackup", pages.port(), ids, " --gzip", root);
    }

    /** Updates rows, a transaction each, and has all of that in a layer of its own. */
    private void update(long count) throws SQLException, IOException {
        Live.execute(
                connection,
                "DO $$ DECLARE chosen int; BEGIN FOR k IN 1.." + count + " LOOP chosen := 1 + floor(random() * "
                        + parameters.accounts() + "); UPDATE accounts SET abalance = abalance + 1 WHERE aid = chosen;"
                        + " COMMIT; END LOOP; END $$");
        Live.execute(connection, "SELECT pg_switch_wal()");
        Lsn written = Live.currentLsn(connection);
        server.await(BRANCH, written);
        server.flush(BRANCH);
    }

    private String text(String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }

    private void measure(String what, Shape shape, PageClient.Relation relation, int blocks, Connector connector)
            throws IOException, InterruptedException {
        long nanos = parameters.seconds() * 1_000_000_000L;
        read(shape, relation, blocks, connector, nanos / WARM_UP_SHARE);
        long allocated = server.allocatedBytes();
        double cpu = server.cpuSeconds();
        long start = System.nanoTime();
        long[] times = read(shape, relation, blocks, connector, nanos);
        double elapsed = Live.seconds(start);
        out.accept(new Result.Pages(
                what,
                shape.random ? "random" : "sequential",
                shape.clients,
                shape.depth,
                times.length / elapsed,
                Arrays.stream(times).average().orElse(Double.NaN) / NANOS_A_MICRO,
                times[times.length / 2] / NANOS_A_MICRO,
                times[(int) (times.length * 99L / 100)] / NANOS_A_MICRO,
                (server.cpuSeconds() - cpu) * 1e6 / times.length,
                (double) (server.allocatedBytes() - allocated) / times.length));
    }

    /** How long each page took, in ascending order. */
    private static long[] read(Shape shape, PageClient.Relation relation, int blocks, Connector connector, long nanos)
            throws IOException, InterruptedException {
        AtomicReference<@Nullable IOException> failure = new AtomicReference<>();
        List<long[]> all = new ArrayList<>();
        List<Thread> readers = new ArrayList<>();
        for (int i = 0; i < shape.clients; i++) {
            SplittableRandom random = new SplittableRandom(SEED + i);
            int first = (int) ((long) blocks * i / shape.clients);
            readers.add(Thread.ofPlatform().start(() -> {
                try (PageReader client = connector.connect()) {
                    long[] times = readAlone(client, shape, relation, blocks, first, nanos, random);
                    synchronized (all) {
                        all.add(times);
                    }
                } catch (IOException e) {
                    failure.set(e);
                }
            }));
        }
        for (Thread reader : readers) {
            reader.join();
        }
        IOException failed = failure.get();
        if (failed != null) {
            throw failed;
        }
        return all.stream().flatMapToLong(Arrays::stream).sorted().toArray();
    }

    private static long[] readAlone(
            PageReader client,
            Shape shape,
            PageClient.Relation relation,
            int blocks,
            int first,
            long nanos,
            SplittableRandom random)
            throws IOException {
        long[] times = new long[1 << 12];
        long[] asked = new long[shape.depth];
        int sent = 0;
        int count = 0;
        int unsent = 0;
        long begin = System.nanoTime();
        for (long now = begin; now - begin < nanos; now = System.nanoTime()) {
            while (sent - count < shape.depth) {
                client.ask(relation, shape.random ? random.nextInt(blocks) : (first + sent) % blocks);
                asked[sent++ % shape.depth] = now;
                unsent++;
            }
            if (unsent >= Math.min(FLUSH_AFTER, shape.depth) || !client.hasReply()) {
                client.flush();
                unsent = 0;
            }
            client.page();
            if (count == times.length) {
                times = Arrays.copyOf(times, 2 * count);
            }
            times[count] = System.nanoTime() - asked[count % shape.depth];
            count++;
        }
        return Arrays.copyOf(times, count);
    }

    private void archive(String command, int port, String ids, String options, Path root)
            throws IOException, InterruptedException {
        String name = command + options;
        Path tar = root.resolve("backup.tar");
        try (PageClient client = PageClient.of(port)) {
            client.copy(command + ids + options, (_, _) -> {}); // to warm up
            long start = System.nanoTime();
            long bytes = client.copy(command + ids + options, (_, _) -> {});
            out.accept(new Result.Archive(name, bytes, Live.seconds(start)));
            if (!options.isEmpty()) {
                return;
            }
            try (OutputStream file = Files.newOutputStream(tar)) {
                client.copy(command + ids, (content, length) -> {
                    try {
                        file.write(content, 0, (int) length);
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                });
            }
        }
        Path unpacked = Files.createDirectory(root.resolve(command));
        shell("tar -xf '" + tar + "' -C '" + unpacked + "'");
        // Through a pipe: tar reads nothing if it sees that it writes to /dev/null.
        long start = System.nanoTime();
        shell("tar -cf - -C '" + unpacked + "' . | cat > /dev/null");
        out.accept(new Result.Archive("tar of that", Files.size(tar), Live.seconds(start)));
        DirectoryTree.delete(unpacked);
        Files.delete(tar);
    }

    private static void shell(String command) throws IOException, InterruptedException {
        int code = new ProcessBuilder("sh", "-c", command).inheritIO().start().waitFor();
        if (code != 0) {
            throw new IOException(command + " ends with " + code);
        }
    }
}
