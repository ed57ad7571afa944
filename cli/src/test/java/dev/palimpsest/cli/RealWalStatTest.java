package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.palimpsest.testkit.PostgresBinaries;
import dev.palimpsest.testkit.PostgresServer;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code wal stat} of what real servers wrote is what they count themselves. */
class RealWalStatTest {
    private record Counts(long records, long recordBytes, long imageBytes, long bytes) {}

    private static final List<String> WORKLOAD = List.of(
            "CREATE TABLE t AS SELECT i AS id, md5(i::text) AS body FROM generate_series(1, 50000) i",
            "ALTER TABLE t ADD PRIMARY KEY (id)",
            "CREATE INDEX ON t USING hash (body)",
            "CHECKPOINT",
            "UPDATE t SET body = body || 'x' WHERE id % 3 = 0",
            "SELECT pg_switch_wal()",
            "DELETE FROM t WHERE id % 5 = 0",
            "VACUUM t",
            "SELECT pg_logical_emit_message(true, 'prefix', repeat('message', 300000))");

    /** A line of {@code pg_waldump --stats=record}: the type, then each number with its part of the whole. */
    private static final Pattern WALDUMP =
            Pattern.compile("(\\S+/\\S+)\\s+(\\d+) \\(.*?\\)\\s+(\\d+) \\(.*?\\)\\s+(\\d+) \\(.*?\\)\\s+(\\d+) .*");

    /** Debian's, which has {@code pg_waldump}. */
    private static final PostgresBinaries DEBIANS = new PostgresBinaries(15, Path.of("/usr/lib/postgresql/15"));

    @ParameterizedTest
    @ValueSource(ints = {15, 16, 17, 18})
    void isWhatPgWalinspectCounts(int major) throws Exception {
        try (PostgresServer server = start(PostgresServer.version(major));
                Connection connection = server.connect();
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE EXTENSION pg_walinspect");
            String start = one(statement, "SELECT pg_current_wal_flush_lsn()");
            for (String command : WORKLOAD) {
                statement.execute(command);
            }
            String end = one(statement, "SELECT pg_current_wal_flush_lsn()");
            Map<String, Counts> theirs = inspected(statement, start, end);
            assertThat(theirs).hasSizeGreaterThan(15).containsKeys("Heap/UPDATE", "XLOG/SWITCH");
            assertThat(stat(server, start, end)).isEqualTo(theirs);
        }
    }

    @Test
    void isWhatPgWaldumpCounts() throws Exception {
        assumeTrue(
                Files.isExecutable(DEBIANS.program("pg_waldump")),
                () -> "no PostgreSQL 15 with all its programs in " + DEBIANS.home());
        try (PostgresServer server = start(PostgresServer.of(DEBIANS));
                Connection connection = server.connect();
                Statement statement = connection.createStatement()) {
            String start = one(statement, "SELECT pg_current_wal_flush_lsn()");
            for (String command : WORKLOAD) {
                statement.execute(command);
            }
            String end = one(statement, "SELECT pg_current_wal_flush_lsn()");
            Map<String, Counts> theirs = dumped(server, start, end);
            assertThat(theirs).hasSizeGreaterThan(15).containsKeys("Heap/UPDATE", "XLOG/SWITCH");
            assertThat(stat(server, start, end)).isEqualTo(theirs);
        }
    }

    private static PostgresServer start(PostgresServer.Builder builder) {
        return builder.setting("wal_compression", "on")
                .setting("wal_keep_size", "1GB")
                .setting("autovacuum", "off")
                .start();
    }

    private static Map<String, Counts> dumped(PostgresServer server, String start, String end) throws Exception {
        Process process = new ProcessBuilder(
                        DEBIANS.program("pg_waldump").toString(),
                        "--stats=record",
                        "--path=" + server.walDirectory(),
                        "--start=" + start,
                        "--end=" + end)
                .redirectErrorStream(true)
                .start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
        Map<String, Counts> counts = new TreeMap<>();
        for (String line : said.lines().toList()) {
            Matcher numbers = WALDUMP.matcher(line);
            if (numbers.matches() && !numbers.group(2).equals("0")) {
                counts.put(
                        numbers.group(1),
                        new Counts(
                                Long.parseLong(numbers.group(2)),
                                Long.parseLong(numbers.group(3)),
                                Long.parseLong(numbers.group(4)),
                                Long.parseLong(numbers.group(5))));
            }
        }
        return counts;
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
