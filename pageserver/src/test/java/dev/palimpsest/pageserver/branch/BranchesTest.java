package dev.palimpsest.pageserver.branch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.pageserver.relation.DirectoryComparison;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.redo.PageComparison;
import dev.palimpsest.testkit.PostgresServer;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.OffsetDateTime;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BranchesTest {
    private static void execute(Connection connection, String... statements) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    private static String value(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            assertThat(rows.next()).isTrue();
            return rows.getString(1);
        }
    }

    private static Instant now(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT clock_timestamp()")) {
            rows.next();
            return rows.getObject(1, OffsetDateTime.class).toInstant();
        }
    }

    private static Connection connect(int port) throws SQLException {
        return DriverManager.getConnection("jdbc:postgresql://127.0.0.1:" + port + "/postgres?user=postgres");
    }

    private static void lookAndWrite(EndpointView endpoint, String sum) throws SQLException {
        try (Connection onBranch = connect(endpoint.port())) {
            assertThat(value(onBranch, "SELECT md5(string_agg(t, '' ORDER BY id)) FROM kept"))
                    .isEqualTo(sum);
            assertThat(value(onBranch, "SELECT count(*) FROM loose")).isEqualTo("0");
            assertThat(value(onBranch, "SELECT count(*) FROM pg_prepared_xacts"))
                    .isEqualTo("1");
            execute(
                    onBranch,
                    "COMMIT PREPARED 'later'",
                    "INSERT INTO kept SELECT g, 'new' FROM generate_series(50001, 60000) g",
                    "CREATE EXTENSION amcheck");
            assertThat(value(onBranch, "SELECT count(*) FROM kept")).isEqualTo("50001");
            execute(onBranch, "SELECT bt_index_check('kept_pkey', true)");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 15, 16, 17, 18})
    void aDroppedTableIsOnTheBranchFromBefore(int major, @TempDir Path directory) throws Exception {
        try (PostgresServer primary = PostgresServer.version(major)
                        .setting("max_wal_senders", "10")
                        .setting("max_prepared_transactions", "5")
                        .start();
                BranchHost host = new BranchHost(directory, major)) {
            Branches branches = host.branches();
            try (Connection connection = primary.connect()) {
                execute(
                        connection,
                        "CREATE TABLE kept (id int PRIMARY KEY, t text)",
                        "INSERT INTO kept SELECT g, md5(g::text) FROM generate_series(1, 30000) g");
                host.attach("prod", primary);
                execute(
                        connection,
                        "INSERT INTO kept SELECT g, md5(g::text) FROM generate_series(30001, 40000) g",
                        "CREATE UNLOGGED TABLE loose (g int)",
                        "INSERT INTO loose VALUES (1)",
                        "BEGIN",
                        "INSERT INTO kept VALUES (-1, 'prepared')",
                        "PREPARE TRANSACTION 'later'");
                String sum = value(connection, "SELECT md5(string_agg(t, '' ORDER BY id)) FROM kept");
                Instant before = now(connection);
                execute(connection, "DROP TABLE loose", "COMMIT PREPARED 'later'", "DROP TABLE kept");
                host.catchUp("prod", Lsn.parse(value(connection, "SELECT pg_current_wal_flush_lsn()")));

                BranchView fix = branches.create("fix", "prod", new Moment.AtTime(before));
                assertThat(fix.parent()).isEqualTo("prod");
                lookAndWrite(branches.startEndpoint("fix", 0, null), sum);
                assertThat(branches.endpoints()).hasSize(1);
                branches.stopEndpoint("fix");
                assertThat(branches.endpoints()).isEmpty();

                EndpointView again = branches.startEndpoint("fix", 0, null);
                try (Connection onBranch = connect(again.port())) {
                    assertThat(value(onBranch, "SELECT count(*) FROM kept")).isEqualTo("50001");
                }
                assertThatThrownBy(() -> branches.delete("prod"))
                        .isInstanceOf(BranchException.class)
                        .hasMessageContaining("fix");
                branches.stopEndpoint("fix");
                assertThat(branches.delete("fix")).isEmpty();
            }
            primary.stop("fast");
            DirectoryComparison.Result result =
                    branches.verify("prod", primary.dataDirectory(), PageComparison.Server.PRIMARY);
            assertThat(result.differences()).isEmpty();
            assertThat(result.pages()).isGreaterThan(1000);
        }
    }
}
