package dev.palimpsest.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.redo.ConsistencyReplay;
import dev.palimpsest.postgres.redo.HintLogging;
import dev.palimpsest.postgres.rmgr.GinRecord;
import dev.palimpsest.postgres.rmgr.RecordDescriber;
import dev.palimpsest.postgres.rmgr.Rmgr;
import dev.palimpsest.postgres.wal.ImageRestorer;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Makes real servers write every type of record of a GIN index, and compares each page with theirs. */
class GinWalTest {
    /** The types that redo has to work for; {@code VACUUM_PAGE} only ever comes as an image. */
    private static final List<String> CHANGING = List.of(
            "CREATE_PTREE",
            "INSERT",
            "SPLIT",
            "DELETE_PAGE",
            "UPDATE_META_PAGE",
            "INSERT_LISTPAGE",
            "DELETE_LISTPAGE",
            "VACUUM_DATA_LEAF_PAGE");

    /** The cases within a type that differ in what they do to a page. */
    private static final List<String> CASES = List.of(
            "insert entry leaf",
            "insert entry leaf replaced",
            "insert entry inner",
            "insert data leaf segment 2",
            "insert data leaf segment 3",
            "insert data leaf segment 4",
            "insert data inner",
            "split entry leaf",
            "split entry leaf root",
            "split entry inner",
            "split entry inner root",
            "split data leaf",
            "split data leaf root",
            "vacuum data leaf segment 1",
            "vacuum data leaf segment 3",
            "meta tail",
            "meta first list",
            "meta next list",
            "meta statistics",
            "list page last",
            "list page with next",
            "list pages deleted many");

    /** Keys of 1280 bytes that cannot be compressed make a high entry tree of few rows; others are in many rows. */
    private static final List<String> ENTRIES = List.of(
            "CREATE TABLE entries (id int, k text[])",
            "CREATE INDEX ON entries USING gin (k) WITH (fastupdate = off)",
            "CREATE FUNCTION long_key(i int) RETURNS text LANGUAGE sql AS"
                    + " $$ SELECT string_agg(md5(i || ' ' || j), '') FROM generate_series(1, 40) j $$",
            "INSERT INTO entries SELECT i, array[long_key(i * 7 % 301), 'key ' || i % 9, NULL]"
                    + " FROM generate_series(1, 500) i",
            "INSERT INTO entries VALUES (0, '{}'), (0, NULL), (0, '{a,b,c}')",
            "DELETE FROM entries WHERE id % 3 = 0",
            "VACUUM (INDEX_CLEANUP ON) entries",
            "INSERT INTO entries SELECT i, array[long_key(i * 11 % 401)] FROM generate_series(1, 200) i");

    /** A posting tree that grows row by row, from a list in the entry tree on until its root is split. */
    private static final List<String> GROWING = List.of(
            "CREATE TABLE growing (id int, k int[])",
            "CREATE INDEX ON growing USING gin (k) WITH (fastupdate = on, gin_pending_list_limit = 64)",
            "INSERT INTO growing SELECT i, array[1, i % 3 + 2] FROM generate_series(1, 6000) i",
            "SELECT gin_clean_pending_list('growing_k_idx')",
            "SET wal_consistency_checking = ''",
            "INSERT INTO growing SELECT i, array[1, i % 3 + 2] FROM generate_series(1, 6000) i",
            "RESET wal_consistency_checking",
            "SELECT gin_clean_pending_list('growing_k_idx')");

    /**
     * A posting tree of full leaves, into the middle of which more is added: rows of another key give way to rows of
     * this one.
     */
    private static final List<String> FULL = List.of(
            "SET wal_consistency_checking = ''",
            "CREATE TABLE filled (id int, k int[])",
            "INSERT INTO filled SELECT i, array[(i % 3 = 0)::int] FROM generate_series(1, 60000) i",
            "CREATE INDEX ON filled USING gin (k) WITH (fastupdate = off)",
            "RESET wal_consistency_checking",
            "DELETE FROM filled WHERE id % 3 = 0 AND id < 30000",
            "VACUUM (INDEX_CLEANUP ON) filled",
            "INSERT INTO filled SELECT i, array[0] FROM generate_series(1, 3000) i",
            "INSERT INTO filled SELECT i, array[0, 1] FROM generate_series(1, 500) i",
            "ALTER INDEX filled_k_idx SET (fastupdate = on)",
            "INSERT INTO filled SELECT i, array[0, 1] FROM generate_series(1, 1000) i",
            "VACUUM (INDEX_CLEANUP ON) filled",
            "DELETE FROM filled WHERE id BETWEEN 35000 AND 58000 AND id % 7 < 5",
            "VACUUM (INDEX_CLEANUP ON) filled",
            "DELETE FROM filled WHERE id BETWEEN 1 AND 58000",
            "VACUUM (INDEX_CLEANUP ON) filled",
            "INSERT INTO filled SELECT i, array[0, 1] FROM generate_series(1, 500) i",
            "SELECT gin_clean_pending_list('filled_k_idx')");

    /** Rows with more keys than a page of the pending list has room for, and rows with few. */
    private static final List<String> PENDING = List.of(
            "CREATE TABLE pending (id int, k int[], t tsvector)",
            "CREATE INDEX ON pending USING gin (k, t) WITH (fastupdate = on)",
            "INSERT INTO pending SELECT i, array(SELECT generate_series(i, i + 1500)), to_tsvector('a b c')"
                    + " FROM generate_series(1, 8) i",
            "INSERT INTO pending SELECT i, array[i], to_tsvector('simple', 'word' || i || ' common')"
                    + " FROM generate_series(1, 500) i",
            "INSERT INTO pending SELECT i, array(SELECT generate_series(i, i + 900)), NULL"
                    + " FROM generate_series(1, 2) i",
            "VACUUM pending",
            "INSERT INTO pending VALUES (1, '{1}', 'a')");

    @ParameterizedTest
    @ValueSource(ints = {14, 15, 16, 17, 18})
    void everyTypeLeavesThePagesAsPostgresDoes(int major) throws Exception {
        try (RecordingServer server =
                        RecordingServer.start(PostgresServer.version(major).setting("full_page_writes", "off"));
                ConsistencyReplay replay = new ConsistencyReplay(HintLogging.OFF);
                ImageRestorer images = new ImageRestorer()) {
            for (List<String> commands : List.of(ENTRIES, GROWING, FULL, PENDING)) {
                server.run(commands);
            }
            Set<String> cases = new TreeSet<>();
            LsnComparison lsns = new LsnComparison(Rmgr.GIN, replay);
            server.read(server.flush(), record -> {
                lsns.before(record);
                replay.apply(record);
                if (record.resourceManagerId() == Rmgr.GIN.id()) {
                    addCase(cases, record);
                    assertDeleted(record, replay, images);
                }
            });
            RecordingServer.assertCompared(replay, Rmgr.GIN, CHANGING);
            for (String type : CHANGING) {
                assertThat(RecordingServer.counts(replay, "Gin/" + type).adopted())
                        .as(type)
                        .isZero();
            }
            ConsistencyReplay.Counts vacuum = RecordingServer.counts(replay, "Gin/VACUUM_PAGE");
            assertThat(vacuum.applied()).isPositive().isEqualTo(vacuum.records());
            assertThat(vacuum.compared()).isZero();
            lsns.assertSame();
            assertThat(cases).containsAll(CASES);
        }
    }

    /** Notes which of the cases it is, and holds the record's description against its payload. */
    private static void addCase(Set<String> cases, WalRecord record) throws MalformedRecordException {
        GinRecord typed = GinRecord.decode(record);
        assertThat(RecordDescriber.describe(record)).isEqualTo(typed.toString());
        switch (typed) {
            case GinRecord.CreatePostingTree tree -> assertThat(tree.size()).isPositive();
            case GinRecord.Insert insert -> {
                String page = "insert" + page(insert.data(), insert.leaf());
                boolean replaces = insert.change() instanceof GinRecord.EntryTuple tuple && tuple.replaces();
                cases.add(page + (replaces ? " replaced" : ""));
                addActions(cases, page, insert.change());
            }
            case GinRecord.Split split ->
                cases.add("split" + page(split.data(), split.leaf()) + (split.root() ? " root" : ""));
            case GinRecord.VacuumPage vacuum -> assertThat(vacuum.toString()).isEmpty();
            case GinRecord.DeletePage delete -> assertThat(delete.parentItem()).isPositive();
            case GinRecord.UpdateMeta update -> {
                assertThat(update.metadata().version()).isEqualTo(2);
                cases.add("meta "
                        + (update.tuples() > 0
                                ? "tail"
                                : update.previousTail() != -1
                                        ? "next list"
                                        : update.metadata().pendingPages() > 0 ? "first list" : "statistics"));
            }
            case GinRecord.InsertListPage page -> cases.add("list page " + (page.right() == -1 ? "last" : "with next"));
            case GinRecord.DeleteListPages pages ->
                cases.add("list pages deleted " + (pages.deleted() == 16 ? "many" : "few"));
            case GinRecord.VacuumDataLeaf vacuum -> addActions(cases, "vacuum data leaf", vacuum.recompression());
        }
    }

    /** The mask hides all of a page that was deleted; what still counts of it are the header and the special area. */
    private static void assertDeleted(WalRecord record, ConsistencyReplay replay, ImageRestorer images)
            throws MalformedRecordException {
        if (record.opcode() == GinRecord.DELETE_PAGE) {
            Page theirs = new Page();
            images.restore(record, 0, theirs);
            Page ours = Objects.requireNonNull(replay.page(record.blockTag(0)));
            assertThat(Arrays.mismatch(ours.bytes(), 10, 32, theirs.bytes(), 10, 32))
                    .isEqualTo(-1);
            assertThat(Arrays.mismatch(ours.bytes(), 8184, 8192, theirs.bytes(), 8184, 8192))
                    .isEqualTo(-1);
            assertThat(ours.pruneXid()).isNotZero();
        }
    }

    private static String page(boolean data, boolean leaf) {
        return (data ? " data" : " entry") + (leaf ? " leaf" : " inner");
    }

    private static void addActions(Set<String> cases, String page, GinRecord.@Nullable Change change) {
        if (change instanceof GinRecord.Recompression recompression) {
            recompression.actions().forEach(action -> cases.add(page + " segment " + action.action()));
        }
    }
}
