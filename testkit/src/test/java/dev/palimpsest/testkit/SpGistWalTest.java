package dev.palimpsest.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.redo.ConsistencyReplay;
import dev.palimpsest.postgres.redo.HintLogging;
import dev.palimpsest.postgres.rmgr.RecordDescriber;
import dev.palimpsest.postgres.rmgr.Rmgr;
import dev.palimpsest.postgres.rmgr.SpGistRecord;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Makes real servers write every type of record of an SP-GiST, and compares each page with theirs. */
class SpGistWalTest {
    private static final List<String> CHANGING = List.of(
            "ADD_LEAF",
            "MOVE_LEAFS",
            "ADD_NODE",
            "SPLIT_TUPLE",
            "PICKSPLIT",
            "VACUUM_LEAF",
            "VACUUM_ROOT",
            "VACUUM_REDIRECT");

    /** The cases within a type that differ in what they do to a page. */
    private static final List<String> CASES = List.of(
            "leaf of a chain",
            "leaf on a new page",
            "leaf with nulls",
            "leaf below a parent",
            "leaf in place of a dead one",
            "move to a new page",
            "move to an old page",
            "node in place",
            "node on another page",
            "tuple split on one page",
            "tuple split over two",
            "pick split of the root",
            "pick split below a parent elsewhere",
            "pick split below a parent beside",
            "pick split with a destination",
            "vacuum makes dead",
            "vacuum makes placeholders",
            "vacuum moves",
            "vacuum chains",
            "redirections given up",
            "placeholders cut off");

    private static final List<String> WORKLOAD = List.of(
            // Vacuum of a root that is a leaf.
            "CREATE TABLE small (place point)",
            "CREATE INDEX ON small USING spgist (place)",
            "INSERT INTO small SELECT point(i, i) FROM generate_series(1, 50) i",
            "INSERT INTO small SELECT NULL FROM generate_series(1, 50) i",
            "DELETE FROM small WHERE place IS NULL OR place[0] < 20",
            "VACUUM (INDEX_CLEANUP ON) small",
            // Texts with common prefixes, of all lengths: nodes are added and prefixes split.
            "CREATE TABLE words (id int, word text)",
            "CREATE INDEX ON words USING spgist (word)",
            "INSERT INTO words SELECT i, repeat('same prefix ', i % 20) || md5((i * 7)::text) FROM generate_series(1,"
                    + " 6000) i",
            "INSERT INTO words SELECT i, repeat('q', 200 - i % 200) || chr(65 + i % 50) || repeat(chr(97 + i % 26),"
                    + " 100) FROM generate_series(1, 4000) i",
            "INSERT INTO words SELECT i, repeat(chr(200 + i % 300), 1 + i % 60) || i FROM generate_series(1, 5000) i",
            "DELETE FROM words WHERE id % 3 <> 0",
            "VACUUM (INDEX_CLEANUP ON) words",
            "SELECT txid_current()",
            "INSERT INTO words SELECT i, repeat('same prefix ', i % 20) || md5((i * 7)::text) FROM generate_series(1,"
                    + " 3000) i",
            "DELETE FROM words WHERE id > 100",
            "VACUUM (INDEX_CLEANUP ON) words",
            "SELECT txid_current()",
            "VACUUM (INDEX_CLEANUP ON) words",
            // Two ways to divide the plane, with nulls.
            "CREATE TABLE spots (id int, place point)",
            "CREATE INDEX ON spots USING spgist (place)",
            "CREATE INDEX ON spots USING spgist (place kd_point_ops)",
            "INSERT INTO spots SELECT i, CASE WHEN i % 10 > 0 THEN point(i * 7919 % 1009, i * 104729 % 997) END"
                    + " FROM generate_series(1, 6000) i",
            "DELETE FROM spots WHERE id % 7 < 5",
            "VACUUM (INDEX_CLEANUP ON) spots",
            "INSERT INTO spots SELECT i, point(i * 7919 % 1009, i * 104729 % 997) FROM generate_series(1, 6000) i",
            "DELETE FROM spots WHERE id % 1000 > 5",
            "VACUUM (INDEX_CLEANUP ON) spots",
            "INSERT INTO spots SELECT i, point(i * 7919 % 1009, i * 104729 % 997) FROM generate_series(1, 6000) i",
            "SELECT txid_current()",
            "VACUUM (INDEX_CLEANUP ON) spots");

    @ParameterizedTest
    @ValueSource(ints = {14, 15, 16, 17, 18})
    void everyTypeLeavesThePagesAsPostgresDoes(int major) throws Exception {
        try (RecordingServer server = RecordingServer.start(
                        PostgresServer.version(major).setting("full_page_writes", major % 2 == 0 ? "off" : "on"));
                ConsistencyReplay replay = new ConsistencyReplay(HintLogging.OFF)) {
            server.run(WORKLOAD);
            Set<String> cases = new TreeSet<>();
            LsnComparison lsns = new LsnComparison(Rmgr.SPGIST, replay);
            server.read(server.flush(), record -> {
                lsns.before(record);
                replay.apply(record);
                addCase(cases, record, major);
            });
            lsns.assertSame();
            RecordingServer.assertCompared(replay, Rmgr.SPGIST, CHANGING);
            assertThat(cases).containsAll(CASES);
        }
    }

    /** Notes which of the cases it is, and holds the record's description against its payload. */
    private static void addCase(Set<String> cases, WalRecord record, int major) throws MalformedRecordException {
        if (record.resourceManagerId() != Rmgr.SPGIST.id()) {
            return;
        }
        SpGistRecord typed = SpGistRecord.decode(record);
        assertThat(RecordDescriber.describe(record)).isNotBlank().isEqualTo(typed.toString());
        switch (typed) {
            case SpGistRecord.AddLeaf leaf -> {
                note(cases, leaf.head() != 0 && leaf.head() != leaf.item(), "leaf of a chain");
                note(cases, leaf.newPage(), "leaf on a new page");
                note(cases, leaf.nulls(), "leaf with nulls");
                note(cases, record.hasBlock(1), "leaf below a parent");
                note(cases, leaf.head() == leaf.item(), "leaf in place of a dead one");
            }
            case SpGistRecord.MoveLeafs move -> {
                cases.add("move to " + (move.newPage() ? "a new page" : "an old page"));
                note(cases, move.replacesDead(), "move of a dead one");
            }
            case SpGistRecord.AddNode node -> {
                cases.add(record.hasBlock(1) ? "node on another page" : "node in place");
                cases.add("node with its parent at " + node.parentBlockId());
            }
            case SpGistRecord.SplitTuple split ->
                cases.add(split.samePage() ? "tuple split on one page" : "tuple split over two");
            case SpGistRecord.PickSplit split -> {
                note(cases, split.rootSplit(), "pick split of the root");
                note(cases, record.hasBlock(3), "pick split below a parent elsewhere");
                note(cases, split.innerIsParent(), "pick split below a parent beside");
                note(cases, record.hasBlock(1), "pick split with a destination");
            }
            case SpGistRecord.VacuumLeaf vacuum -> {
                note(cases, vacuum.dead() > 0, "vacuum makes dead");
                note(cases, vacuum.placeholders() > 0, "vacuum makes placeholders");
                note(cases, vacuum.moved() > 0, "vacuum moves");
                note(cases, vacuum.chained() > 0, "vacuum chains");
            }
            case SpGistRecord.VacuumRoot vacuum ->
                assertThat(vacuum.deleted()).isNotEmpty().isSorted();
            case SpGistRecord.VacuumRedirect vacuum -> {
                note(cases, !vacuum.redirects().isEmpty(), "redirections given up");
                note(cases, vacuum.firstPlaceholder() != 0, "placeholders cut off");
                assertThat(vacuum.catalog() == null).isEqualTo(major < 16);
            }
        }
    }

    private static void note(Set<String> cases, boolean is, String name) {
        if (is) {
            cases.add(name);
        }
    }
}
