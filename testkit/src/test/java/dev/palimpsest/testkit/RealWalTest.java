package dev.palimpsest.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.redo.ConsistencyReplay;
import dev.palimpsest.postgres.redo.HintLogging;
import dev.palimpsest.postgres.rmgr.RecordDescriber;
import dev.palimpsest.postgres.rmgr.RecordTypes;
import dev.palimpsest.postgres.rmgr.Rmgr;
import dev.palimpsest.postgres.wal.ImageRestorer;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.WalRecord;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Decodes what real servers wrote, all of it, and compares it with what they say they wrote. */
class RealWalTest {
    private static final int COMPARED_IMAGES = 300;

    private static final List<String> WORKLOAD = List.of(
            "CREATE SEQUENCE s",
            "SELECT nextval('s') FROM generate_series(1, 1000)",
            "CREATE TABLE t (id int PRIMARY KEY, body text, tags int[], place point, span int4range)",
            "CREATE INDEX ON t USING hash (body)",
            "CREATE INDEX ON t USING gin (tags)",
            "CREATE INDEX ON t USING gist (span)",
            "CREATE INDEX ON t USING spgist (place)",
            "CREATE INDEX ON t USING brin (id)",
            "INSERT INTO t SELECT i, repeat(md5(i::text), 3), ARRAY[i % 7, i % 11], point(i, -i), int4range(i, i + 9)"
                    + " FROM generate_series(1, 2000) i",
            "CHECKPOINT",
            "UPDATE t SET body = body || 'x' WHERE id % 3 = 0",
            "DELETE FROM t WHERE id % 5 = 0",
            "VACUUM (FREEZE) t",
            "INSERT INTO t SELECT i, 'short' FROM generate_series(10001, 11000) i",
            "SELECT nextval('s') FROM generate_series(1, 100)",
            "ALTER SEQUENCE s RESTART 5",
            "BEGIN; SAVEPOINT a; INSERT INTO t VALUES (-1); ROLLBACK TO a; INSERT INTO t VALUES (-2); COMMIT",
            "SELECT pg_logical_emit_message(true, 'prefix', repeat('message', 5000))",
            "SELECT pg_switch_wal()",
            "SELECT pg_create_restore_point('here')",
            "DELETE FROM t WHERE id > 500",
            "VACUUM t",
            "TRUNCATE t",
            "CREATE DATABASE d",
            "DROP DATABASE d",
            "CHECKPOINT",
            "SELECT nextval('s')");

    private static final List<String> GENERIC_WORKLOAD = List.of(
            "CREATE TABLE b AS SELECT i, i * 7 AS j FROM generate_series(1, 2000) i",
            "CREATE INDEX ON b USING bloom (i, j)",
            "INSERT INTO b SELECT i, i FROM generate_series(1, 500) i",
            "DELETE FROM b WHERE i < 100",
            "VACUUM b");

    private record Row(
            String start,
            String end,
            String previous,
            String xid,
            String type,
            int length,
            int mainLength,
            int imageLength) {}

    @ParameterizedTest
    @ValueSource(ints = {14, 15, 16, 17, 18})
    void isDecodedAsPostgresDecodesIt(int major) throws Exception {
        try (RecordingServer server = RecordingServer.start(PostgresServer.version(major)
                        .setting("wal_compression", major % 2 == 0 ? "on" : "off")
                        .setting("wal_level", "logical")
                        .setting("wal_log_hints", "on"));
                ConsistencyReplay replay = new ConsistencyReplay(HintLogging.ON)) {
            Statement statement = server.statement();
            List<String> extensions = extensions(statement);
            server.run(WORKLOAD);
            if (extensions.contains("bloom")) {
                server.run(GENERIC_WORKLOAD);
            }
            Lsn end = server.flush();
            List<WalRecord> records = server.records(end);
            if (extensions.contains("pg_walinspect")) {
                assertSameAsWalinspect(statement, records, end, major);
            }
            if (major >= 16) {
                assertSameImages(statement, records, end);
            }
            assertEveryRecordIsKnown(records);
            records.forEach(replay::apply);
            assertReplayed(replay, extensions.contains("bloom"));
        }
    }

    private static List<String> extensions(Statement statement) throws SQLException {
        List<String> names = new ArrayList<>();
        try (ResultSet rows = statement.executeQuery(
                "SELECT name FROM pg_available_extensions WHERE name IN ('bloom', 'pg_walinspect')")) {
            while (rows.next()) {
                names.add(rows.getString(1));
            }
        }
        for (String name : names) {
            statement.execute("CREATE EXTENSION " + name);
        }
        return names;
    }

    private static void assertSameAsWalinspect(Statement statement, List<WalRecord> records, Lsn end, int major)
            throws SQLException {
        List<Row> theirs = new ArrayList<>();
        String query = "SELECT start_lsn, end_lsn, prev_lsn, xid, resource_manager || '/' || record_type,"
                + " record_length, main_data_length, fpi_length FROM pg_get_wal_records_info('"
                + new Lsn(records.get(0).startLsn()) + "', '" + end + "')";
        try (ResultSet row = statement.executeQuery(query)) {
            while (row.next()) {
                theirs.add(new Row(
                        row.getString(1),
                        row.getString(2),
                        row.getString(3),
                        row.getString(4),
                        row.getString(5),
                        row.getInt(6),
                        row.getInt(7),
                        row.getInt(8)));
            }
        }
        List<Row> ours = records.stream().map(RealWalTest::row).toList();
        assertThat(theirs).as("PostgreSQL %d", major).hasSizeGreaterThan(5000);
        for (int i = 0; i < Math.min(ours.size(), theirs.size()); i++) {
            if (!ours.get(i).equals(theirs.get(i))) {
                assertThat(ours.get(i)).as("record %d", i).isEqualTo(theirs.get(i));
            }
        }
        assertThat(ours).hasSameSizeAs(theirs);
    }

    private static Row row(WalRecord record) {
        return new Row(
                new Lsn(record.startLsn()).toString(),
                new Lsn(record.endLsn()).toString(),
                new Lsn(record.prevLsn()).toString(),
                Integer.toUnsignedString(record.xid()),
                RecordTypes.nameOf(record),
                record.totalLength(),
                record.mainData().length(),
                record.imageBytes());
    }

    /** PostgreSQL restores images itself and shows the pages. */
    private static void assertSameImages(Statement statement, List<WalRecord> records, Lsn end)
            throws SQLException, MalformedRecordException {
        Map<Lsn, WalRecord> byStart = new HashMap<>();
        records.forEach(record -> byStart.put(new Lsn(record.startLsn()), record));
        int compared = 0;
        try (ImageRestorer restorer = new ImageRestorer();
                ResultSet row =
                        statement.executeQuery("SELECT start_lsn, block_id, block_fpi_data FROM pg_get_wal_block_info('"
                                + new Lsn(records.get(0).startLsn()) + "', '" + end
                                + "') WHERE block_fpi_length > 0 ORDER BY random() LIMIT " + COMPARED_IMAGES)) {
            while (row.next()) {
                WalRecord record = Objects.requireNonNull(byStart.get(Lsn.parse(row.getString(1))));
                Page page = new Page();
                restorer.restore(record, row.getInt(2), page);
                assertThat(Arrays.mismatch(page.bytes(), row.getBytes(3)))
                        .as("image %d of the record at %s", row.getInt(2), row.getString(1))
                        .isEqualTo(-1);
                compared++;
            }
        }
        assertThat(compared).isEqualTo(COMPARED_IMAGES);
    }

    private static void assertEveryRecordIsKnown(List<WalRecord> records) throws MalformedRecordException {
        TreeSet<String> unknown = new TreeSet<>();
        TreeSet<String> seen = new TreeSet<>();
        for (WalRecord record : records) {
            seen.add(RecordTypes.nameOf(record));
            if (RecordTypes.typeOf(record) == null) {
                unknown.add(RecordTypes.nameOf(record));
            }
            String text = RecordDescriber.describe(record);
            if (record.resourceManagerId() == Rmgr.XLOG.id()
                    && record.mainData().length() > 0) {
                assertThat(text).isNotBlank();
            }
        }
        assertThat(unknown).isEmpty();
        assertThat(seen)
                .contains(
                        "XLOG/SWITCH",
                        "XLOG/CHECKPOINT_ONLINE",
                        "XLOG/FPI",
                        "XLOG/RESTORE_POINT",
                        "Heap/INSERT+INIT",
                        "Heap2/VISIBLE",
                        "Btree/SPLIT_R",
                        "Sequence/LOG",
                        "LogicalMessage/MESSAGE",
                        "Storage/TRUNCATE",
                        "Transaction/COMMIT");
    }

    /** Every type with redo comes out as PostgreSQL has it; no image is damaged. */
    private static void assertReplayed(ConsistencyReplay replay, boolean withGeneric) {
        RecordingServer.assertCompared(replay, List.of("Sequence/LOG"));
        assertThat(RecordingServer.counts(replay, "Sequence/LOG").compared()).isGreaterThan(20);
        assertThat(RecordingServer.counts(replay, "XLOG/FPI").applied()).isPositive();
        if (withGeneric) {
            RecordingServer.assertCompared(replay, List.of("Generic/Generic"));
        }
    }
}
