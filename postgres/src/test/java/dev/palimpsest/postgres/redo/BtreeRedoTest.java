package dev.palimpsest.postgres.redo;

import static dev.palimpsest.postgres.Bytes.concat;
import static dev.palimpsest.postgres.Bytes.i32s;
import static dev.palimpsest.postgres.Bytes.u16s;
import static dev.palimpsest.postgres.redo.IndexChange.END;
import static dev.palimpsest.postgres.redo.IndexChange.INDEX;
import static dev.palimpsest.postgres.redo.IndexChange.START;
import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.page.LinePointer;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.page.PageLayout;
import dev.palimpsest.postgres.redo.MutatedRecords.Area;
import dev.palimpsest.postgres.rmgr.BtreeRecord;
import dev.palimpsest.postgres.rmgr.Rmgr;
import dev.palimpsest.postgres.wal.RecordBuilder;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class BtreeRedoTest {
    private static final int PREVIOUS = 8176;
    private static final int NEXT = 8180;
    private static final int LEVEL = 8184;
    private static final int FLAGS = 8188;
    private static final int CYCLE = 8190;

    private final IndexRedo index = new IndexRedo();
    private final PageRedo redo = index.redo();
    private final Page page = index.page();

    @AfterEach
    void close() {
        index.close();
    }

    /** The record refers to blocks 10 to 14. */
    private static IndexChange change(int opcode, int blockId, boolean init, byte[] main, byte[] data) {
        return new IndexChange(Rmgr.BTREE, 10, 5, opcode, blockId, init, main, data);
    }

    @Test
    void anInsertMovesTheItemsBehindIt() throws Exception {
        leaf(0, tuple(10, 1, 1), tuple(30, 1, 3));
        index.apply(change(BtreeRecord.INSERT_LEAF, 0, false, u16s(2), tuple(20, 1, 2)));
        assertThat(items()).containsExactly("10 1/1", "20 1/2", "30 1/3");
        assertThat(page.lsn()).isEqualTo(END);
    }

    @Test
    void anInsertAboveFinishesTheSplitOfTheChild() throws Exception {
        inner(tuple(10, 1, 0), tuple(30, 2, 0));
        index.apply(change(BtreeRecord.INSERT_UPPER, 0, false, u16s(2), tuple(20, 3, 1)));
        assertThat(items()).containsExactly("10 1/0", "20 3/1", "30 2/0");
        leaf(0);
        page.putU16(FLAGS, 0x81);
        index.apply(change(BtreeRecord.INSERT_UPPER, 1, false, u16s(2), new byte[0]));
        assertThat(page.u16(FLAGS)).isEqualTo(0x01);
        index.apply(change(BtreeRecord.INSERT_META, 2, true, u16s(2), meta()));
        assertMeta();
    }

    @Test
    void anInsertIntoAPostingListSwapsWithItsLast() throws Exception {
        leaf(0, posting(5, 101, 105, 109), tuple(6, 1, 1));
        byte[] data = concat(u16s(1), tuple(5, 1, 3));
        index.apply(change(BtreeRecord.INSERT_POST, 0, false, u16s(2), data));
        assertThat(items()).containsExactly("5 [101, 103, 105]", "5 1/9", "6 1/1");
        for (int position : new int[] {0, 3, 4}) {
            index.assertRefused(
                    change(BtreeRecord.INSERT_POST, 0, false, u16s(2), concat(u16s(position), tuple(5, 1, 4))),
                    "cannot be split");
        }
        index.assertRefused(change(BtreeRecord.INSERT_POST, 0, false, u16s(4), data), "item 3 has no posting list");
        index.assertRefused(change(BtreeRecord.INSERT_POST, 0, false, u16s(1), data), "no line pointer 0");
    }

    @Test
    void theLeftOfASplitKeepsWhatComesBefore() throws Exception {
        for (int newItem = 2; newItem <= 4; newItem++) {
            leaf(7, tuple(99, 0, 0), tuple(10, 1, 1), tuple(20, 1, 2), tuple(30, 1, 3));
            page.putU16(FLAGS, 0x43);
            page.putU16(CYCLE, 77);
            byte[] data = concat(tuple(15, 2, 2), tuple(30, 0, 0));
            index.apply(change(BtreeRecord.SPLIT_L, 0, false, split(0, 4, newItem, 0), data));
            List<String> expected = new ArrayList<>(List.of("30 0/0", "10 1/1", "20 1/2"));
            expected.add(newItem - 1, "15 2/2");
            assertThat(items()).isEqualTo(expected);
            assertThat(page.u16(FLAGS)).isEqualTo(0x81);
            assertThat(page.u16(CYCLE)).isZero();
            assertThat(page.i32(NEXT)).isEqualTo(11);
            assertThat(page.i32(PREVIOUS)).isEqualTo(3);
        }
        leaf(0, tuple(10, 1, 1), tuple(20, 1, 2));
        index.apply(change(BtreeRecord.SPLIT_R, 0, false, split(0, 2, 2, 0), tuple(20, 0, 0)));
        assertThat(items()).containsExactly("20 0/0", "10 1/1");
    }

    @Test
    void aSplitPutsTheNewItemIntoThePostingListBeforeIt() throws Exception {
        leaf(0, tuple(1, 1, 1), posting(5, 201, 205, 65536 * 100 + 9), tuple(9, 1, 1));
        byte[] data = concat(tuple(5, 2, 3), tuple(9, 0, 0));
        index.apply(change(BtreeRecord.SPLIT_L, 0, false, split(0, 3, 3, 2), data));
        assertThat(items()).containsExactly("9 0/0", "1 1/1", "5 [201, 205, 203]", "5 65536/9");

        leaf(0, tuple(1, 1, 1), posting(5, 201, 205, 209), tuple(9, 1, 1));
        index.apply(change(BtreeRecord.SPLIT_R, 0, false, split(0, 3, 3, 1), data));
        assertThat(items()).containsExactly("9 0/0", "1 1/1", "5 [201, 203, 205]");

        leaf(0, tuple(1, 1, 1), posting(5, 201, 205, 209), tuple(9, 1, 1));
        index.assertRefused(change(BtreeRecord.SPLIT_R, 0, false, split(0, 2, 3, 1), data), "not one of 1 to 1");
        index.assertRefused(
                change(BtreeRecord.SPLIT_L, 0, false, split(0, 3, 4, 0), data), "the new item is to be number");
        index.assertRefused(change(BtreeRecord.SPLIT_R, 0, false, split(0, 3, 3, 0), data), "where there are");
        index.assertRefused(change(BtreeRecord.SPLIT_R, 0, false, split(1, 3, 3, 1), data), "no live inner page");
    }

    @Test
    void theOtherPagesOfASplit() throws Exception {
        byte[] items = concat(tuple(30, 1, 3), posting(20, 1, 2), tuple(10, 1, 1));
        index.apply(change(BtreeRecord.SPLIT_R, 1, true, split(0, 3, 3, 0), items));
        assertThat(items()).containsExactly("10 1/1", "20 [1, 2]", "30 1/3");
        assertThat(page.upper()).isEqualTo(8176 - items.length);
        assertThat(LinePointer.length(page.linePointer(2))).isEqualTo(32);
        assertThat(page.i32(PREVIOUS)).isEqualTo(10);
        assertThat(page.i32(NEXT)).isEqualTo(12);
        assertThat(page.u16(FLAGS)).isEqualTo(1);
        index.apply(change(BtreeRecord.SPLIT_R, 1, true, split(2, 3, 3, 0), items));
        assertThat(page.i32(LEVEL)).isEqualTo(2);
        assertThat(page.u16(FLAGS)).isZero();

        WalRecord rightmost = new RecordBuilder(PostgresVersion.V16, Rmgr.BTREE.id(), BtreeRecord.SPLIT_R)
                .main(split(0, 3, 3, 0))
                .block(0, INDEX, 10)
                .block(1, INDEX, 11)
                .willInit()
                .data(items)
                .decoded(START, END);
        redo.redo(page, rightmost, 1);
        assertThat(page.i32(NEXT)).isZero();

        index.apply(change(BtreeRecord.SPLIT_L, 2, false, split(0, 3, 3, 0), new byte[0]));
        assertThat(page.i32(PREVIOUS)).isEqualTo(11);
        page.putU16(FLAGS, 0xC1);
        index.apply(change(BtreeRecord.SPLIT_L, 3, false, split(1, 3, 3, 0), new byte[0]));
        assertThat(page.u16(FLAGS)).isEqualTo(0x41);
        index.assertRefused(change(BtreeRecord.SPLIT_L, 3, false, split(0, 3, 3, 0), new byte[0]), "does not change");
    }

    @Test
    void deduplicationMergesItemsAndPostingLists() throws Exception {
        leaf(
                7,
                tuple(99, 0, 0),
                tuple(1, 1, 1),
                tuple(5, 2, 1),
                posting(5, 202, 300),
                tuple(5, 4, 4),
                tuple(6, 1, 1),
                posting(7, 101, 102),
                tuple(7, 1, 3));
        page.putU16(FLAGS, 0x41);
        index.apply(change(BtreeRecord.DEDUP, 0, false, u16s(2), u16s(3, 3, 7, 2)));
        assertThat(items()).containsExactly("99 0/0", "1 1/1", "5 [201, 202, 300, 404]", "6 1/1", "7 [101, 102, 103]");
        assertThat(page.u16(FLAGS)).isEqualTo(1);
        assertThat(page.i32(NEXT)).isEqualTo(7);
        assertThat(LinePointer.length(page.linePointer(3))).isEqualTo(40);
        assertThat(page.i64(page.normalItem(5, 40) + 32) >>> 16).as("padding").isZero();
        index.assertRefused(change(BtreeRecord.DEDUP, 0, false, u16s(1), u16s(2, 1)), "an interval of 1");
        index.assertRefused(change(BtreeRecord.DEDUP, 0, false, u16s(1), u16s(4, 3)), "an interval of 3");
        index.assertRefused(change(BtreeRecord.DEDUP, 0, false, u16s(2), u16s(2, 3, 3, 2)), "interval 2 of 2");
        index.assertRefused(change(BtreeRecord.DEDUP, 0, false, u16s(2), u16s(2, 3)), "2 intervals");
    }

    @Test
    void vacuumDeletesItemsAndCutsPostingLists() throws Exception {
        byte[] data = u16s(1, 3, 6, 2, 4, /* item 2 */ 1, 1, /* item 4 */ 2, 0, 1);
        for (PostgresVersion version : PostgresVersion.values()) {
            leaf(
                    0,
                    tuple(1, 1, 1),
                    posting(2, 101, 102, 103),
                    tuple(3, 1, 1),
                    posting(4, 101, 102, 103),
                    tuple(5, 1, 1),
                    tuple(6, 1, 1));
            page.putU16(FLAGS, 0x43);
            page.putU16(CYCLE, 77);
            byte[] before = page.bytes().clone();
            IndexChange vacuum = change(BtreeRecord.VACUUM, 0, false, u16s(3, 2), data);
            redo.redo(page, vacuum.record(version), 0);
            assertThat(items()).containsExactly("2 [101, 103]", "4 1/3", "5 1/1");
            assertThat(page.u16(FLAGS)).isEqualTo(3);
            assertThat(page.u16(CYCLE)).as("%s", version).isEqualTo(version == PostgresVersion.V18 ? 0 : 77);
            assertThat(page.upper()).isEqualTo(8176 - 32 - 16 - 16);

            System.arraycopy(before, 0, page.bytes(), 0, before.length);
            byte[] main = version.isAtLeast(PostgresVersion.V16) ? new byte[9] : new byte[8];
            LittleEndian.putU16(main, 4, 3);
            LittleEndian.putU16(main, 6, 2);
            redo.redo(page, change(BtreeRecord.DELETE, 0, false, main, data).record(version), 0);
            assertThat(items()).containsExactly("2 [101, 103]", "4 1/3", "5 1/1");
            assertThat(page.u16(FLAGS)).isEqualTo(3);
            assertThat(page.u16(CYCLE)).isEqualTo(77);
        }
        leaf(0, tuple(1, 1, 1), posting(2, 101, 102, 103));
        int[][] bad = {{2, 3, 0, 1, 2}, {2, 0}, {2, 1, 3}, {2, 2, 1, 0}, {2, 2, 1, 1}, {2, 1}, {1, 1, 0}, {2, 1, 0, 9}};
        for (int[] update : bad) {
            index.assertRefused(change(BtreeRecord.VACUUM, 0, false, u16s(0, 1), u16s(update)), "Btree/VACUUM");
        }
        index.assertRefused(change(BtreeRecord.VACUUM, 0, false, u16s(1, 0), u16s(3)), "no line pointer 3");
    }

    @Test
    void aLeafLosesItsParent() throws Exception {
        inner(tuple(1, 0x30001, 0), tuple(2, 0x40002, 0x1002), tuple(3, 0x50003, 1));
        byte[] main = i32s(2, 20, 21, 22, 23);
        index.apply(change(BtreeRecord.MARK_PAGE_HALFDEAD, 1, false, main, new byte[0]));
        assertThat(items()).containsExactly("1 " + 0x30001 + "/0", "2 " + 0x50003 + "/" + 0x1002);
        index.assertRefused(
                change(BtreeRecord.MARK_PAGE_HALFDEAD, 1, false, main, new byte[0]), "there is no line pointer 3");
        index.apply(change(BtreeRecord.MARK_PAGE_HALFDEAD, 0, true, main, new byte[0]));
        assertHalfDead(21, 22, 23);
    }

    private void assertHalfDead(int previous, int next, int topParent) throws PageException {
        assertThat(page.u16(FLAGS)).isEqualTo(0x11);
        assertThat(page.i32(PREVIOUS)).isEqualTo(previous);
        assertThat(page.i32(NEXT)).isEqualTo(next);
        assertThat(page.i32(LEVEL)).isZero();
        assertThat(page.maxOffset()).isEqualTo(1);
        int at = page.normalItem(1, 8);
        assertThat(LinePointer.length(page.linePointer(1))).isEqualTo(8);
        assertThat(page.tidBlock(at)).isEqualTo(topParent);
        assertThat(page.tidOffset(at)).isZero();
        assertThat(page.u16(at + 6)).isEqualTo(0x2008);
    }

    @Test
    void aPageLeavesTheTree() throws Exception {
        byte[] main = i32s(31, 32, 0, -1, 7, 1, 33, 34, 35);
        index.apply(change(BtreeRecord.UNLINK_PAGE, 0, true, main, new byte[0]));
        assertThat(page.u16(FLAGS)).isEqualTo(0x105);
        assertThat(page.i32(PREVIOUS)).isEqualTo(31);
        assertThat(page.i32(NEXT)).isEqualTo(32);
        assertThat(page.lower()).isEqualTo(32);
        assertThat(page.upper()).isEqualTo(8176);
        assertThat(page.i64(24)).isEqualTo(0x1_0000_0007L);
        byte[] upper = i32s(31, 32, 2, -1, 7, 1, 33, 34, 35);
        index.apply(change(BtreeRecord.UNLINK_PAGE, 0, true, upper, new byte[0]));
        assertThat(page.u16(FLAGS)).isEqualTo(0x104);
        assertThat(page.i32(LEVEL)).isEqualTo(2);

        leaf(50, tuple(1, 1, 1));
        index.apply(change(BtreeRecord.UNLINK_PAGE, 1, false, main, new byte[0]));
        assertThat(page.i32(NEXT)).isEqualTo(32);
        assertThat(page.i32(PREVIOUS)).isEqualTo(3);
        leaf(50, tuple(1, 1, 1));
        index.apply(change(BtreeRecord.UNLINK_PAGE, 2, false, main, new byte[0]));
        assertThat(page.i32(NEXT)).isEqualTo(50);
        assertThat(page.i32(PREVIOUS)).isEqualTo(31);
        index.apply(change(BtreeRecord.UNLINK_PAGE, 3, true, upper, new byte[0]));
        assertHalfDead(33, 34, 35);
        index.apply(change(BtreeRecord.UNLINK_PAGE_META, 4, true, upper, meta()));
        assertMeta();
        index.assertRefused(
                change(BtreeRecord.UNLINK_PAGE, 4, true, upper, meta()), "does not change block reference 4");
    }

    @Test
    void theTreeGetsARoot() throws Exception {
        index.apply(change(BtreeRecord.NEWROOT, 0, true, i32s(10, 0), new byte[0]));
        assertThat(page.u16(FLAGS)).isEqualTo(3);
        assertThat(page.maxOffset()).isZero();
        index.apply(change(BtreeRecord.NEWROOT, 0, true, i32s(10, 1), concat(tuple(9, 2, 1), tuple(0, 1, 0))));
        assertThat(page.u16(FLAGS)).isEqualTo(2);
        assertThat(page.i32(LEVEL)).isEqualTo(1);
        assertThat(items()).containsExactly("0 1/0", "9 2/1");
        leaf(0);
        page.putU16(FLAGS, 0x81);
        index.apply(change(BtreeRecord.NEWROOT, 1, false, i32s(10, 1), new byte[0]));
        assertThat(page.u16(FLAGS)).isEqualTo(1);
        index.apply(change(BtreeRecord.NEWROOT, 2, true, i32s(10, 1), meta()));
        assertMeta();
        index.apply(change(BtreeRecord.META_CLEANUP, 0, true, new byte[0], meta()));
        assertMeta();
    }

    private void assertMeta() throws PageException {
        assertThat(page.lower()).isEqualTo(72);
        assertThat(page.upper()).isEqualTo(8176);
        assertThat(page.u16(FLAGS)).isEqualTo(8);
        assertThat(page.i32(24)).isEqualTo(0x053162);
        for (int i = 0; i < 6; i++) {
            assertThat(page.i32(28 + 4 * i)).isEqualTo(4 + i);
        }
        assertThat(page.i32(52)).isZero();
        assertThat(Double.longBitsToDouble(page.i64(56))).isEqualTo(-1.0);
        assertThat(page.i64(64)).isEqualTo(1);
        assertThat(Arrays.copyOfRange(page.bytes(), 72, FLAGS)).containsOnly(0);
    }

    @Test
    void whatDoesNotFitIsRefused() throws Exception {
        leaf(0, tuple(1, 1, 1));
        IndexChange insert = change(BtreeRecord.INSERT_LEAF, 0, false, u16s(1), tuple(2, 1, 1));
        index.assertRefused(change(BtreeRecord.INSERT_UPPER, 0, false, u16s(1), tuple(2, 1, 1)), "no live inner page");
        index.assertRefused(change(BtreeRecord.INSERT_LEAF, 0, false, u16s(3), tuple(2, 1, 1)), "added as number 3");
        index.assertRefused(change(BtreeRecord.INSERT_LEAF, 0, false, u16s(1), new byte[16]), "a tuple of 0 bytes");
        index.assertRefused(change(BtreeRecord.INSERT_LEAF, 1, false, u16s(1), tuple(2, 1, 1)), "block reference 1");
        index.assertRefused(change(BtreeRecord.REUSE_PAGE, 0, false, u16s(1), tuple(2, 1, 1)), "block reference 0");
        index.assertRefused(change(0xF0, 0, false, u16s(1), tuple(2, 1, 1)), "block reference 0");
        index.assertRefused(change(BtreeRecord.META_CLEANUP, 0, false, new byte[0], meta()), "not marked as made anew");
        index.assertRefused(change(BtreeRecord.META_CLEANUP, 0, true, new byte[0], new byte[27]), "28 bytes, not 27");
        page.putU16(FLAGS, 0x05);
        index.assertRefused(insert, "no live leaf");
        page.putU16(FLAGS, 0x08);
        index.assertRefused(insert, "meta page");
        page.initialize(8);
        index.assertRefused(insert, "no special area of 16 bytes");
        leaf(0);
        for (int i = 0; i < 407; i++) {
            index.apply(insert);
            page.setLsn(0);
        }
        index.assertRefused(insert, "no room");
    }

    @Test
    void theMaskHidesHintsOnly() throws Exception {
        leaf(7, tuple(1, 1, 1), tuple(2, 1, 2));
        Page other = new Page();
        other.copyFrom(page);
        page.setLinePointer(2, LinePointer.withState(page.linePointer(2), LinePointer.DEAD));
        page.putU16(FLAGS, 0x61);
        page.putU16(CYCLE, 9);
        page.putU8(page.lower(), 9);
        page.setLsn(9);
        page.setChecksum(9);
        page.setPruneXid(9);
        new BtreeRedo().mask(page, 1);
        new BtreeRedo().mask(other, 1);
        assertThat(page.bytes()).isEqualTo(other.bytes());
        inner(tuple(1, 1, 1), tuple(2, 1, 2));
        other.copyFrom(page);
        page.setLinePointer(2, LinePointer.withState(page.linePointer(2), LinePointer.DEAD));
        new BtreeRedo().mask(page, 1);
        new BtreeRedo().mask(other, 1);
        assertThat(page.bytes()).isNotEqualTo(other.bytes());
    }

    @Test
    void mutatedRecordsAndPagesNeverHalfChangeAPage() throws Exception {
        List<IndexChange> changes = List.of(
                change(BtreeRecord.INSERT_LEAF, 0, false, u16s(3), tuple(20, 1, 2)),
                change(BtreeRecord.INSERT_POST, 0, false, u16s(3), concat(u16s(1), tuple(5, 1, 3))),
                change(BtreeRecord.SPLIT_L, 0, false, split(0, 4, 3, 1), concat(tuple(5, 2, 3), tuple(9, 0, 0))),
                change(BtreeRecord.SPLIT_R, 0, false, split(0, 4, 5, 0), tuple(9, 0, 0)),
                change(BtreeRecord.SPLIT_R, 1, true, split(0, 4, 5, 0), concat(tuple(5, 2, 3), tuple(9, 0, 0))),
                change(BtreeRecord.DEDUP, 0, false, u16s(1), u16s(2, 3)),
                change(BtreeRecord.VACUUM, 0, false, u16s(3, 2), u16s(1, 3, 5, 2, 4, 1, 1, 2, 0, 1)),
                change(BtreeRecord.DELETE, 0, false, u16s(0, 0, 1, 1, 0), u16s(1, 2, 1, 1)),
                change(BtreeRecord.INSERT_UPPER, 1, false, u16s(1), new byte[0]),
                change(BtreeRecord.UNLINK_PAGE, 1, false, i32s(31, 32, 2, -1, 7, 1, 33, 34, 35), new byte[0]));
        MutatedRecords.check(
                11,
                6000,
                index,
                changes,
                change -> leaf(
                        0,
                        tuple(1, 1, 1),
                        posting(2, 101, 102, 103),
                        tuple(3, 1, 1),
                        posting(4, 101, 102, 103),
                        tuple(5, 1, 1)),
                new Area(8, 40),
                new Area(FLAGS - 171, 160),
                new Area(PREVIOUS, 16));
    }

    private void leaf(int next, byte[]... tuples) throws PageException {
        page.initialize(16);
        page.putI32(PREVIOUS, 3);
        page.putI32(NEXT, next);
        page.putU16(FLAGS, 1);
        index.add(tuples);
    }

    private void inner(byte[]... tuples) throws PageException {
        leaf(0, tuples);
        page.putI32(LEVEL, 1);
        page.putU16(FLAGS, 0);
    }

    /** The items in words: the key and the item pointer, or the posting list as 100 × block + offset. */
    private List<String> items() throws PageException {
        List<String> items = new ArrayList<>();
        for (int number = 1; number <= page.maxOffset(); number++) {
            int at = page.normalItem(number, 16);
            assertThat(page.u16(at + 6) & 0x1FFF).isEqualTo(LinePointer.length(page.linePointer(number)));
            String text = page.i64(at + 8) + " ";
            if ((page.u16(at + 6) & 0x2000) != 0) {
                List<Integer> tids = new ArrayList<>();
                for (int i = 0; i < (page.tidOffset(at) & 0xFFF); i++) {
                    int tid = at + page.tidBlock(at) + 6 * i;
                    tids.add(page.tidBlock(tid) * 100 + page.tidOffset(tid));
                }
                items.add(text + tids);
            } else {
                items.add(text + page.tidBlock(at) + "/" + page.tidOffset(at));
            }
        }
        return items;
    }

    private static byte[] tuple(long key, int block, int offset) {
        byte[] tuple = new byte[16];
        putTid(tuple, 0, block, offset);
        LittleEndian.putU16(tuple, 6, 16);
        LittleEndian.putI64(tuple, 8, key);
        return tuple;
    }

    private static byte[] posting(long key, int... tids) {
        byte[] tuple = new byte[PageLayout.align8(16 + 6 * tids.length)];
        putTid(tuple, 0, 16, tids.length | 0x2000);
        LittleEndian.putU16(tuple, 6, tuple.length | 0x2000);
        LittleEndian.putI64(tuple, 8, key);
        for (int i = 0; i < tids.length; i++) {
            putTid(tuple, 16 + 6 * i, tids[i] / 100, tids[i] % 100);
        }
        return tuple;
    }

    private static void putTid(byte[] bytes, int at, int block, int offset) {
        LittleEndian.putU16(bytes, at, block >>> 16);
        LittleEndian.putU16(bytes, at + 2, block);
        LittleEndian.putU16(bytes, at + 4, offset);
    }

    private static byte[] split(int level, int firstRight, int newItem, int position) {
        return concat(i32s(level), u16s(firstRight, newItem, position));
    }

    private static byte[] meta() {
        return i32s(4, 5, 6, 7, 8, 9, 0xFFFFFF01);
    }
}
