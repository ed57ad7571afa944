package dev.palimpsest.pageserver.branch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.pageserver.ClusterContents;
import dev.palimpsest.pageserver.ClusterContents.Connector;
import dev.palimpsest.testkit.PostgresServer;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The load of {@code pgbench}, of scale 1: by Debian's program where that is installed, else by sessions that do the same.
 * At every moment the balances of accounts, tellers and branches and all that was ever moved are of the same sum.
 */
final class TpcB implements AutoCloseable {
    private static final int SESSIONS = 4;
    private static final int ACCOUNTS = 100_000;

    private static final List<String> TABLES = List.of(
            "CREATE TABLE pgbench_branches (bid int PRIMARY KEY, bbalance int, filler char(88)) WITH (fillfactor = 100)",
            "CREATE TABLE pgbench_tellers (tid int PRIMARY KEY, bid int, tbalance int, filler char(84))",
            "CREATE TABLE pgbench_accounts (aid int PRIMARY KEY, bid int, abalance int, filler char(84))",
            "CREATE TABLE pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22))",
            "INSERT INTO pgbench_branches VALUES (1, 0)",
            "INSERT INTO pgbench_tellers SELECT g, 1, 0 FROM generate_series(1, 10) g",
            "INSERT INTO pgbench_accounts SELECT g, 1, 0, '' FROM generate_series(1, " + ACCOUNTS + ") g");

    private final AtomicBoolean stop = new AtomicBoolean();
    private final List<Thread> sessions = new ArrayList<>();
    private final List<Throwable> failures = new ArrayList<>();

    private TpcB() {}

    /** Makes the tables. */
    static void initialize(Connector server) throws SQLException {
        try (Connection connection = server.connect("postgres")) {
            MixedWorkload.execute(connection, TABLES);
        }
    }

    /** Debian's program, of any version. */
    static Optional<Path> program() throws IOException {
        Path debian = Path.of("/usr/lib/postgresql");
        if (Files.isDirectory(debian)) {
            try (DirectoryStream<Path> versions = Files.newDirectoryStream(debian, "[0-9]*")) {
                for (Path version : versions) {
                    Path program = version.resolve("bin/pgbench");
                    if (Files.isExecutable(program)) {
                        return Optional.of(program);
                    }
                }
            }
        }
        return Optional.empty();
    }

    /** Begins to load a server, until closed. */
    static TpcB start(int port, Connector server, long seed) throws IOException {
        TpcB load = new TpcB();
        Optional<Path> program = program();
        if (program.isPresent()) {
            load.run(() -> load.pgbench(program.get(), port, seed));
        } else {
            for (int i = 0; i < SESSIONS; i++) {
                long own = seed + i;
                load.run(() -> load.session(server, own));
            }
        }
        return load;
    }

    private interface Work {
        void run() throws Exception;
    }

    private void run(Work work) {
        sessions.add(Thread.ofPlatform().name("tpc-b").start(() -> {
            try {
                work.run();
            } catch (Exception e) {
                synchronized (failures) {
                    failures.add(e);
                }
            }
        }));
    }

    private void pgbench(Path program, int port, long seed) throws Exception {
        Path output = Files.createTempFile("palimpsest-pgbench", ".log");
        Process process = new ProcessBuilder(
                        program.toString(),
                        "--no-vacuum",
                        "--client=" + SESSIONS,
                        "--time=86400",
                        "--random-seed=" + seed,
                        "--host=127.0.0.1",
                        "--port=" + port,
                        "--username=" + PostgresServer.USER,
                        "postgres")
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            while (!stop.get()) {
                if (process.waitFor(20, TimeUnit.MILLISECONDS)) {
                    throw new IOException("pgbench ended: " + Files.readString(output));
                }
            }
        } finally {
            process.destroy();
            process.waitFor();
            Files.delete(output);
        }
    }

    private void session(Connector server, long seed) throws SQLException {
        Random random = new Random(seed);
        try (Connection connection = server.connect("postgres");
                Statement statement = connection.createStatement()) {
            while (!stop.get()) {
                statement.execute(transaction(random));
            }
        }
    }

    private static String transaction(Random random) {
        int account = 1 + random.nextInt(ACCOUNTS);
        int teller = 1 + random.nextInt(10);
        int delta = random.nextInt(10_001) - 5000;
        return "BEGIN; UPDATE pgbench_accounts SET abalance = abalance + " + delta + " WHERE aid = " + account
                + "; SELECT abalance FROM pgbench_accounts WHERE aid = " + account
                + "; UPDATE pgbench_tellers SET tbalance = tbalance + " + delta + " WHERE tid = " + teller
                + "; UPDATE pgbench_branches SET bbalance = bbalance + " + delta + " WHERE bid = 1"
                + "; INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (" + teller + ", 1, " + account
                + ", " + delta + ", CURRENT_TIMESTAMP); END";
    }

    /** Does so many transactions. */
    static void transactions(Connector server, int count, long seed) throws SQLException {
        Random random = new Random(seed);
        try (Connection connection = server.connect("postgres");
                Statement statement = connection.createStatement()) {
            for (int i = 0; i < count; i++) {
                statement.execute(transaction(random));
            }
        }
    }

    /** Checks the invariant; returns how many transactions there were. */
    static long check(Connector server, String what) throws SQLException {
        try (Connection connection = server.connect("postgres");
                Statement statement = connection.createStatement()) {
            List<String> sums = ClusterContents.rows(statement, """
                    SELECT (SELECT sum(abalance) FROM pgbench_accounts), (SELECT sum(tbalance) FROM pgbench_tellers),
                      (SELECT sum(bbalance) FROM pgbench_branches), coalesce(sum(delta), 0), count(*),
                      (SELECT count(*) FROM pgbench_accounts)
                    FROM pgbench_history""").getFirst();
            assertThat(sums.subList(0, 4)).as(what).containsOnly(sums.getFirst());
            assertThat(sums.get(5)).as(what).isEqualTo(String.valueOf(ACCOUNTS));
            return Long.parseLong(sums.get(4));
        }
    }

    /** Ends the load, and fails if anything went wrong with it. */
    @Override
    public void close() {
        stop.set(true);
        boolean interrupted = false;
        for (Thread session : sessions) {
            try {
                session.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        synchronized (failures) {
            assertThat(failures).isEmpty();
        }
    }
}
