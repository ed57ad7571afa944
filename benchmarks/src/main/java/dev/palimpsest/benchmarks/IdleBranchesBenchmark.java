package dev.palimpsest.benchmarks;

import dev.palimpsest.pageserver.endpoint.DirectoryTree;
import dev.palimpsest.pageserver.endpoint.PrivatePostgres;
import dev.palimpsest.postgres.PostgresVersion;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * What branches cost that nobody uses. A table is filled and its PostgreSQL attached, as one branch; then more and more branches
 * are made of that one over the management API, one request after the other, and left alone. What the server takes then is
 * measured from outside and by its own answers, with the one branch alone first; after that it is stopped and started again
 * twice, the second time with GC that begins at once.
 */
public final class IdleBranchesBenchmark {
    private static final String MAIN = "main";
    private static final int ROWS_A_MEBIBYTE = 896;
    /** Of so many branches, those made last, the median is the time of one more. */
    private static final int LAST = 50;

    private static final Duration LOOK = Duration.ofSeconds(2);

    private static final long SETTLED_NANOS = 4_000_000_000L;
    private static final long PATIENCE_NANOS = 600_000_000_000L;

    /**
     * What is measured.
     *
     * @param counts of branches besides the one, ascending
     * @param idle how long the server is left alone for its processor time, and how long GC is looked at
     * @param mebibytes the size of the table
     * @param version of PostgreSQL
     * @param directory for everything; what is made there is deleted at the end
     */
    public record Parameters(
            List<Integer> counts, Duration idle, int mebibytes, PostgresVersion version, Path directory) {}

    /**
     * What came out.
     *
     * @param branches how many there were besides the one
     * @param making how long it took to make those that there were not before
     * @param idle what the server took while they were there
     * @param again how it came back
     */
    public record Result(int branches, Making making, Idle idle, Again again) {}

    /**
     * How branches were made.
     *
     * @param seconds all of them that came since the measurement before
     * @param oneMore the median of the last ones, in milliseconds
     */
    public record Making(double seconds, double oneMore) {}

    /**
     * What the server took.
     *
     * @param heap what is left of the heap after a collection, in bytes
     * @param memory all of the process, in bytes
     * @param cpu of a minute in which nobody asked for anything, in seconds
     * @param threads of the operating system
     * @param files open files and sockets
     * @param objects in the object store
     * @param objectBytes their size
     * @param list the list of all branches
     * @param metrics what a scrape gets
     */
    public record Idle(
            long heap,
            long memory,
            double cpu,
            int threads,
            int files,
            long objects,
            long objectBytes,
            Answer list,
            Answer metrics) {}

    /**
     * An answer of the management API, the fastest of three.
     *
     * @param millis until it was read
     */
    public record Answer(double millis, int bytes) {}

    /**
     * How the server stopped and came back.
     *
     * @param stop seconds until it had ended
     * @param ready seconds from the start of the process until it was ready
     * @param firstPage seconds from the start of the process to the first page of the branch that was made last
     * @param gcMillis processor time of GC of one branch, in milliseconds
     */
    public record Again(double stop, double ready, double firstPage, double gcMillis) {}

    private final Servers servers;
    private final Parameters parameters;
    private final String relation;
    private final HttpClient client = HttpClient.newHttpClient();

    /** Where servers are started, one after the other. */
    private record Servers(Path home, Path programs) {
        ServerProcess start() throws IOException {
            return ServerProcess.start(home, programs);
        }

        ServerProcess startWithGcAtOnce() throws IOException {
            return ServerProcess.startWithGcAtOnce(home, programs);
        }
    }

    private IdleBranchesBenchmark(Servers servers, Parameters parameters, String relation) {
        this.servers = servers;
        this.parameters = parameters;
        this.relation = relation;
    }

    /** Measures, and gives each result to {@code out} when it is known. */
    public static void run(Parameters parameters, Consumer<Result> out)
            throws IOException, SQLException, InterruptedException {
        Path root = Files.createTempDirectory(parameters.directory().toAbsolutePath(), "idle-branches");
        try (PrivatePostgres primary = PrivatePostgres.start(
                parameters.version(), root.resolve("primary"), root.resolve("postgresql"), "autovacuum = off")) {
            String relation = fill(primary, parameters.mebibytes());
            Servers servers = new Servers(root.resolve("server"), primary.programs());
            try (ServerProcess server = servers.start()) {
                server.attach(MAIN, primary);
                server.flush(MAIN);
            }
            new IdleBranchesBenchmark(servers, parameters, relation).run(out);
        } finally {
            DirectoryTree.delete(root);
        }
    }

    private static String fill(PrivatePostgres primary, int mebibytes) throws SQLException {
        try (Connection connection = Live.connect(primary);
                Statement statement = connection.createStatement()) {
            Live.execute(connection, "CREATE TABLE filled (id int, filler text)");
            Live.execute(
                    connection,
                    "INSERT INTO filled SELECT g, repeat(md5(g::text), 34) FROM generate_series(1, "
                            + (long) mebibytes * ROWS_A_MEBIBYTE + ") g");
            try (ResultSet row = statement.executeQuery("SELECT pg_relation_filepath('filled')")) {
                row.next();
                return row.getString(1);
            }
        }
    }

    private void run(Consumer<Result> out) throws IOException, InterruptedException {
        int made = 0;
        List<Integer> counts = new ArrayList<>(List.of(0));
        counts.addAll(parameters.counts());
        for (int count : counts) {
            Making making;
            Idle idle;
            ServerProcess server = servers.start();
            long stopping;
            try {
                awaitReady(server);
                making = make(server, made, count);
                made = count;
                idle = idle(server);
            } finally {
                stopping = System.nanoTime();
                server.close();
            }
            out.accept(new Result(count, making, idle, again(Live.seconds(stopping), count)));
        }
    }

    private static String name(int number) {
        return "idle-" + number;
    }

    private Making make(ServerProcess server, int from, int to) throws IOException, InterruptedException {
        URI all = URI.create(server.httpUrl() + "/palimpsest/v1/branch");
        List<Double> millis = new ArrayList<>();
        long start = System.nanoTime();
        for (int i = from; i < to; i++) {
            long begin = System.nanoTime();
            HttpResponse<String> answer = client.send(
                    HttpRequest.newBuilder(all)
                            .header("Content-Type", "application/json")
                            .POST(HttpRequest.BodyPublishers.ofString(
                                    "{\"name\":\"" + name(i) + "\",\"from\":\"" + MAIN + "\"}"))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
            if (answer.statusCode() != 201) {
                throw new IOException("branch " + name(i) + " was not made: " + answer.body());
            }
            millis.add(Live.seconds(begin) * 1e3);
        }
        double seconds = Live.seconds(start);
        List<Double> last = millis.subList(Math.max(0, millis.size() - LAST), millis.size()).stream()
                .sorted()
                .toList();
        return new Making(seconds, last.isEmpty() ? 0 : last.get(last.size() / 2));
    }

    private Idle idle(ServerProcess server) throws IOException, InterruptedException {
        awaitSettled(server);
        String url = server.httpUrl();
        Answer list = fastest(URI.create(url + "/palimpsest/v1/branch"));
        Answer metrics = fastest(URI.create(url + "/metrics"));
        long heap = server.liveHeap();
        double before = server.cpuSeconds();
        long begin = System.nanoTime();
        Thread.sleep(parameters.idle());
        double cpu = (server.cpuSeconds() - before) * 60 / Live.seconds(begin);
        Objects objects = objects();
        return new Idle(
                heap,
                server.residentMemory(),
                cpu,
                server.threads(),
                server.openFiles(),
                objects.count,
                objects.bytes,
                list,
                metrics);
    }

    /** Waits until what new branches give to do is done. */
    private static void awaitSettled(ServerProcess server) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        double runs = -1;
        long since = System.nanoTime();
        while (System.nanoTime() - since < SETTLED_NANOS && System.nanoTime() < deadline) {
            double now = sum(server.metrics(), "palimpsest_compaction_runs");
            if (now != runs) {
                runs = now;
                since = System.nanoTime();
            }
            Thread.sleep(LOOK);
        }
    }

    private static double sum(Map<String, Double> metrics, String name) {
        return metrics.entrySet().stream()
                .filter(metric -> metric.getKey().startsWith(name + "{"))
                .mapToDouble(Map.Entry::getValue)
                .sum();
    }

    private Answer fastest(URI what) throws IOException, InterruptedException {
        double millis = Double.MAX_VALUE;
        int bytes = 0;
        for (int i = 0; i < 3; i++) {
            long begin = System.nanoTime();
            HttpResponse<byte[]> answer =
                    client.send(HttpRequest.newBuilder(what).build(), HttpResponse.BodyHandlers.ofByteArray());
            if (answer.statusCode() != 200) {
                throw new IOException(what + " was answered with " + answer.statusCode());
            }
            millis = Math.min(millis, Live.seconds(begin) * 1e3);
            bytes = answer.body().length;
        }
        return new Answer(millis, bytes);
    }

    private void awaitReady(ServerProcess server) throws IOException, InterruptedException {
        HttpRequest request =
                HttpRequest.newBuilder(URI.create(server.httpUrl() + "/readyz")).build();
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode() != 200) {
            if (System.nanoTime() > deadline) {
                throw new IOException("the server does not become ready");
            }
            Thread.sleep(10);
        }
    }

    private Again again(double stop, int count) throws IOException, InterruptedException {
        double ready;
        double page;
        long start = System.nanoTime();
        try (ServerProcess server = servers.start()) {
            awaitReady(server);
            ready = Live.seconds(start);
            server.read(count == 0 ? MAIN : name(count - 1), relation, 1, 1);
            page = Live.seconds(start);
        }
        return new Again(stop, ready, page, gcMillis(count));
    }

    /** Lets GC have its turn on all branches, or for so long as one may be idle. */
    private double gcMillis(int count) throws IOException, InterruptedException {
        try (ServerProcess server = servers.startWithGcAtOnce()) {
            awaitReady(server);
            awaitSettled(server);
            double runsBefore = sum(server.metrics(), "palimpsest_gc_runs");
            double cpu = server.cpuSeconds();
            long deadline = System.nanoTime() + parameters.idle().toNanos();
            double runs = runsBefore;
            while (runs <= count && System.nanoTime() < deadline) {
                Thread.sleep(LOOK); // to ask costs time too
                runs = sum(server.metrics(), "palimpsest_gc_runs");
            }
            return runs == runsBefore ? 0 : (server.cpuSeconds() - cpu) * 1e3 / (runs - runsBefore);
        }
    }

    private record Objects(long count, long bytes) {}

    private Objects objects() throws IOException {
        long[] sums = new long[2];
        Files.walkFileTree(servers.home().resolve("objects"), new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                sums[0]++;
                sums[1] += attributes.size();
                return FileVisitResult.CONTINUE;
            }
        });
        return new Objects(sums[0], sums[1]);
    }
}
