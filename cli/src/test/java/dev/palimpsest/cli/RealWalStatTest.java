package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.testkit.PostgresServer;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code wal stat} of what real servers wrote is what they count themselves. */
class RealWalStatTest {
    private record Counts(long records, long recordBytes, long imageBytes, long bytes) {}

    @ParameterizedTest
    @ValueSource(ints = {15, 18})
    void isWhatPgWalinspectCounts(int major) throws Exception {
        try (PostgresServer server = PostgresServer.version(major)
                        .setting("wal_compression", "on")
                        .setting("wal_keep_size", "1GB")
                        .setting("autovacuum", "off")
                        .start();
                Connection connection = server.connect();
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE EXTENSION pg_walinspect");
            String start = one(statement, "SELECT pg_current_wal_flush_lsn()");
            statement.execute(
                    "CREATE TABLE t AS SELECT i AS id, md5(i::text) AS body FROM generate_series(1, 50000) i");
            statement.execute("ALTER TABLE t ADD PRIMARY KEY (id)");
            statement.execute("CHECKPOINT");
            statement.execute("UPDATE t SET body = body || 'x' WHERE id % 3 = 0");
            statement.execute("SELECT pg_switch_wal()");
            statement.execute("DELETE FROM t WHERE id % 5 = 0");
            statement.execute("VACUUM t");
            statement.execute("SELECT pg_logical_emit_message(true, 'prefix', repeat('message', 300000))");
            String end = one(statement, "SELECT pg_current_wal_flush_lsn()");
            Map<String, Counts> theirs = inspected(statement, start, end);
            assertThat(theirs).hasSizeGreaterThan(15).containsKeys("Heap/UPDATE", "XLOG/SWITCH");
            assertThat(stat(server, start, end)).isEqualTo(theirs);
        }
    }

    private static String one(Statement statement, String query) throws SQLException {
        try (ResultSet row = statement.executeQuery(query)) {
            row.next();
            return row.getString(1);
        }
    }

    private static Map<String, Counts> inspected(Statement statement, String start, String end) throws SQLException {
        Map<String, Counts> counts = new TreeMap<>();
        try (ResultSet row = statement.executeQuery(
                "SELECT * FROM pg_get_wal_stats('" + start + "', '" + end + "', true) WHERE count > 0")) {
            while (row.next()) {
                counts.put(
                        row.getString(1),
                        new Counts(
                                row.getLong("count"),
                                row.getLong("record_size"),
                                row.getLong("fpi_size"),
                                row.getLong("combined_size")));
            }
        }
        return counts;
    }

    private static Map<String, Counts> stat(PostgresServer server, String start, String end) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = Palimpsest.commandLine()
                .setOut(new PrintWriter(out))
                .setErr(new PrintWriter(err))
                .execute("wal", "stat", server.walDirectory().toString(), "--json", "--start", start, "--end", end);
        assertThat(code).as(err.toString()).isZero();
        Map<String, Counts> counts = new TreeMap<>();
        for (JsonNode type : JsonMapper.shared().readTree(out.toString()).get("types")) {
            counts.put(
                    type.get("rmgr").asString() + "/" + type.get("type").asString(),
                    new Counts(
                            type.get("records").asLong(),
                            type.get("recordBytes").asLong(),
                            type.get("fpiBytes").asLong(),
                            type.get("bytes").asLong()));
        }
        return counts;
    }
}
