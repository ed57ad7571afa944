package dev.palimpsest.pageserver.branch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.testkit.PostgresServer;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.OffsetDateTime;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Times and LSNs on branches of branches, on a real PostgreSQL. */
class HistoryTest {
    private static final int MAJOR = 15;

    private static void execute(Connection connection, String... statements) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    private static Instant now(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT clock_timestamp()")) {
            row.next();
            return row.getObject(1, OffsetDateTime.class).toInstant();
        }
    }

    private static Lsn lsn(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT pg_current_wal_flush_lsn()")) {
            row.next();
            return Lsn.parse(row.getString(1));
        }
    }

    private static Connection connect(int port, String user) throws SQLException {
        return DriverManager.getConnection("jdbc:postgresql://127.0.0.1:" + port + "/postgres?user=" + user);
    }

    private static int rows(int port, String user) throws SQLException {
        try (Connection connection = connect(port, user);
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT count(*) FROM t")) {
            row.next();
            return row.getInt(1);
        }
    }

    @Test
    void aTimeBeforeTheBranchPointIsInTheAncestor(@TempDir Path directory) throws Exception {
        try (PostgresServer primary = PostgresServer.version(MAJOR)
                        .setting("max_wal_senders", "10")
                        .start();
                BranchHost host = new BranchHost(directory, MAJOR);
                Connection connection = primary.connect()) {
            Branches branches = host.branches();
            execute(connection, "CREATE ROLE admin SUPERUSER LOGIN");
            Instant beforeAll = now(connection);
            host.attach("prod", primary);
            Instant attached = now(connection);
            // Nothing has been committed since: any time after the attachment is its end.
            assertThat(branches.resolve("prod", new Moment.AtTime(attached)))
                    .isEqualTo(branches.view("prod").lastRecordLsn());
            assertThatThrownBy(() -> branches.resolve("prod", new Moment.AtTime(beforeAll.minusSeconds(3600))))
                    .hasMessageContaining("is before the history of branch prod");

            execute(connection, "CREATE TABLE t (i int)", "INSERT INTO t VALUES (1)");
            Instant one = now(connection);
            execute(connection, "INSERT INTO t VALUES (2)");
            Instant two = now(connection);
            execute(connection, "INSERT INTO t VALUES (3)", "ALTER ROLE admin RENAME TO chief");
            host.catchUp("prod", lsn(connection));

            branches.create("child", "prod", new Moment.AtTime(two));
            BranchView child = branches.view("child");
            assertThat(child.readableFrom()).isEqualTo(branches.view("prod").readableFrom());
            assertThat(branches.resolve("child", new Moment.AtTime(now(connection))))
                    .isEqualTo(child.branchedAt());
            Lsn atOne = branches.resolve("child", new Moment.AtTime(one));
            assertThat(atOne).isEqualTo(branches.resolve("prod", new Moment.AtTime(one)));
            assertThat(branches.timeOf("child", atOne)).isBefore(one);
            assertThat(branches.timeOf("child", atOne)).isAfter(attached);

            BranchView early = branches.create("early", "child", new Moment.AtTime(one));
            assertThat(early.parent()).isEqualTo("prod");
            int port = branches.startEndpoint("early", 0, null).port();
            assertThat(rows(port, PostgresServer.USER)).isEqualTo(1);
            try (Connection onBranch = connect(port, PostgresServer.USER)) {
                execute(onBranch, "INSERT INTO t VALUES (4)");
            }
            branches.stopEndpoint("early");
            Lsn end = branches.view("early").lastRecordLsn();
            assertThat(branches.resolve("early", new Moment.AtTime(one)))
                    .isGreaterThanOrEqualTo(atOne)
                    .isLessThan(end);
            assertThat(branches.timeOf("early", end)).isAfter(two);
            assertThatThrownBy(() -> branches.resolve("child", new Moment.AtLsn(end)))
                    .hasMessageContaining("is not in the history of branch child");
        }
    }

    @Test
    void theRoleToReplicateAsIsReadFromTheCluster(@TempDir Path directory) throws Exception {
        try (PostgresServer primary = PostgresServer.version(MAJOR)
                        .setting("max_wal_senders", "10")
                        .start();
                BranchHost host = new BranchHost(directory, MAJOR);
                Connection connection = primary.connect()) {
            Branches branches = host.branches();
            execute(connection, "CREATE TABLE t (i int)", "CREATE ROLE admin SUPERUSER LOGIN");
            host.attach("prod", primary);
            // The connection that attached was opened as a role that may not even log in any more.
            execute(
                    connection,
                    "ALTER ROLE admin RENAME TO \"the chief\"",
                    "BEGIN",
                    "ALTER ROLE \"the chief\" RENAME TO nobody",
                    "ROLLBACK",
                    "ALTER ROLE " + PostgresServer.USER + " NOLOGIN");
            host.catchUp("prod", lsn(connection));
            branches.create("fix", "prod", Moment.LATEST);
            assertThat(rows(branches.startEndpoint("fix", 0, null).port(), "the%20chief"))
                    .isZero();
            branches.stopEndpoint("fix");
        }
    }
}
