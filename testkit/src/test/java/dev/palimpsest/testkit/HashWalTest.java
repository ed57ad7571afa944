package dev.palimpsest.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.redo.ConsistencyReplay;
import dev.palimpsest.postgres.redo.HintLogging;
import dev.palimpsest.postgres.rmgr.HashRecord;
import dev.palimpsest.postgres.rmgr.RecordDescriber;
import dev.palimpsest.postgres.rmgr.RecordTypes;
import dev.palimpsest.postgres.rmgr.Rmgr;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Makes real servers write every type of record of a hash index, and compares each page with theirs. */
class HashWalTest {
    /** The types that change pages, but for SPLIT_PAGE, which always comes as an image. */
    private static final List<String> CHANGING = List.of(
            "INIT_META_PAGE",
            "INIT_BITMAP_PAGE",
            "INSERT",
            "ADD_OVFL_PAGE",
            "SPLIT_ALLOCATE_PAGE",
            "SPLIT_COMPLETE",
            "MOVE_PAGE_CONTENTS",
            "SQUEEZE_PAGE",
            "DELETE",
            "SPLIT_CLEANUP",
            "UPDATE_META_PAGE",
            "VACUUM_ONE_PAGE");

    /** The cases within a type that differ in what they do to a page. */
    private static final List<String> CASES = List.of(
            "an index for many",
            "init fork",
            "a free overflow page",
            "a new overflow page",
            "split",
            "split new masks new split point",
            "split new split point",
            "split of an image",
            "split page",
            "split complete",
            "move",
            "move to bucket",
            "squeeze some",
            "squeeze some to bucket",
            "squeeze some to bucket to previous",
            "squeeze some to previous",
            "squeeze none",
            "squeeze none to bucket",
            "squeeze none to bucket to previous",
            "squeeze none to previous",
            "squeeze first free",
            "delete clearing",
            "delete from bucket",
            "delete from overflow",
            "vacuum few",
            "vacuum many");

    /** Few tuples to a bucket, so that there are many splits; then much of it goes. */
    private static final List<String> SPLITS = List.of(
            "CREATE TABLE split (id int)",
            // Known to be empty: two buckets.
            "ANALYZE split",
            "CREATE INDEX ON split USING hash (id) WITH (fillfactor = 10)",
            "INSERT INTO split SELECT generate_series(1, 2500)",
            "DELETE FROM split WHERE id % 3 = 0",
            "VACUUM (INDEX_CLEANUP ON) split",
            // Many buckets from the start.
            "CREATE TABLE big (id int)",
            "INSERT INTO big SELECT generate_series(1, 300)",
            "ANALYZE big",
            "UPDATE pg_class SET reltuples = 50000 WHERE relname = 'big'",
            "CREATE INDEX ON big USING hash (id) WITH (fillfactor = 10)",
            "CREATE UNLOGGED TABLE unlogged (id int)",
            "CREATE INDEX ON unlogged USING hash (id)");

    /** One key: a bucket of many pages, with holes in it that vacuum closes. */
    private static final List<String> DUPLICATES = List.of(
            "CREATE TABLE dup (id int, k int)",
            "CREATE INDEX ON dup USING hash (k) WITH (fillfactor = 100)",
            "INSERT INTO dup SELECT i, 7 FROM generate_series(1, 4000) i",
            // The last page has tuples, those before it have none.
            "DELETE FROM dup WHERE id BETWEEN 900 AND 3800",
            "VACUUM (INDEX_CLEANUP ON) dup",
            "INSERT INTO dup SELECT i, 7 FROM generate_series(4001, 6500) i",
            "DELETE FROM dup WHERE id % 3 = 0",
            "VACUUM (INDEX_CLEANUP ON) dup",
            "DELETE FROM dup WHERE id > 200 AND id % 100 > 3",
            "VACUUM (INDEX_CLEANUP ON) dup",
            "INSERT INTO dup SELECT i, 7 FROM generate_series(1, 1500) i",
            "DELETE FROM dup",
            "VACUUM (INDEX_CLEANUP ON) dup");

    /** Scans mark items dead, and inserts that find their page full delete them. */
    private static final List<String> DEAD_ITEMS = List.of(
            "CREATE TABLE dead (id int, k int)",
            "CREATE INDEX ON dead USING hash (k)",
            "INSERT INTO dead SELECT i, 7 FROM generate_series(1, 450) i",
            "SET enable_seqscan = off; SET enable_bitmapscan = off",
            "DELETE FROM dead WHERE id BETWEEN 10 AND 11",
            "SELECT count(id) FROM dead WHERE k = 7",
            "INSERT INTO dead SELECT i, 7 FROM generate_series(1, 5) i",
            "DELETE FROM dead WHERE id BETWEEN 100 AND 300",
            "SELECT count(id) FROM dead WHERE k = 7",
            "INSERT INTO dead SELECT i, 7 FROM generate_series(100, 300) i",
            "DELETE FROM dead WHERE id BETWEEN 100 AND 300",
            "SELECT count(id) FROM dead WHERE k = 7",
            "VACUUM (INDEX_CLEANUP ON) dead",
            "RESET enable_seqscan; RESET enable_bitmapscan");

    /** After a checkpoint the old bucket of a split comes as an image, whose flags are set again. */
    private static final List<String> IMAGES = List.of(
            "ALTER SYSTEM SET full_page_writes = on",
            "SELECT pg_reload_conf()",
            "CHECKPOINT",
            "CHECKPOINT",
            "INSERT INTO split SELECT generate_series(10001, 11000)",
            "CHECKPOINT",
            "INSERT INTO split SELECT generate_series(11001, 12000)");

    @ParameterizedTest
    @ValueSource(ints = {14, 15, 16, 17, 18})
    void everyTypeLeavesThePagesAsPostgresDoes(int major) throws Exception {
        Set<String> cases = new TreeSet<>();
        try (RecordingServer server =
                        RecordingServer.start(PostgresServer.version(major).setting("full_page_writes", "off"));
                ConsistencyReplay replay = new ConsistencyReplay(HintLogging.OFF)) {
            for (List<String> commands : List.of(SPLITS, DUPLICATES, DEAD_ITEMS, IMAGES)) {
                server.run(commands);
            }
            LsnComparison lsns = new LsnComparison(Rmgr.HASH, replay);
            server.read(server.flush(), record -> {
                if (record.resourceManagerId() == Rmgr.HASH.id()) {
                    addCases(cases, record, major);
                }
                lsns.before(record);
                replay.apply(record);
            });
            RecordingServer.assertCompared(replay, Rmgr.HASH, CHANGING);
            lsns.assertSame();
        }
        List<String> expected = new ArrayList<>(CASES);
        if (major >= 17) {
            expected.add("squeeze without a page that gets tuples");
        }
        assertThat(cases).containsAll(expected);
    }

    /** Notes which of the cases it is, and holds the record's description against its payload. */
    private static void addCases(Set<String> cases, WalRecord record, int major) throws MalformedRecordException {
        HashRecord typed = HashRecord.decode(record);
        assertThat(RecordDescriber.describe(record))
                .as(RecordTypes.nameOf(record))
                .isEqualTo(typed.toString());
        switch (typed) {
            case HashRecord.InitMetaPage init -> {
                cases.add(init.tuples() > 40_000 ? "an index for many" : "an index for few");
                if (record.forkNumber(0) == 3) {
                    cases.add("init fork");
                }
            }
            case HashRecord.AddOverflowPage add ->
                cases.add(add.foundInBitmap() ? "a free overflow page" : "a new overflow page");
            case HashRecord.SplitAllocatePage split -> {
                cases.add("split" + (split.masksChange() ? " new masks" : "")
                        + (split.splitPointChanges() ? " new split point" : ""));
                if (record.hasAppliedImage(0)) {
                    cases.add("split of an image");
                }
            }
            case HashRecord.SplitPage page -> {
                assertThat(record.hasAppliedImage(0)).as("%s", page).isTrue();
                cases.add("split page");
            }
            case HashRecord.SplitComplete complete -> cases.add("split complete");
            case HashRecord.MovePageContents move -> cases.add("move" + (move.toPrimary() ? " to bucket" : ""));
            case HashRecord.SqueezePage squeeze -> {
                cases.add((squeeze.tuples() == 0 ? "squeeze none" : "squeeze some")
                        + (squeeze.toPrimary() ? " to bucket" : "")
                        + (squeeze.toPrevious() ? " to previous" : ""));
                if (record.hasBlock(6)) {
                    cases.add("squeeze first free");
                }
                if (!record.hasBlock(1)) {
                    cases.add("squeeze without a page that gets tuples");
                }
            }
            case HashRecord.Delete delete -> {
                cases.add(delete.primary() ? "delete from bucket" : "delete from overflow");
                if (delete.clearsDead()) {
                    cases.add("delete clearing");
                }
            }
            case HashRecord.VacuumOnePage vacuum -> {
                cases.add(vacuum.items().size() <= 2 ? "vacuum few" : "vacuum many");
                assertThat(vacuum.catalog() == null).isEqualTo(major < 16);
            }
            default -> assertThat(typed.toString()).isNotNull();
        }
    }
}
