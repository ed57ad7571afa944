package dev.palimpsest.pageserver;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.pageserver.branch.BranchView;
import dev.palimpsest.pageserver.endpoint.DirectoryTree;
import dev.palimpsest.pageserver.relation.DirectoryComparison;
import dev.palimpsest.pageserver.walreceiver.FollowState;
import dev.palimpsest.postgres.control.ControlFile;
import dev.palimpsest.postgres.redo.PageComparison;
import dev.palimpsest.testkit.PostgresServer;
import dev.palimpsest.testkit.TcpProxy;
import dev.palimpsest.testkit.s3.S3Server;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * kill -9 of the server and of the primary, at random moments, while data is written, and in the midst of a base backup; and
 * the loss of the machine that the server ran on, when history is in a bucket.
 */
class ServerCrashTest {
    private static final long PATIENCE_NANOS = 60_000_000_000L;

    private static Process start(Path directory, String connection, @Nullable String storage) throws IOException {
        Path said = output();
        Process process = launch(directory, connection, storage, said);
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (!Files.readAllLines(said).contains(ServerProcess.FOLLOWING)) {
            if (!process.isAlive() || System.nanoTime() > deadline) {
                process.destroyForcibly();
                throw new AssertionError("the server does not follow: " + Files.readString(said));
            }
            pause();
        }
        return process;
    }

    private static Path output() throws IOException {
        Path file = Files.createTempFile("server", ".log");
        file.toFile().deleteOnExit();
        return file;
    }

    private static Process launch(Path directory, String connection, @Nullable String storage, Path said)
            throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-Xmx256m",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-cp",
                System.getProperty("java.class.path"),
                ServerProcess.class.getName(),
                directory.toString(),
                connection));
        if (storage != null) {
            command.add(storage);
        }
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(said.toFile())
                .start();
    }

    /** Writes until it is told to stop; a server that goes away is waited for. */
    private static void write(PostgresServer primary, AtomicBoolean stop, long seed) {
        Random random = new Random(seed);
        while (!stop.get()) {
            try (Connection connection = primary.connect();
                    Statement statement = connection.createStatement()) {
                while (!stop.get()) {
                    int from = random.nextInt(20_000);
                    switch (random.nextInt(4)) {
                        case 0 -> statement.execute("INSERT INTO t SELECT g, 'new' FROM generate_series(1, 500) g");
                        case 1 ->
                            statement.execute(
                                    "UPDATE t SET v = v || 'x' WHERE k BETWEEN " + from + " AND " + (from + 50));
                        case 2 -> statement.execute("DELETE FROM t WHERE k = " + from);
                        default -> statement.execute("VACUUM t");
                    }
                }
            } catch (SQLException e) {
                pause();
            }
        }
    }

    private static void pause() {
        try {
            Thread.sleep(20);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void nothingIsMissingAndNothingIsTwiceAfterKills(@TempDir Path directory) throws Exception {
        long seed = 20261121;
        Random random = new Random(seed);
        try (PostgresServer primary = primary()) {
            String connection = connection(primary);
            AtomicBoolean stop = new AtomicBoolean();
            Thread writing = Thread.ofPlatform().start(() -> write(primary, stop, seed));
            try {
                for (int round = 0; round < 3; round++) {
                    Process server = start(directory, connection, null);
                    Thread.sleep(200 + random.nextInt(1500));
                    if (round == 2) {
                        primary.kill();
                        primary.start();
                        Thread.sleep(random.nextInt(500));
                    }
                    server.destroyForcibly().waitFor();
                    compare(primary, directory, null, "round " + round + ", seed " + seed);
                    primary.start();
                }
            } finally {
                stop.set(true);
                writing.join();
            }
        }
    }

    /** The next start attaches from the beginning, with the slot that is there; nothing of the first try is in the way. */
    @Test
    void aKillInTheMidstOfTheBaseBackupIsMadeGood(@TempDir Path directory) throws Exception {
        try (PostgresServer primary = primary();
                TcpProxy proxy = TcpProxy.to(primary.port())) {
            String connection = "host=127.0.0.1 port=" + proxy.port() + " user=" + PostgresServer.USER;
            for (long bytes : List.of(1L << 20, 12L << 20)) {
                proxy.holdAfter(bytes);
                Process server = launch(directory, connection, null, output());
                proxy.awaitHold();
                server.destroyForcibly().waitFor();
                proxy.restore();
            }
            Process server = start(directory, connection, null);
            assertThat(slots(primary)).containsExactly("palimpsest_" + ServerProcess.BRANCH);
            server.destroyForcibly().waitFor();
            compare(primary, directory, null, "after two kills in base backups");
        }
    }

    private static List<String> slots(PostgresServer primary) throws SQLException {
        List<String> names = new ArrayList<>();
        try (Connection connection = primary.connect();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT slot_name FROM pg_replication_slots")) {
            while (rows.next()) {
                names.add(rows.getString(1));
            }
        }
        return names;
    }

    private static PostgresServer primary() throws Exception {
        PostgresServer primary = PostgresServer.version(17)
                .setting("fsync", "on")
                .setting("max_wal_senders", "10")
                .start();
        try (Connection connection = primary.connect();
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE TABLE t (k int, v text)");
            statement.execute("INSERT INTO t SELECT g, md5(g::text) FROM generate_series(1, 20000) g");
            statement.execute("CREATE INDEX ON t (k)");
        }
        return primary;
    }

    private static String connection(PostgresServer primary) {
        return "host=127.0.0.1 port=" + primary.port() + " user=" + PostgresServer.USER;
    }

    /** The machine is lost, with all that was on its disk: what is in the bucket, and the primary's slot, are enough. */
    @Test
    void anotherMachineGoesOnWithTheBucketAlone(@TempDir Path directory) throws Exception {
        long seed = 20261122;
        Random random = new Random(seed);
        try (PostgresServer primary = primary();
                S3Server bucket = S3Server.start()) {
            bucket.createBucket("history");
            String storage = "s3://history/of/it?region=us-east-1&endpoint="
                    + URLEncoder.encode(bucket.endpoint().toString(), StandardCharsets.UTF_8);
            AtomicBoolean stop = new AtomicBoolean();
            Thread writing = Thread.ofPlatform().start(() -> write(primary, stop, seed));
            try {
                for (int round = 0; round < 2; round++) {
                    Path lost = directory.resolve("lost" + round);
                    Process server = start(lost, connection(primary), storage);
                    Thread.sleep(500 + random.nextInt(1500));
                    server.destroyForcibly().waitFor();
                    DirectoryTree.delete(lost);
                    compare(primary, directory.resolve("next" + round), storage, "round " + round + ", seed " + seed);
                    primary.start();
                }
            } finally {
                stop.set(true);
                writing.join();
            }
        }
    }

    /** Stops the primary, which sends all of its WAL first to a server that is receiving. */
    private static void compare(PostgresServer primary, Path directory, @Nullable String storage, String what)
            throws Exception {
        try (Server server = Server.open(ServerProcess.options(directory, storage))) {
            await(server, now -> now.follow() != null && now.follow().phase() == FollowState.Phase.STREAMING);
            primary.stop("fast");
            ControlFile control =
                    ControlFile.parse(Files.readAllBytes(primary.dataDirectory().resolve(ControlFile.PATH)));
            await(server, now -> now.lastRecordLsn().isAfter(control.checkPointLocation()));
            DirectoryComparison.Result result = server.branches()
                    .verify(ServerProcess.BRANCH, primary.dataDirectory(), PageComparison.Server.PRIMARY);
            assertThat(result.differences()).as(what).isEmpty();
            assertThat(result.pages()).as(what).isGreaterThan(1000);
            server.branches().upkeep().flush(ServerProcess.BRANCH);
        }
    }

    private static void await(Server server, Predicate<BranchView> condition) throws Exception {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        BranchView now = server.branches().view(ServerProcess.BRANCH);
        while (!condition.test(now)) {
            assertThat(System.nanoTime()).as("%s", now).isLessThan(deadline);
            Thread.sleep(10);
            now = server.branches().view(ServerProcess.BRANCH);
        }
    }
}
