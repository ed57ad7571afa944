package dev.palimpsest.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.BlockTag;
import dev.palimpsest.postgres.ForkNumber;
import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.redo.ConsistencyReplay;
import dev.palimpsest.postgres.redo.HintLogging;
import dev.palimpsest.postgres.rmgr.GistRecord;
import dev.palimpsest.postgres.rmgr.RecordDescriber;
import dev.palimpsest.postgres.rmgr.Rmgr;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.WalRecord;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Makes real servers write every type of record of a GiST, and compares each page with theirs. */
class GistWalTest {
    private static final List<String> CHANGING = List.of("PAGE_UPDATE", "DELETE", "PAGE_SPLIT", "PAGE_DELETE");

    /** The cases within a type that differ in what they do to a page. */
    private static final List<String> CASES = List.of(
            "update adds",
            "update replaces",
            "update deletes",
            "update deletes many",
            "update finishes a split",
            "delete many",
            "split of the root",
            "split of a leaf",
            "split of an inner page",
            "split into two",
            "split into more");

    private static final List<String> WORKLOAD = List.of(
            "CREATE TABLE shapes (id int, place point, span int4range)",
            "CREATE INDEX shapes_place ON shapes USING gist (place)",
            "CREATE INDEX shapes_span ON shapes USING gist (span, place) INCLUDE (id)",
            "INSERT INTO shapes SELECT i, point(i * 7919 % 1009, i * 104729 % 997), int4range(i * 31 % 1000, 1000 + i"
                    + " % 7) FROM generate_series(1, 6000) i",
            "DELETE FROM shapes WHERE id % 3 = 0",
            "VACUUM (INDEX_CLEANUP ON) shapes",
            // Scans mark the deleted items dead; inserts then find pages full of them.
            "DELETE FROM shapes WHERE id BETWEEN 1000 AND 5000",
            "SET enable_seqscan = off; SET enable_bitmapscan = off",
            "SELECT count(*) FROM shapes WHERE place <@ box '(-1,-1),(2000,2000)'",
            "SELECT count(*) FROM shapes WHERE span && '[0,3000)'",
            "INSERT INTO shapes SELECT i, point(i * 7919 % 1009, i * 104729 % 997), int4range(i * 31 % 1000, 1000 + i"
                    + " % 7) FROM generate_series(1, 5000) i",
            "RESET enable_seqscan; RESET enable_bitmapscan",
            // Leaves with one to many tuples make a high tree of few rows, and some splits into more than two pages.
            "CREATE TABLE wide (id int, place point, body text)",
            "ALTER TABLE wide ALTER body SET STORAGE PLAIN",
            "CREATE INDEX wide_place ON wide USING gist (place) INCLUDE (body)",
            "INSERT INTO wide SELECT i, point(i * 7919 % 1009, i * 104729 % 997), repeat('x', (i * 31 % 4) * (i * 17 %"
                    + " 2000)) FROM generate_series(1, 1500) i",
            "DELETE FROM wide WHERE id > 100",
            "VACUUM (INDEX_CLEANUP ON) wide",
            "SELECT txid_current()",
            "SELECT txid_current()",
            "DELETE FROM wide WHERE id > 90",
            "VACUUM (INDEX_CLEANUP ON) wide",
            "SELECT txid_current()",
            "INSERT INTO wide SELECT i, point(i * 7919 % 1009, i * 104729 % 997), repeat('x', i * 17 % 2000)"
                    + " FROM generate_series(1, 300) i");

    /** Without WAL for pages, splits still need positions in it that differ. */
    private static final List<String> SKIPPED = List.of(
            "BEGIN; CREATE TABLE skipped (place point); CREATE INDEX ON skipped USING gist (place); INSERT INTO"
                    + " skipped SELECT point(i * 7919 % 1009, i * 104729 % 997) FROM generate_series(1, 2000) i; COMMIT",
            "CHECKPOINT",
            "INSERT INTO skipped SELECT point(i * 7919 % 1009, i * 104729 % 997) FROM generate_series(1, 2000) i",
            "CHECKPOINT",
            "DELETE FROM skipped WHERE place[0] < 500",
            "VACUUM (INDEX_CLEANUP ON) skipped");

    @ParameterizedTest
    @ValueSource(ints = {14, 15, 16, 17, 18})
    void everyTypeLeavesThePagesAsPostgresDoes(int major) throws Exception {
        try (RecordingServer server =
                        RecordingServer.start(PostgresServer.version(major).setting("full_page_writes", "off"));
                ConsistencyReplay replay = new ConsistencyReplay(HintLogging.OFF)) {
            server.run(WORKLOAD);
            Set<String> cases = new TreeSet<>();
            LsnComparison lsns = new LsnComparison(Rmgr.GIST, replay);
            server.read(server.flush(), record -> {
                lsns.before(record);
                replay.apply(record);
                addCase(cases, record, major);
            });
            lsns.assertSame();
            RecordingServer.assertCompared(replay, Rmgr.GIST, CHANGING);
            RecordingServer.assertWithoutPages(replay, "Gist/PAGE_REUSE");
            assertThat(cases).containsAll(CASES);
            server.run(List.of("CHECKPOINT"));
            int pages = 0;
            for (String index : List.of("shapes_place", "shapes_span", "wide_place")) {
                pages += assertSpecialAreasAreTheServers(server, index, replay);
            }
            assertThat(pages).isGreaterThan(300);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 15, 16, 17, 18})
    void positionsAreAssignedWhereThereIsNoOtherWal(int major) throws Exception {
        try (RecordingServer server = RecordingServer.start(PostgresServer.version(major)
                        .setting("wal_level", "minimal")
                        .setting("max_wal_senders", "0"));
                ConsistencyReplay replay = new ConsistencyReplay(HintLogging.OFF)) {
            server.run(SKIPPED);
            Set<String> cases = new TreeSet<>();
            LsnComparison lsns = new LsnComparison(Rmgr.GIST, replay);
            server.read(server.flush(), record -> {
                lsns.before(record);
                replay.apply(record);
                addCase(cases, record, major);
            });
            lsns.assertSame();
            RecordingServer.assertWithoutPages(replay, "Gist/ASSIGN_LSN");
            RecordingServer.assertCompared(replay, Rmgr.GIST, List.of("PAGE_UPDATE", "PAGE_SPLIT"));
            assertThat(cases).contains("page restored");
        }
    }

    /** Notes which of the cases it is, and holds the record's description against its payload. */
    private static void addCase(Set<String> cases, WalRecord record, int major) throws MalformedRecordException {
        if (record.resourceManagerId() != Rmgr.GIST.id()) {
            return;
        }
        GistRecord typed = GistRecord.decode(record);
        assertThat(RecordDescriber.describe(record)).isEqualTo(typed.toString());
        if (record.hasBlock(0) && record.hasAppliedImage(0)) {
            cases.add("page restored");
        }
        switch (typed) {
            case GistRecord.PageUpdate update -> {
                int deleted = update.deletedCount();
                int inserted = update.insertedCount();
                cases.add("update"
                        + (deleted == 1 && inserted == 1
                                ? " replaces"
                                : (deleted == 0 ? "" : deleted <= 2 ? " deletes" : " deletes many")
                                        + (inserted == 0 ? "" : " adds")));
                if (record.hasBlock(1)) {
                    cases.add("update finishes a split");
                }
            }
            case GistRecord.Delete delete -> {
                cases.add(delete.deleted().size() > 2 ? "delete many" : "delete few");
                assertThat(delete.catalog() == null).isEqualTo(major < 16);
            }
            case GistRecord.PageSplit split -> {
                cases.add("split into " + (split.pages() == 2 ? "two" : "more"));
                cases.add("split of "
                        + (record.blockNumber(1) == 0 ? "the root" : split.leaf() ? "a leaf" : "an inner page"));
                assertThat(record.hasBlock(split.pages() + 1)).isFalse();
            }
            case GistRecord.PageReuse reuse -> assertThat(reuse.block()).isPositive();
            case GistRecord.PageDelete delete -> assertThat(delete.downlink()).isPositive();
            case GistRecord.AssignLsn assign -> assertThat(record.blockCount()).isZero();
        }
    }

    /**
     * What the mask hides is right too: the node sequence numbers and whether to follow right, as the server has them
     * on disk. Returns the number of pages.
     */
    private static int assertSpecialAreasAreTheServers(RecordingServer server, String index, ConsistencyReplay replay)
            throws SQLException, IOException, PageException {
        String path = server.one("SELECT pg_relation_filepath('" + index + "')");
        String[] parts = path.split("/", -1);
        RelFileNode relation = new RelFileNode(1663, Integer.parseInt(parts[1]), Integer.parseInt(parts[2]));
        byte[] file = Files.readAllBytes(server.server().dataDirectory().resolve(Path.of(path)));
        int compared = 0;
        for (int block = 0; block < file.length / 8192; block++) {
            Page theirs = Page.wrap(Arrays.copyOfRange(file, block * 8192, (block + 1) * 8192));
            Page ours = Objects.requireNonNull(replay.page(new BlockTag(relation, ForkNumber.MAIN, block)));
            for (Page page : List.of(theirs, ours)) {
                // Hints: garbage, and that tuples were deleted.
                page.putU16(8188, page.u16(8188) & ~0x14);
            }
            assertThat(Arrays.copyOfRange(ours.bytes(), 8176, 8192))
                    .as("special area of block %d of %s", block, index)
                    .isEqualTo(Arrays.copyOfRange(theirs.bytes(), 8176, 8192));
            compared++;
        }
        return compared;
    }
}
