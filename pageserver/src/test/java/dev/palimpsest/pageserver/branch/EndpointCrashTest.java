package dev.palimpsest.pageserver.branch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.pageserver.ClusterContents;
import dev.palimpsest.pageserver.endpoint.PostgresProcess;
import dev.palimpsest.pageserver.endpoint.PostgresPrograms;
import dev.palimpsest.pageserver.endpoint.ServerUser;
import dev.palimpsest.pageserver.relation.DirectoryComparison;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.redo.PageComparison;
import dev.palimpsest.testkit.PostgresServer;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** kill -9 of an endpoint, postmaster and all, while its WAL flows back into its branch. */
class EndpointCrashTest {
    private static final int MAJOR = 16;
    private static final long SEED = 20261122;
    private static final long PATIENCE_NANOS = 60_000_000_000L;

    /** Writes rows with rising numbers, and changes others, until the endpoint goes away. */
    private static final class Writer implements Runnable {
        private final EndpointView endpoint;
        private final AtomicInteger acknowledged;
        private final AtomicBoolean done = new AtomicBoolean();

        Writer(EndpointView endpoint, AtomicInteger acknowledged) {
            this.endpoint = endpoint;
            this.acknowledged = acknowledged;
        }

        @Override
        public void run() {
            Random random = new Random(SEED + acknowledged.get());
            try (Connection connection = BranchHost.on(endpoint).connect("postgres");
                    Statement statement = connection.createStatement()) {
                while (true) {
                    int next = acknowledged.get() + 1;
                    statement.execute("INSERT INTO acknowledged VALUES (" + next + ") ON CONFLICT DO NOTHING");
                    acknowledged.set(next);
                    int from = random.nextInt(20_000);
                    statement.execute(
                            switch (random.nextInt(4)) {
                                case 0 -> "INSERT INTO t SELECT g, 'new' FROM generate_series(1, 300) g";
                                case 1 -> "UPDATE t SET v = v || 'x' WHERE k BETWEEN " + from + " AND " + (from + 50);
                                case 2 -> "DELETE FROM t WHERE k = " + from;
                                default -> "VACUUM t";
                            });
                }
            } catch (SQLException e) {
                done.set(true);
            }
        }
    }

    @Test
    void whatWasAcknowledgedIsThereAndEveryPageIsRight(@TempDir Path directory) throws Exception {
        Random random = new Random(SEED);
        try (PostgresServer primary = PostgresServer.version(MAJOR)
                        .setting("max_wal_senders", "10")
                        .start();
                BranchHost host = new BranchHost(directory, MAJOR)) {
            Branches branches = host.branches();
            host.attach("prod", primary);
            branches.create("fix", "prod", new Moment.Latest());
            EndpointView endpoint = branches.startEndpoint("fix", 0, null);
            try (Connection connection = BranchHost.on(endpoint).connect("postgres")) {
                MixedWorkload.execute(
                        connection,
                        List.of(
                                "CREATE TABLE t (k int, v text)",
                                "INSERT INTO t SELECT g, md5(g::text) FROM generate_series(1, 20000) g",
                                "CREATE INDEX ON t (k)",
                                "CREATE TABLE acknowledged (n int PRIMARY KEY)"));
            }
            AtomicInteger acknowledged = new AtomicInteger();
            for (int round = 0; round < 3; round++) {
                killWhileItWrites(endpoint, acknowledged, 20 + random.nextInt(150));
                assertThat(branches.endpoints()).singleElement().satisfies(view -> {
                    assertThat(view.running()).isFalse();
                    assertThat(view.problem()).contains("start it again");
                });
                endpoint = branches.startEndpoint("fix", 0, null);
                assertEverythingIsThere(endpoint, acknowledged.get());
                host.awaitStreaming("fix");
                stopByHand(endpoint);
                DirectoryComparison.Result result =
                        branches.verify("fix", Path.of(endpoint.directory()), PageComparison.Server.PRIMARY);
                assertThat(result.differences()).as("round %s", round).isEmpty();
                assertThat(result.pages()).isGreaterThan(1000);
                endpoint = branches.startEndpoint("fix", 0, null);
            }
            // Written after it was stopped by hand: its last WAL must flow back too.
            try (Connection connection = BranchHost.on(endpoint).connect("postgres")) {
                int next = acknowledged.incrementAndGet();
                MixedWorkload.execute(
                        connection,
                        List.of(
                                // The last kill may have come between a commit and its acknowledgement.
                                "DELETE FROM acknowledged WHERE n >= " + next,
                                "INSERT INTO acknowledged VALUES (" + next + ")"));
            }
            branches.stopEndpoint("fix");
            assertThat(Path.of(endpoint.directory())).doesNotExist();
            endpoint = branches.startEndpoint("fix", 0, null);
            assertEverythingIsThere(endpoint, acknowledged.get());
            ClusterContents.assertSound(BranchHost.on(endpoint), "the branch alone");
            branches.stopEndpoint("fix");
        }
    }

    private static void killWhileItWrites(EndpointView endpoint, AtomicInteger acknowledged, int more)
            throws Exception {
        int until = acknowledged.get() + more;
        Writer writer = new Writer(endpoint, acknowledged);
        Thread writing = Thread.ofPlatform().start(writer);
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (acknowledged.get() < until) {
            assertThat(writer.done).isFalse();
            assertThat(System.nanoTime()).isLessThan(deadline);
            Thread.sleep(1);
        }
        PostgresServer.kill(Path.of(endpoint.directory()));
        writing.join();
    }

    private static void assertEverythingIsThere(EndpointView endpoint, int acknowledged) throws SQLException {
        try (Connection connection = BranchHost.on(endpoint).connect("postgres");
                Statement statement = connection.createStatement()) {
            assertThat(ClusterContents.rows(statement, "SELECT count(*) FROM acknowledged WHERE n <= " + acknowledged))
                    .isEqualTo(List.of(List.of(Integer.toString(acknowledged))));
        }
    }

    /** As an administrator who does not know that somebody else looks after it. */
    private static void stopByHand(EndpointView endpoint) throws Exception {
        Path data = Path.of(endpoint.directory());
        new PostgresProcess(
                        new PostgresPrograms(PostgresVersion.ofMajor(MAJOR), Path.of(endpoint.binaries())),
                        data,
                        data.resolveSibling("server.log"),
                        ServerUser.ifRoot())
                .requestStop();
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (PostgresProcess.pid(data) != 0) {
            assertThat(System.nanoTime()).isLessThan(deadline);
            Thread.sleep(10);
        }
    }

    @Test
    void aPrimaryThatShutDownIsFollowedAgain(@TempDir Path directory) throws Exception {
        try (PostgresServer primary = PostgresServer.version(MAJOR)
                        .setting("max_wal_senders", "10")
                        .start();
                BranchHost host = new BranchHost(directory, MAJOR)) {
            host.attach("prod", primary);
            primary.stop("fast");
            primary.start();
            Lsn lsn;
            try (Connection connection = primary.connect()) {
                MixedWorkload.execute(connection, List.of("CREATE TABLE after AS SELECT 1 AS n"));
                lsn = MixedWorkload.insertLsn(connection);
            }
            host.catchUp("prod", lsn);
        }
    }
}
