package dev.palimpsest.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.redo.ConsistencyReplay;
import dev.palimpsest.postgres.redo.HintLogging;
import dev.palimpsest.postgres.rmgr.BtreeRecord;
import dev.palimpsest.postgres.rmgr.RecordDescriber;
import dev.palimpsest.postgres.rmgr.RecordTypes;
import dev.palimpsest.postgres.rmgr.Rmgr;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Makes real servers write every type of record of a B-tree, and compares each page with theirs. */
class BtreeWalTest {
    /** The types that change pages. */
    private static final List<String> CHANGING = List.of(
            "INSERT_LEAF",
            "INSERT_UPPER",
            "INSERT_META",
            "SPLIT_L",
            "SPLIT_R",
            "INSERT_POST",
            "DEDUP",
            "DELETE",
            "UNLINK_PAGE",
            "UNLINK_PAGE_META",
            "NEWROOT",
            "MARK_PAGE_HALFDEAD",
            "VACUUM",
            "META_CLEANUP");

    /** The cases within a type that differ in what they do to a page. */
    private static final List<String> CASES = List.of(
            "Btree/SPLIT_L leaf",
            "Btree/SPLIT_L leaf posting",
            "Btree/SPLIT_L inner",
            "Btree/SPLIT_R leaf",
            "Btree/SPLIT_R leaf posting",
            "Btree/SPLIT_R leaf rightmost",
            "Btree/SPLIT_R inner",
            "vacuum deletes many",
            "vacuum deletes many updates",
            "delete deletes many",
            "delete deletes many updates",
            "unlink leaf",
            "unlink inner",
            "root of nothing",
            "root of two");

    /** Random and ascending keys, with nulls, several columns and included ones. */
    private static final List<String> PLAIN = List.of(
            "CREATE TABLE plain (id int PRIMARY KEY, a text, b int)",
            "CREATE INDEX ON plain (a, b) INCLUDE (id)",
            "CREATE INDEX ON plain (b DESC NULLS LAST)",
            "INSERT INTO plain SELECT i, md5(i::text), nullif(i * 7919 % 1009, 5) FROM generate_series(1, 3000) i",
            "DELETE FROM plain WHERE id % 3 = 0",
            "VACUUM (INDEX_CLEANUP ON) plain",
            "INSERT INTO plain SELECT i, md5(i::text), i % 100 FROM generate_series(10001, 11000) i",
            // Scans mark the deleted items dead; inserts then find pages full of them.
            "DELETE FROM plain WHERE id BETWEEN 1000 AND 2500",
            "SET enable_seqscan = off; SET enable_bitmapscan = off",
            "SELECT count(a) FROM plain WHERE id BETWEEN 1 AND 20000",
            "INSERT INTO plain SELECT i, md5(i::text), i % 10 FROM generate_series(1000, 2500) i",
            "RESET enable_seqscan; RESET enable_bitmapscan");

    /** Few distinct keys: posting lists are made, filled in the middle, split, cut and taken apart. */
    private static final List<String> DUPLICATES = List.of(
            "CREATE TABLE dup (id int, k int, t text)",
            "CREATE INDEX ON dup (k)",
            "CREATE INDEX ON dup (t, k)",
            "INSERT INTO dup SELECT i, i % 5, 'value ' || i % 3 FROM generate_series(1, 5000) i",
            "DELETE FROM dup WHERE id % 4 = 1",
            "VACUUM (INDEX_CLEANUP ON) dup",
            "INSERT INTO dup SELECT i, i % 5, 'value ' || i % 3 FROM generate_series(1, 2000) i",
            "DELETE FROM dup WHERE id % 7 < 3",
            "VACUUM (INDEX_CLEANUP ON) dup",
            "INSERT INTO dup SELECT i, i % 2, 'value ' || i % 2 FROM generate_series(1, 3000) i",
            // Versions of one row, in posting lists, that are deleted before a page would have to be split.
            "CREATE TABLE churn (id int PRIMARY KEY, k int, n int) WITH (fillfactor = 50)",
            "CREATE INDEX ON churn (k)",
            "CREATE INDEX ON churn (n)",
            "INSERT INTO churn SELECT i, i % 10, 0 FROM generate_series(1, 1000) i",
            "UPDATE churn SET n = n + 1",
            "UPDATE churn SET n = n + 1",
            "UPDATE churn SET n = n + 1",
            "UPDATE churn SET n = n + 1",
            "UPDATE churn SET n = n + 1",
            "UPDATE churn SET n = n + 1 WHERE id % 2 = 0",
            "UPDATE churn SET n = n + 1",
            "UPDATE churn SET n = n + 1");

    /** Keys of 1000 bytes make a high tree of few rows, of which all but one branch is then deleted. */
    private static final List<String> DELETED_PAGES = List.of(
            "CREATE TABLE wide (id int, k text)",
            "ALTER TABLE wide ALTER k SET STORAGE PLAIN",
            "CREATE INDEX ON wide (k)",
            "INSERT INTO wide SELECT i, lpad((i * 7 % 1501)::text, 1000, '0') FROM generate_series(1, 1500) i",
            "DELETE FROM wide WHERE k < lpad('1490', 1000, '0')",
            "VACUUM (INDEX_CLEANUP ON) wide",
            "SELECT txid_current()",
            "SELECT txid_current()",
            "VACUUM (INDEX_CLEANUP ON) wide",
            "SELECT txid_current()",
            "INSERT INTO wide SELECT i, lpad((i * 11 % 1501)::text, 1000, '0') FROM generate_series(1, 1000) i",
            "DELETE FROM wide WHERE k BETWEEN lpad('300', 1000, '0') AND lpad('900', 1000, '0')",
            "VACUUM (INDEX_CLEANUP ON) wide");

    @ParameterizedTest
    @ValueSource(ints = {14, 15, 16, 17, 18})
    void everyTypeLeavesThePagesAsPostgresDoes(int major) throws Exception {
        try (RecordingServer server =
                        RecordingServer.start(PostgresServer.version(major).setting("full_page_writes", "off"));
                ConsistencyReplay replay = new ConsistencyReplay(HintLogging.OFF)) {
            server.run(PLAIN);
            server.run(DUPLICATES);
            server.run(DELETED_PAGES);
            Set<String> cases = new TreeSet<>();
            LsnComparison lsns = new LsnComparison(Rmgr.BTREE, replay);
            server.read(server.flush(), record -> {
                lsns.before(record);
                replay.apply(record);
                if (record.resourceManagerId() == Rmgr.BTREE.id()) {
                    addCase(cases, record, major);
                }
            });
            RecordingServer.assertCompared(replay, Rmgr.BTREE, CHANGING);
            RecordingServer.assertWithoutPages(replay, "Btree/REUSE_PAGE");
            lsns.assertSame();
            assertThat(cases).containsAll(CASES);
        }
    }

    /** Notes which of the cases it is, and holds the record's description against its payload. */
    private static void addCase(Set<String> cases, WalRecord record, int major) throws MalformedRecordException {
        BtreeRecord typed = BtreeRecord.decode(record);
        assertThat(RecordDescriber.describe(record)).isNotBlank().isEqualTo(typed.toString());
        switch (typed) {
            case BtreeRecord.Split split ->
                cases.add(RecordTypes.nameOf(record)
                        + (split.level() == 0 ? " leaf" : " inner")
                        + (split.postingPosition() != 0 ? " posting" : "")
                        + (record.hasBlock(2) ? "" : " rightmost"));
            case BtreeRecord.Vacuum vacuum -> cases.add("vacuum" + changes(vacuum.deletions()));
            case BtreeRecord.Delete delete -> {
                cases.add("delete" + changes(delete.deletions()));
                assertThat(delete.catalog() == null).isEqualTo(major < 16);
            }
            case BtreeRecord.Unlink unlink ->
                cases.add("unlink" + (unlink.level() == 0 ? " leaf" : " inner") + (unlink.left() == 0 ? " first" : ""));
            case BtreeRecord.NewRoot root -> cases.add("root of " + (root.level() == 0 ? "nothing" : "two"));
            case BtreeRecord.ReusePage reuse -> assertThat(reuse.block()).isPositive();
            default -> {}
        }
    }

    private static String changes(BtreeRecord.Deletions deletions) {
        assertThat(deletions.deleted()).hasSize(deletions.deletedCount());
        assertThat(deletions.updated()).hasSize(deletions.updatedCount());
        int deleted = deletions.deletedCount();
        return (deleted == 0 ? "" : deleted <= 2 ? " deletes few" : " deletes many")
                + (deletions.updatedCount() == 0 ? "" : " updates");
    }
}
