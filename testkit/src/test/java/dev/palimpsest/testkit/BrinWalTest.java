package dev.palimpsest.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.redo.ConsistencyReplay;
import dev.palimpsest.postgres.redo.HintLogging;
import dev.palimpsest.postgres.rmgr.BrinRecord;
import dev.palimpsest.postgres.rmgr.RecordDescriber;
import dev.palimpsest.postgres.rmgr.RecordTypes;
import dev.palimpsest.postgres.rmgr.Rmgr;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Makes real servers write every type of record of a BRIN index, and compares each page with theirs. */
class BrinWalTest {
    /** All types there are. */
    private static final List<String> CHANGING = List.of(
            "CREATE_INDEX",
            "INSERT",
            "INSERT+INIT",
            "UPDATE",
            "UPDATE+INIT",
            "SAMEPAGE_UPDATE",
            "REVMAP_EXTEND",
            "DESUMMARIZE");

    /** The cases within a type that differ in what they do to a page. */
    private static final List<String> CASES = List.of("a second page of the range map", "insert as an item that went");

    /** Summaries that grow: replaced in place while there is room, then moved. */
    private static final List<String> GROWING = List.of(
            "CREATE TABLE grow (id int, t text) WITH (fillfactor = 10)",
            "ALTER TABLE grow ALTER t SET STORAGE PLAIN",
            "CREATE INDEX grow_t ON grow USING brin (t) WITH (pages_per_range = 1)",
            "CREATE INDEX grow_id ON grow USING brin (id) WITH (pages_per_range = 2)",
            "INSERT INTO grow SELECT i, 'b' FROM generate_series(1, 2000) i",
            "SELECT brin_summarize_new_values('grow_t'), brin_summarize_new_values('grow_id')",
            // Each range gets a tuple with a longer minimum.
            "INSERT INTO grow SELECT i, repeat('a', 200 + i % 300) FROM generate_series(1, 300) i",
            "VACUUM grow",
            "UPDATE grow SET t = repeat('c', 400) WHERE id % 15 = 0",
            "UPDATE grow SET t = repeat('d', 700), id = id * 3 WHERE id % 10 = 0",
            "VACUUM grow",
            "SELECT brin_summarize_new_values('grow_t'), brin_summarize_new_values('grow_id')",
            "SELECT brin_desummarize_range('grow_t', i) FROM generate_series(0, 60, 7) i",
            "SELECT brin_desummarize_range('grow_id', i) FROM generate_series(0, 60, 6) i",
            "SELECT brin_summarize_new_values('grow_t'), brin_summarize_new_values('grow_id')");

    /** More ranges than a page of the range map holds: summaries have to make way for the second one. */
    private static final List<String> MANY_RANGES = List.of(
            "CREATE TABLE many (id int, t text) WITH (fillfactor = 10)",
            "ALTER TABLE many ALTER t SET STORAGE PLAIN",
            "CREATE INDEX many_t ON many USING brin (t, id) WITH (pages_per_range = 1)",
            "SET wal_consistency_checking = 'brin'",
            "INSERT INTO many SELECT i, repeat('x', 700) FROM generate_series(1, 1500) i",
            "SELECT brin_summarize_new_values('many_t')",
            "RESET wal_consistency_checking",
            // The last summary of its page, whose line pointer goes; others leave theirs unused.
            "SELECT brin_desummarize_range('many_t', 1499)",
            "SELECT brin_summarize_new_values('many_t')",
            "SELECT brin_desummarize_range('many_t', 3), brin_desummarize_range('many_t', 1400)",
            "SELECT brin_summarize_new_values('many_t')");

    /** An index on rows that are there already; then images in place of changes. */
    private static final List<String> BUILT = List.of(
            "CREATE INDEX ON grow USING brin (t, id) WITH (pages_per_range = 3)",
            "ALTER SYSTEM SET full_page_writes = on",
            "SELECT pg_reload_conf()",
            "CHECKPOINT",
            "CHECKPOINT",
            "UPDATE grow SET t = repeat('f', 300) WHERE id % 20 = 1",
            "SELECT brin_desummarize_range('grow_t', i) FROM generate_series(0, 60, 5) i",
            "SELECT brin_summarize_new_values('grow_t')");

    @ParameterizedTest
    @ValueSource(ints = {14, 15, 16, 17, 18})
    void everyTypeLeavesThePagesAsPostgresDoes(int major) throws Exception {
        Set<String> cases = new TreeSet<>();
        Set<String> gone = new HashSet<>();
        try (RecordingServer server =
                        RecordingServer.start(PostgresServer.version(major).setting("full_page_writes", "off"));
                ConsistencyReplay replay = new ConsistencyReplay(HintLogging.OFF)) {
            for (List<String> commands : List.of(GROWING, MANY_RANGES, BUILT)) {
                server.run(commands);
            }
            LsnComparison lsns = new LsnComparison(Rmgr.BRIN, replay);
            server.read(server.flush(), record -> {
                if (record.resourceManagerId() == Rmgr.BRIN.id()) {
                    addCases(cases, gone, record);
                }
                lsns.before(record);
                replay.apply(record);
            });
            RecordingServer.assertCompared(replay, Rmgr.BRIN, CHANGING);
            lsns.assertSame();
        }
        assertThat(cases).containsAll(CASES);
    }

    /**
     * Notes which of the cases it is, and holds the record's description against its payload.
     *
     * @param gone the items that a range has lost
     */
    private static void addCases(Set<String> cases, Set<String> gone, WalRecord record)
            throws MalformedRecordException {
        BrinRecord typed = BrinRecord.decode(record);
        assertThat(RecordDescriber.describe(record))
                .as(RecordTypes.nameOf(record))
                .isNotBlank()
                .isEqualTo(typed.toString());
        switch (typed) {
            case BrinRecord.CreateIndex create -> assertThat(create.version()).isEqualTo(1);
            case BrinRecord.Insert insert -> {
                assertThat(insert.item()).isPositive();
                if (gone.contains(record.blockTag(0) + "/" + insert.item())) {
                    cases.add("insert as an item that went");
                }
            }
            case BrinRecord.Desummarize lost -> {
                assertThat(lost.pagesPerRange()).isPositive();
                gone.add(record.blockTag(1) + "/" + lost.item());
            }
            case BrinRecord.ExtendRangeMap extend -> {
                assertThat(record.blockNumber(1)).isEqualTo(extend.block());
                cases.add(extend.block() == 1 ? "the first page of the range map" : "a second page of the range map");
            }
            default -> assertThat(record.hasBlock(0)).isTrue();
        }
    }
}
