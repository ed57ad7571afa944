package dev.palimpsest.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.BlockTag;
import dev.palimpsest.postgres.ForkNumber;
import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageLayout;
import dev.palimpsest.postgres.redo.ConsistencyReplay;
import dev.palimpsest.postgres.redo.HintLogging;
import dev.palimpsest.postgres.redo.VisibilityClear;
import dev.palimpsest.postgres.rmgr.RecordDescriber;
import dev.palimpsest.postgres.rmgr.Rmgr;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.WalRecord;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Redo of every type of record of Heap and Heap2, from real servers, page by page against what they have. */
class HeapWalTest {
    /** Tables whose pages and visibility maps are compared with the files in the end. */
    private static final List<String> TABLES = List.of("t", "c", "f", "w");

    private static final List<String> WORKLOAD = List.of(
            "CREATE TABLE t (id int PRIMARY KEY, n int, body text) WITH (fillfactor = 70)",
            "INSERT INTO t SELECT i, i, repeat('x', i % 90) FROM generate_series(1, 5000) i",
            "CREATE TABLE c (i int)",
            "COPY c FROM PROGRAM 'seq 1 20000'",
            "VACUUM (FREEZE) c",
            "VACUUM t",
            "COPY c FROM PROGRAM 'seq 1 30'",
            "BEGIN; CREATE TABLE f (i int); COPY f FROM PROGRAM 'seq 1 5000' (FREEZE); COMMIT",
            "SELECT i FROM f WHERE i % 1000 = 0 FOR UPDATE",
            "UPDATE t SET n = n + 1 WHERE id % 4 = 0",
            "UPDATE t SET body = 'start' || body || 'end' WHERE id % 6 = 0",
            "SELECT count(*) FROM t",
            "SELECT count(*) FROM t",
            "VACUUM t",
            "UPDATE t SET id = -id, body = repeat('long', 100) WHERE id % 7 = 0",
            "UPDATE t SET body = null WHERE id % 40 = 1",
            "DELETE FROM t WHERE id BETWEEN 1000 AND 3000",
            "VACUUM t",
            "VACUUM (FREEZE) t",
            "DELETE FROM t WHERE id > 4000",
            "SELECT id FROM t WHERE id < 20 FOR KEY SHARE",
            "INSERT INTO t VALUES (1, 1, 'a'), (100001, 1, 'b') ON CONFLICT (id) DO NOTHING",
            "INSERT INTO t VALUES (1, 1, 'a'), (100002, 1, 'b') ON CONFLICT (id) DO UPDATE SET n = 5",
            "CREATE TABLE p (i int) PARTITION BY RANGE (i)",
            "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)",
            "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20)",
            "INSERT INTO p VALUES (1), (2)",
            "UPDATE p SET i = i + 10",
            "CREATE TABLE gone AS SELECT 1",
            "TRUNCATE gone",
            "BEGIN; SAVEPOINT a; UPDATE t SET n = -1 WHERE id = 2; SAVEPOINT b; SELECT FROM t WHERE id = 2 FOR UPDATE;"
                    + " ROLLBACK TO b; UPDATE t SET n = -2 WHERE id = 2; COMMIT",
            "CREATE TABLE w (id int, body text)",
            "INSERT INTO w SELECT i, repeat('y', 500) FROM generate_series(1, 300) i",
            "VACUUM w",
            "UPDATE w SET body = repeat('z', 900) WHERE id % 10 = 0",
            "DELETE FROM w WHERE id % 10 = 1",
            "VACUUM w",
            "UPDATE w SET body = repeat('z', 901) WHERE id % 50 = 0",
            "SELECT pg_create_logical_replication_slot('s', 'pgoutput')",
            "CREATE TABLE rewritten (i int)",
            "DROP TABLE rewritten",
            "VACUUM FULL pg_attribute",
            "SELECT pg_drop_replication_slot('s')");

    private static final List<String> WITH_PAGES = List.of(
            "Heap/INSERT",
            "Heap/INSERT+INIT",
            "Heap/DELETE",
            "Heap/UPDATE",
            "Heap/UPDATE+INIT",
            "Heap/HOT_UPDATE",
            "Heap/HEAP_CONFIRM",
            "Heap/LOCK",
            "Heap/INPLACE",
            "Heap2/VISIBLE",
            "Heap2/MULTI_INSERT",
            "Heap2/MULTI_INSERT+INIT",
            "Heap2/LOCK_UPDATED");

    private static final List<String> WITHOUT_PAGES = List.of("Heap/TRUNCATE", "Heap2/NEW_CID", "Heap2/REWRITE");

    @ParameterizedTest
    @ValueSource(ints = {14, 15, 16, 17, 18})
    void pagesComeOutAsPostgresMakesThem(int major) throws Exception {
        boolean hints = major % 2 == 0;
        try (RecordingServer server = RecordingServer.start(PostgresServer.version(major)
                        .setting("wal_level", "logical")
                        .setting("full_page_writes", "off")
                        .setting("wal_log_hints", hints ? "on" : "off"));
                ConsistencyReplay replay = new ConsistencyReplay(hints ? HintLogging.ON : HintLogging.OFF)) {
            server.run(WORKLOAD);
            server.run(List.of("VACUUM (FREEZE) w"));
            Workload.lockFromSeveralSessions(server.server(), "public");
            server.run(List.of("CHECKPOINT"));
            int mapReferences = 0;
            int clears = 0;
            for (WalRecord record : server.records(server.flush())) {
                assertDescribed(record);
                replay.apply(record);
                mapReferences += clearsOnReferredMaps(record);
                for (VisibilityClear clear : VisibilityClear.of(record)) {
                    Page map = replay.page(clear.mapPage());
                    clears += map != null && clear.applyTo(map) ? 1 : 0;
                }
            }
            assertReplayed(replay, major);
            if (major >= 17) {
                assertThat(mapReferences).as("clears with a block reference").isGreaterThan(50);
                assertThat(clears).as("clears without block reference").isZero();
            } else {
                assertThat(mapReferences).as("clears with a block reference").isZero();
                assertThat(clears).as("clears without block reference").isGreaterThan(50);
            }
            for (String table : TABLES) {
                assertSameAsFiles(server, replay, table);
            }
        }
    }

    private static void assertDescribed(WalRecord record) throws MalformedRecordException {
        int manager = record.resourceManagerId();
        if (manager == Rmgr.HEAP.id() || manager == Rmgr.HEAP2.id()) {
            assertThat(RecordDescriber.describe(record)).isNotBlank().doesNotContain("bytes of main data");
        }
    }

    private static int clearsOnReferredMaps(WalRecord record) {
        boolean visible = record.resourceManagerId() == Rmgr.HEAP2.id() && (record.opcode() & 0x70) == 0x40;
        boolean heap = record.resourceManagerId() == Rmgr.HEAP.id() || record.resourceManagerId() == Rmgr.HEAP2.id();
        int count = 0;
        for (int id = 0; heap && !visible && id <= record.maxBlockId(); id++) {
            if (record.hasBlock(id) && record.forkNumber(id) == ForkNumber.VISIBILITY_MAP.number()) {
                count++;
            }
        }
        return count;
    }

    private static void assertReplayed(ConsistencyReplay replay, int major) {
        RecordingServer.assertCompared(replay, WITH_PAGES);
        RecordingServer.assertCompared(
                replay,
                major >= 17
                        ? List.of("Heap2/PRUNE_ON_ACCESS", "Heap2/PRUNE_VACUUM_SCAN", "Heap2/PRUNE_VACUUM_CLEANUP")
                        : List.of("Heap2/PRUNE", "Heap2/VACUUM", "Heap2/FREEZE_PAGE"));
        WITHOUT_PAGES.forEach(type -> RecordingServer.assertWithoutPages(replay, type));
    }

    /** What no image shows: the LSN, whether a page is all-visible, and the map's bits. */
    private static void assertSameAsFiles(RecordingServer server, ConsistencyReplay replay, String table)
            throws SQLException, IOException {
        RelFileNode relation = new RelFileNode(
                1663,
                Integer.parseInt(server.one("SELECT oid FROM pg_database WHERE datname = current_database()")),
                Integer.parseInt(server.one("SELECT pg_relation_filenode('" + table + "')")));
        Path file = server.server().dataDirectory().resolve(server.one("SELECT pg_relation_filepath('" + table + "')"));
        List<Page> heap = pages(file);
        int compared = 0;
        for (int block = 0; block < heap.size(); block++) {
            Page theirs = heap.get(block);
            Page ours = replay.page(new BlockTag(relation, ForkNumber.MAIN, block));
            if (!theirs.isNew()) {
                assertThat(Objects.requireNonNull(ours).lsn())
                        .as("LSN of %s block %d", table, block)
                        .isEqualTo(theirs.lsn());
                assertThat(ours.flags() & PageLayout.ALL_VISIBLE)
                        .as("all-visible of %s block %d", table, block)
                        .isEqualTo(theirs.flags() & PageLayout.ALL_VISIBLE);
                compared++;
            }
        }
        assertThat(compared).isGreaterThan(10);
        List<Page> map = pages(file.resolveSibling(file.getFileName() + "_vm"));
        Page ours = Objects.requireNonNull(replay.page(new BlockTag(relation, ForkNumber.VISIBILITY_MAP, 0)));
        assertThat(ours.lsn())
                .as("LSN of the map of %s", table)
                .isEqualTo(map.get(0).lsn());
        assertThat(Arrays.mismatch(ours.bytes(), 24, 8192, map.get(0).bytes(), 24, 8192))
                .as("map of %s", table)
                .isEqualTo(-1);
    }

    private static List<Page> pages(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        List<Page> pages = new ArrayList<>();
        for (int at = 0; at < bytes.length; at += PageLayout.PAGE_SIZE) {
            pages.add(Page.wrap(Arrays.copyOfRange(bytes, at, at + PageLayout.PAGE_SIZE)));
        }
        return pages;
    }
}
