package dev.palimpsest.postgres.redo;

import static dev.palimpsest.postgres.Bytes.concat;
import static dev.palimpsest.postgres.Bytes.le;
import static dev.palimpsest.postgres.redo.HeapRecords.BLOCK;
import static dev.palimpsest.postgres.redo.HeapRecords.END;
import static dev.palimpsest.postgres.redo.HeapRecords.HEAP2;
import static dev.palimpsest.postgres.redo.HeapRecords.START;
import static dev.palimpsest.postgres.redo.HeapRecords.TABLE;
import static dev.palimpsest.postgres.redo.HeapRecords.XID;
import static dev.palimpsest.postgres.redo.HeapRecords.onBlock;
import static dev.palimpsest.postgres.redo.HeapRecords.record;
import static dev.palimpsest.postgres.redo.HeapRecords.withMap;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.page.HeapTuple;
import dev.palimpsest.postgres.page.LinePointer;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.page.PageLayout;
import dev.palimpsest.postgres.redo.MutatedRecords.Area;
import dev.palimpsest.postgres.rmgr.RecordDescriber;
import dev.palimpsest.postgres.wal.RecordBuilder;
import dev.palimpsest.postgres.wal.RedoException;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class Heap2RedoTest {
    private static final PostgresVersion V14 = PostgresVersion.V14;
    private static final PostgresVersion V15 = PostgresVersion.V15;
    private static final PostgresVersion V16 = PostgresVersion.V16;
    private static final PostgresVersion V17 = PostgresVersion.V17;
    private static final byte[] A = {1, 2, 3, 4, 5, 6, 7, 8};
    private static final byte[] B = {11, 12, 13, 14, 15, 16, 17, 18};

    private final PageRedo redo = new PageRedo(HintLogging.OFF);

    @AfterEach
    void close() {
        redo.close();
    }

    /** Five tuples of 32 bytes: the third and fourth begin at 8096 and 8064. */
    private static Page five() throws PageException {
        return HeapRecords.page(A, A, A, B, A);
    }

    private static byte[] body(Page page, int number) throws PageException {
        int at = page.normalItem(number, 24);
        return Arrays.copyOfRange(page.bytes(), at + 24, at + LinePointer.length(page.linePointer(number)));
    }

    private void assertPruned(WalRecord record, boolean cut) throws Exception {
        Page page = five();
        assertThat(redo.redo(page, record, 0)).isEqualTo(RedoResult.APPLIED);
        assertThat(page.linePointer(1)).isEqualTo(LinePointer.redirect(4));
        assertThat(page.linePointer(2)).isEqualTo(LinePointer.dead());
        assertThat(page.linePointer(3)).isZero();
        assertThat(body(page, 4)).isEqualTo(B);
        assertThat(LinePointer.offset(page.linePointer(4))).isEqualTo(8192 - 32);
        assertThat(page.upper()).isEqualTo(8192 - 32);
        assertThat(page.maxOffset()).isEqualTo(cut ? 4 : 5);
        assertThat(page.flags() & PageLayout.HAS_FREE_LINES).isEqualTo(PageLayout.HAS_FREE_LINES);
        assertThat(page.lsn()).isEqualTo(END);
    }

    @Test
    void pruningInEveryFormat() throws Exception {
        byte[] data = le("hhhhh", 1, 4, 2, 3, 5);
        WalRecord v14 =
                onBlock(V14, HEAP2, 0x10).data(data).main(le("ihh", 700, 1, 1)).decoded(START, END);
        assertPruned(v14, false);
        assertPruned(
                onBlock(V15, HEAP2, 0x10).data(data).main(le("ihh", 700, 1, 1)).decoded(START, END), true);
        assertPruned(
                onBlock(V16, HEAP2, 0x10)
                        .data(data)
                        .main(le("ihhb", 700, 1, 1, 0))
                        .decoded(START, END),
                true);
        byte[] combined = le("hhhhhhhh", 1, 1, 4, 1, 2, 2, 3, 5);
        WalRecord v17 = onBlock(V17, HEAP2, 0x20)
                .data(combined)
                .main(le("bbi", 1, 0xEC, 700))
                .decoded(START, END);
        assertPruned(v17, true);
        assertThat(RecordDescriber.describe(v14)).isEqualTo("snapshotConflictHorizon: 700, nredirected: 1, ndead: 1");
        assertThat(RecordDescriber.describe(v17))
                .isEqualTo("snapshotConflictHorizon: 700, isCatalogRel: F, flags: 0xEC");
    }

    @Test
    void vacuumFreesDeadLinePointersWithoutMovingTuples() throws Exception {
        for (PostgresVersion version : PostgresVersion.values()) {
            Page page = five();
            page.setLinePointer(3, LinePointer.dead());
            page.setLinePointer(5, LinePointer.dead());
            boolean combined = version.isAtLeast(V17);
            RecordBuilder builder = onBlock(version, HEAP2, combined ? 0x30 : 0x20)
                    .data(combined ? le("hhh", 2, 3, 5) : le("hh", 3, 5))
                    .main(combined ? le("bb", 2, 0x80) : le("h", 2));
            assertThat(redo.redo(page, builder.decoded(START, END), 0)).isEqualTo(RedoResult.APPLIED);
            assertThat(page.linePointer(3)).isZero();
            assertThat(page.maxOffset()).isEqualTo(4);
            assertThat(LinePointer.offset(page.linePointer(4))).isEqualTo(8192 - 4 * 32);
            assertThat(page.flags()).isEqualTo(PageLayout.ALL_VISIBLE | PageLayout.HAS_FREE_LINES);
        }
    }

    @Test
    void freezingInEveryFormat() throws Exception {
        byte[] tuples15 = concat(
                le("ihhhbb", 0, 2, 2, 0x0B00, 0x02, 0),
                le("ihhhbb", 0, 4, 2, 0x0B00, 0x02, 0),
                le("ihhhbb", 55, 5, 3, 0x0300, 0x04, 0));
        byte[] plans = concat(le("ihhbbh", 0, 2, 0x0B00, 0x02, 0, 2), le("ihhbbh", 55, 3, 0x0300, 0x04, 0, 1));
        byte[] numbers = le("hhh", 2, 4, 5);
        WalRecord[] records = {
            onBlock(V14, HEAP2, 0x30).data(tuples15).main(le("ih", 700, 3)).decoded(START, END),
            onBlock(V15, HEAP2, 0x30).data(tuples15).main(le("ih", 700, 3)).decoded(START, END),
            onBlock(V16, HEAP2, 0x30)
                    .data(concat(plans, numbers))
                    .main(le("ihb", 700, 2, 0))
                    .decoded(START, END),
            onBlock(V17, HEAP2, 0x20)
                    .data(concat(le("hh", 2, 0xABCD), plans, numbers))
                    .main(le("bb", 1, 0x10))
                    .decoded(START, END)
        };
        for (WalRecord record : records) {
            Page page = five();
            assertThat(redo.redo(page, record, 0)).isEqualTo(RedoResult.APPLIED);
            for (int number : new int[] {2, 4}) {
                int at = page.normalItem(number, 24);
                assertThat(HeapTuple.xmin(page, at)).isEqualTo(700);
                assertThat(HeapTuple.xmax(page, at)).isZero();
                assertThat(page.i32(at + HeapTuple.CID)).isEqualTo(2);
                assertThat(HeapTuple.infomask(page, at)).isEqualTo(0x0B00);
                assertThat(HeapTuple.infomask2(page, at)).isEqualTo(2);
            }
            int at = page.normalItem(5, 24);
            assertThat(HeapTuple.xmax(page, at)).isEqualTo(55);
            assertThat(page.i32(at + HeapTuple.CID)).isZero();
            assertThat(HeapTuple.infomask2(page, at)).isEqualTo(3);
            assertThat(HeapTuple.xmax(page, page.normalItem(1, 24))).isEqualTo(701);
            assertThat(page.maxOffset()).isEqualTo(5);
        }
    }

    @Test
    void pruningAndFreezingAtOnce() throws Exception {
        Page page = five();
        byte[] data = concat(le("hh", 1, 0), le("ihhbbh", 0, 2, 0x0B00, 0, 0, 1), le("hh", 1, 5), le("h", 4));
        WalRecord record =
                onBlock(V17, HEAP2, 0x20).data(data).main(le("bb", 1, 0x94)).decoded(START, END);
        redo.redo(page, record, 0);
        assertThat(page.maxOffset()).isEqualTo(4);
        assertThat(HeapTuple.infomask(page, page.normalItem(4, 24))).isEqualTo(0x0B00);
        assertThat(body(page, 4)).isEqualTo(B);
    }

    @Test
    void whatIsLeftOverOrMissingIsAnError() throws Exception {
        byte[][] data = {le("hhb", 1, 4, 0), le("h", 1), le("hhhh", 1, 4, 2, 9)};
        for (byte[] bytes : data) {
            Page page = five();
            byte[] before = page.bytes().clone();
            WalRecord record = onBlock(V14, HEAP2, 0x10)
                    .data(bytes)
                    .main(le("ihh", 700, 1, 0))
                    .decoded(START, END);
            assertThatThrownBy(() -> redo.redo(page, record, 0)).isInstanceOf(RedoException.class);
            assertThat(page.bytes()).isEqualTo(before);
        }
    }

    @Test
    void manyInsertsAtOnceAreAlignedToTwo() throws Exception {
        byte[] data = concat(
                le("hhhb", 3, 1, 0x0800, 24),
                new byte[] {0, 5, 6},
                le("hhhb", 2, 1, 0x0800, 24),
                new byte[] {0, 7},
                new byte[] {0},
                le("hhhb", 1, 1, 0x0800, 24),
                new byte[] {0});
        Page page = HeapRecords.page(A, A, A);
        page.setLinePointer(2, 0);
        WalRecord record = onBlock(V17, HEAP2, 0x50)
                .data(data)
                .main(le("bbhhhh", 1, 0, 3, 2, 4, 5))
                .decoded(START, END);
        redo.redo(page, record, 0);
        assertThat(body(page, 2)).containsExactly(5, 6);
        assertThat(body(page, 4)).containsExactly(7);
        assertThat(body(page, 5)).isEmpty();
        int at = page.normalItem(4, 24);
        assertThat(HeapTuple.xmin(page, at)).isEqualTo(XID);
        assertThat(page.tidBlock(at + HeapTuple.CTID)).isEqualTo(BLOCK);
        assertThat(page.tidOffset(at + HeapTuple.CTID)).isEqualTo(4);
        assertThat(page.flags()).isZero();
        Page fresh = new Page();
        WalRecord init = onBlock(V17, HEAP2, 0xD0)
                .willInit()
                .data(data)
                .main(le("bbh", 0x20, 0, 3))
                .decoded(START, END);
        assertThat(redo.redo(fresh, init, 0)).isEqualTo(RedoResult.INITIALIZED);
        assertThat(body(fresh, 2)).containsExactly(7);
        assertThat(fresh.maxOffset()).isEqualTo(3);
        assertThat(fresh.flags()).isEqualTo(PageLayout.ALL_VISIBLE);
        assertThat(RecordDescriber.describe(init)).isEqualTo("ntuples: 3, flags: 0x20");
        WalRecord tooMuch = onBlock(V17, HEAP2, 0xD0)
                .willInit()
                .data(data)
                .main(le("bbh", 0, 0, 2))
                .decoded(START, END);
        assertThatThrownBy(() -> redo.redo(fresh, tooMuch, 0)).hasMessageContaining("left over");
    }

    @Test
    void visibleSetsBothPages() throws Exception {
        WalRecord record = withMap(record(V17, HEAP2, 0x40), 0, 1)
                .block(1, TABLE, 32672 + 5)
                .main(le("ib", 700, 7))
                .decoded(START, END);
        Page map = new Page();
        assertThat(redo.redo(map, record, 0)).isEqualTo(RedoResult.APPLIED);
        assertThat(map.u8(25)).isEqualTo(0b1100);
        assertThat(map.lsn()).isEqualTo(END);
        assertThat(map.lower()).isEqualTo(24);
        assertThat(map.upper()).isEqualTo(8192);
        map.setLsn(8);
        assertThat(redo.redo(map, record, 0)).isEqualTo(RedoResult.UNCHANGED);
        assertThat(map.lsn()).isEqualTo(8);
        Page heap = HeapRecords.page(A);
        heap.clearFlags(PageLayout.ALL_VISIBLE);
        assertThat(redo.redo(heap, record, 1)).isEqualTo(RedoResult.APPLIED);
        assertThat(heap.flags()).isEqualTo(PageLayout.ALL_VISIBLE);
        assertThat(heap.lsn()).as("without hints in the WAL").isEqualTo(64);
        try (PageRedo logging = new PageRedo(HintLogging.ON)) {
            logging.redo(heap, record, 1);
        }
        assertThat(heap.lsn()).isEqualTo(END);
        assertThat(redo.redo(new Page(), record, 1)).isEqualTo(RedoResult.PAGE_MISSING);
        assertThat(RecordDescriber.describe(record)).isEqualTo("snapshotConflictHorizon: 700, flags: 0x07");
    }

    @Test
    void visibleOnTheWrongPageOfTheMapIsAnError() throws Exception {
        WalRecord wrong = withMap(record(V17, HEAP2, 0x40), 0, 0)
                .block(1, TABLE, 32672)
                .main(le("ib", 700, 1))
                .decoded(START, END);
        Page map = new Page();
        assertThatThrownBy(() -> redo.redo(map, wrong, 0)).hasMessageContaining("heap block 32672");
        assertThat(map.bytes()).containsOnly(0);
    }

    @Test
    void lockUpdatedLeavesChainAndCommand() throws Exception {
        Page page = HeapRecords.page(A);
        redo.redo(
                page,
                onBlock(V17, HEAP2, 0x60).main(le("ihbb", 900, 1, 0x0A, 1)).decoded(START, END),
                0);
        int at = page.normalItem(1, 24);
        assertThat(HeapTuple.xmax(page, at)).isEqualTo(900);
        assertThat(HeapTuple.infomask(page, at)).isEqualTo(0x0002 | 0x0020 | 0x0090);
        assertThat(HeapTuple.infomask2(page, at)).isEqualTo(2 | HeapTuple.HOT_UPDATED);
        assertThat(page.i32(at + HeapTuple.CID)).isEqualTo(9);
        assertThat(page.tidOffset(at + HeapTuple.CTID)).isEqualTo(99);
        Page map = HeapRecords.fullMap();
        WalRecord registered = withMap(onBlock(V17, HEAP2, 0x60).main(le("ihbb", 900, 1, 0, 1)), 1, 0)
                .decoded(START, END);
        assertThat(redo.redo(map, registered, 1)).isEqualTo(RedoResult.APPLIED);
        assertThat(map.u8(25)).isEqualTo(0x7F);
        WalRecord insert = withMap(onBlock(V17, HEAP2, 0x50).main(le("bbhh", 1, 0, 1, 1)), 1, 0)
                .decoded(END, END + 64);
        redo.redo(map, insert, 1);
        assertThat(map.u8(25)).isEqualTo(0x3F);
    }

    @Test
    void recordsWithoutPagesAreDescribed() throws Exception {
        WalRecord cid = record(V17, HEAP2, 0x70)
                .main(le("iiiiiiihhh", 1, 2, 3, 4, 1663, 5, 1259, 0, 6, 7))
                .decoded(START, END);
        assertThat(RecordDescriber.describe(cid)).isEqualTo("rel: 1663/5/1259, tid: 6/7, cmin: 2, cmax: 3, combo: 4");
        WalRecord rewrite = record(V17, HEAP2, 0)
                .main(le("iiiiiiiiii", 800, 5, 1259, 0, 36, 0, 1, 0, 0x60, 2))
                .decoded(START, END);
        assertThat(RecordDescriber.describe(rewrite)).isEqualTo("xid 800 of 5/1259; 1 mappings at 36; start 2/60");
        WalRecord page = onBlock(V17, HEAP2, 0x70).decoded(START, END);
        assertThatThrownBy(() -> redo.redo(five(), page, 0)).hasMessageContaining("changes no page");
    }

    @Test
    void mutatedRecordsAndPagesNeverHalfChangeAPage() throws Exception {
        MutatedRecords mutated = new MutatedRecords(9);
        Random random = mutated.random();
        for (int round = 0; round < 20_000; round++) {
            boolean map = round % 6 == 0;
            Page page = map ? random.nextBoolean() ? new Page() : HeapRecords.fullMap() : five();
            mutated.damage(page, new Area(10, 34), new Area(8012, 180));
            byte[] main = new byte[random.nextInt(12)];
            for (int i = 0; i < main.length; i++) {
                main[i] = (byte) (random.nextInt(3) == 0 ? random.nextInt() : random.nextInt(7) * (1 - i % 2));
            }
            byte[] data = new byte[random.nextInt(40)];
            for (int i = 0; i < data.length; i++) {
                data[i] = (byte) (random.nextInt(9) == 0 ? random.nextInt() : i % 2 == 0 ? random.nextInt(6) : 0);
            }
            RecordBuilder builder =
                    record(mutated.version(), HEAP2, random.nextInt(8) << 4).main(main);
            if (map) {
                withMap(builder, 0, 0).block(1, TABLE, random.nextInt(4) == 0 ? 32672 : BLOCK);
            } else {
                builder.block(0, TABLE, BLOCK).data(data);
            }
            mutated.check(redo, page, builder.decoded(START, END), 0);
        }
        mutated.assertBothHappened(200);
    }
}
