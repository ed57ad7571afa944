package dev.palimpsest.pageserver.branch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.pageserver.ClusterContents;
import dev.palimpsest.pageserver.relation.DirectoryComparison;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.redo.PageComparison;
import dev.palimpsest.testkit.PostgresServer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A standby of the source is promoted, and what follows the source goes on with it. */
class TimelineSwitchTest {
    private static final long PATIENCE_NANOS = 60_000_000_000L;

    private static List<List<String>> rows(PostgresServer server, String query) throws SQLException {
        try (Connection connection = server.connect();
                Statement statement = connection.createStatement()) {
            return ClusterContents.rows(statement, query);
        }
    }

    private static Lsn write(PostgresServer server, int from, int to) throws SQLException {
        try (Connection connection = server.connect()) {
            MixedWorkload.execute(
                    connection,
                    List.of(
                            "CREATE TABLE IF NOT EXISTS t (id int PRIMARY KEY, t text)",
                            "INSERT INTO t SELECT g, md5(g::text) FROM generate_series(" + from + ", " + to + ") g",
                            "SELECT pg_logical_emit_message(true, '', 'flush')"));
            return Lsn.parse(
                    rows(server, "SELECT pg_current_wal_flush_lsn()").getFirst().getFirst());
        }
    }

    private static PostgresServer standbyOf(PostgresServer primary) {
        PostgresServer standby = primary.copy();
        standby.configure("primary_conninfo", "host=127.0.0.1 port=" + primary.port() + " user=postgres");
        standby.signal("standby.signal");
        return standby;
    }

    private static void awaitReplay(PostgresServer standby, Lsn lsn) throws Exception {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (!rows(standby, "SELECT pg_last_wal_replay_lsn() >= '" + lsn + "'")
                .equals(List.of(List.of("t")))) {
            assertThat(System.nanoTime()).as(standby.log()).isLessThan(deadline);
            Thread.sleep(20);
        }
    }

    /** The PostgreSQL timelines that the history of an endpoint's names, and the number of the endpoint's own. */
    private static List<String> history(EndpointView endpoint, int timeline) throws Exception {
        Path file = Path.of(endpoint.directory(), "pg_wal", "0000000" + timeline + ".history");
        return Files.readAllLines(file).stream()
                .map(line -> line.substring(0, line.indexOf('\t')))
                .toList();
    }

    private static void assertRows(EndpointView endpoint, int rows) throws SQLException {
        try (Connection connection = BranchHost.on(endpoint).connect("postgres");
                Statement statement = connection.createStatement()) {
            assertThat(ClusterContents.rows(statement, "SELECT count(*), max(id) FROM t"))
                    .isEqualTo(List.of(List.of(String.valueOf(rows), String.valueOf(rows))));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {15})
    void thePromotedStandbyIsFollowed(int major, @TempDir Path directory) throws Exception {
        try (PostgresServer primary = PostgresServer.version(major)
                .setting("max_wal_senders", "10")
                .setting("wal_keep_size", "1GB")
                .start()) {
            primary.stop("fast");
            try (PostgresServer standby = standbyOf(primary)) {
                primary.start();
                standby.start();
                Lsn before;
                Lsn after;
                try (BranchHost host = new BranchHost(directory, major)) {
                    // As documented for failover: the slot must be on the standby before it is promoted.
                    rows(standby, "SELECT pg_create_physical_replication_slot('palimpsest_prod', true)");
                    host.attach(
                            "prod",
                            "host=127.0.0.1,127.0.0.1 port=" + primary.port() + "," + standby.port()
                                    + " user=postgres target_session_attrs=read-write");
                    host.attach("cascaded", standby);
                    before = write(primary, 1, 1000);
                    awaitReplay(standby, before);
                    primary.stop("fast");
                    standby.promote();
                    after = write(standby, 1001, 2000);
                    host.catchUp("prod", after);
                    host.catchUp("cascaded", after);
                }
                try (BranchHost host = new BranchHost(directory, major)) {
                    host.catchUp("prod", after);
                    bootFromBothSides(host, before, after);
                    standby.stop("fast");
                    for (String name : List.of("prod", "cascaded")) {
                        DirectoryComparison.Result result =
                                host.branches().verify(name, standby.dataDirectory(), PageComparison.Server.PRIMARY);
                        assertThat(result.differences()).as(name).isEmpty();
                        assertThat(result.pages()).isGreaterThan(1000);
                    }
                }
            }
        }
    }

    private static void bootFromBothSides(BranchHost host, Lsn before, Lsn after) throws Exception {
        Branches branches = host.branches();
        branches.create("before", "prod", new Moment.AtLsn(before));
        EndpointView endpoint = branches.startEndpoint("before", 0, null);
        assertRows(endpoint, 1000);
        assertThat(history(endpoint, 2)).containsExactly("1");
        branches.stopEndpoint("before");

        branches.create("after", "prod", new Moment.AtLsn(after));
        endpoint = branches.startEndpoint("after", 0, null);
        assertRows(endpoint, 2000);
        assertThat(history(endpoint, 3)).containsExactly("1", "2");
        try (Connection connection = BranchHost.on(endpoint).connect("postgres")) {
            MixedWorkload.execute(connection, List.of("INSERT INTO t VALUES (2001, 'on the branch')"));
        }
        branches.stopEndpoint("after");
        endpoint = branches.startEndpoint("after", 0, null);
        assertRows(endpoint, 2001);
        assertThat(history(endpoint, 4)).containsExactly("1", "2", "3");
        branches.stopEndpoint("after");

        // A branch of that branch from before its endpoint wrote knows nothing of it.
        branches.create("again", "after", new Moment.AtLsn(after));
        endpoint = branches.startEndpoint("again", 0, null);
        assertRows(endpoint, 2000);
        assertThat(history(endpoint, 3)).containsExactly("1", "2");
        branches.stopEndpoint("again");
    }
}
