package dev.palimpsest.postgres.redo;

import static dev.palimpsest.postgres.Bytes.buffer;
import static dev.palimpsest.postgres.Bytes.u16s;
import static dev.palimpsest.postgres.redo.IndexChange.END;
import static dev.palimpsest.postgres.redo.IndexChange.INDEX;
import static dev.palimpsest.postgres.redo.IndexChange.START;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.page.LinePointer;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageEditor;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.redo.MutatedRecords.Area;
import dev.palimpsest.postgres.rmgr.BrinRecord;
import dev.palimpsest.postgres.rmgr.Rmgr;
import dev.palimpsest.postgres.wal.RecordBuilder;
import dev.palimpsest.postgres.wal.RedoException;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class BrinRedoTest {
    private static final int SPECIAL = 8184;
    private static final int FLAGS = 8188;
    private static final int TYPE = 8190;
    private static final int META = 0xF091;
    private static final int RANGE_MAP = 0xF092;
    private static final int REGULAR = 0xF093;
    private static final byte[] NOTHING = {};

    private final PageEditor editor = new PageEditor();

    private final IndexRedo index = new IndexRedo();
    private final PageRedo redo = index.redo();
    private final Page page = index.page();

    @AfterEach
    void close() {
        index.close();
    }

    /** The record refers to blocks 0x30010 to 0x30012. */
    private static IndexChange change(int opcode, int blockId, boolean init, byte[] main, byte[] data) {
        return new IndexChange(Rmgr.BRIN, 0x30010, 3, opcode, blockId, init, main, data);
    }

    @Test
    void anIndexIsMade() throws Exception {
        byte[] main = buffer(6).putInt(128).putShort((short) 1).array();
        index.apply(change(BrinRecord.CREATE_INDEX, 0, true, main, NOTHING));
        assertThat(page.u16(TYPE)).isEqualTo(META);
        assertThat(page.special()).isEqualTo(SPECIAL);
        assertThat(page.upper()).isEqualTo(SPECIAL);
        assertThat(page.lower()).isEqualTo(40);
        assertThat(page.i32(24)).isEqualTo(0xA8109CFA);
        assertThat(page.i32(28)).isEqualTo(1);
        assertThat(page.i32(32)).isEqualTo(128);
        assertThat(page.i32(36)).isZero();
        page.setLower(24);
        index.apply(
                change(BrinRecord.REVMAP_EXTEND, 0, false, buffer(4).putInt(7).array(), NOTHING));
        assertThat(page.i32(36)).isEqualTo(7);
        assertThat(page.lower()).isEqualTo(40);
        index.apply(
                change(BrinRecord.REVMAP_EXTEND, 1, true, buffer(4).putInt(7).array(), NOTHING));
        assertThat(page.u16(TYPE)).isEqualTo(RANGE_MAP);
        assertThat(page.lower()).isEqualTo(24);
        assertThat(Arrays.copyOfRange(page.bytes(), 24, TYPE)).containsOnly(0);
    }

    @Test
    void aSummaryIsAddedWhereARangeHadOne() throws Exception {
        regular(tuple(1, 16), tuple(2, 16), tuple(3, 16));
        index.apply(change(BrinRecord.DESUMMARIZE, 1, false, desummarize(4, 8, 2), NOTHING));
        assertThat(items()).containsExactly("1", "-", "3");
        assertThat(page.upper()).isEqualTo(SPECIAL - 32);
        index.apply(change(BrinRecord.INSERT, 0, false, insert(8, 4, 2), tuple(9, 20)));
        assertThat(items()).containsExactly("1", "9", "3");
        assertThat(LinePointer.length(page.linePointer(2))).isEqualTo(20);
        assertThat(page.upper()).isEqualTo(SPECIAL - 32 - 24);
        index.apply(change(BrinRecord.DESUMMARIZE, 1, false, desummarize(4, 8, 3), NOTHING));
        assertThat(items()).containsExactly("1", "9");
        index.apply(change(BrinRecord.INSERT, 0, false, insert(8, 4, 3), tuple(10, 24)));
        assertThat(items()).containsExactly("1", "9", "10");
        index.assertRefused(change(BrinRecord.INSERT, 0, false, insert(8, 4, 2), tuple(9, 16)), "is in use");
        index.assertRefused(change(BrinRecord.INSERT, 0, false, insert(8, 4, 5), tuple(9, 16)), "added as number 5");
        index.assertRefused(change(BrinRecord.INSERT, 0, false, insert(8, 4, 4), NOTHING), "there is no tuple");
        index.assertRefused(change(BrinRecord.INSERT, 0, false, insert(8, 4, 4), new byte[8200]), "no room");
        index.assertRefused(
                change(BrinRecord.DESUMMARIZE, 1, false, desummarize(4, 8, 4), NOTHING), "no line pointer 4");
        index.apply(change(BrinRecord.INSERT | BrinRecord.INIT_PAGE, 0, true, insert(8, 4, 1), tuple(9, 16)));
        assertThat(items()).containsExactly("9");
        assertThat(page.u16(TYPE)).isEqualTo(REGULAR);
        index.assertRefused(
                change(BrinRecord.INSERT | BrinRecord.INIT_PAGE, 0, false, insert(8, 4, 1), tuple(9, 16)),
                "not marked as made anew");
        index.assertRefused(
                change(BrinRecord.INSERT, 0, true, insert(8, 4, 1), tuple(9, 16)), "no special area of 8 bytes");
    }

    @Test
    void theRangeMapPointsToTheSummary() throws Exception {
        // heap block, pages to a range, entry
        long[][] ranges = {{0, 1, 0}, {1359, 1, 1359}, {1360, 1, 0}, {4 * 1361 + 3, 4, 1}, {0xFFFFFFFFL, 128, 511}};
        for (long[] range : ranges) {
            for (int opcode : new int[] {BrinRecord.INSERT, BrinRecord.UPDATE}) {
                empty(RANGE_MAP);
                int at = 24 + 6 * (int) range[2];
                byte[] insert = insert((int) range[0], (int) range[1], 5);
                byte[] main = opcode == BrinRecord.INSERT ? insert : update(3, insert);
                index.apply(change(opcode, 1, false, main, NOTHING));
                assertThat(page.tidBlock(at)).as("%s", Arrays.toString(range)).isEqualTo(0x30010);
                assertThat(page.tidOffset(at)).isEqualTo(5);
                page.putTid(at, 0, 0);
                assertThat(Arrays.copyOfRange(page.bytes(), 24, SPECIAL)).containsOnly(0);
                byte[] gone = desummarize((int) range[1], (int) range[0], 5);
                index.apply(change(BrinRecord.DESUMMARIZE, 0, false, gone, NOTHING));
                assertThat(page.tidBlock(at)).isEqualTo(-1);
                assertThat(page.tidOffset(at)).isZero();
            }
        }
        index.assertRefused(change(BrinRecord.INSERT, 1, false, insert(8, 0, 5), NOTHING), "a range of no pages");
        index.assertRefused(change(BrinRecord.DESUMMARIZE, 0, false, desummarize(0, 8, 5), NOTHING), "of no pages");
        WalRecord alone = new RecordBuilder(PostgresVersion.V16, Rmgr.BRIN.id(), BrinRecord.INSERT)
                .main(insert(8, 4, 5))
                .block(1, INDEX, 1)
                .decoded(START, END);
        page.setLsn(0);
        assertThatThrownBy(() -> redo.redo(page, alone, 1))
                .isInstanceOf(RedoException.class)
                .hasMessageContaining("needs block reference 0");
    }

    @Test
    void aSummaryChanges() throws Exception {
        regular(tuple(1, 16), tuple(2, 16), tuple(3, 16));
        IndexChange replace = change(BrinRecord.SAMEPAGE_UPDATE, 0, false, u16s(2), tuple(9, 30));
        index.apply(replace);
        assertThat(items()).containsExactly("1", "9", "3");
        assertThat(LinePointer.length(page.linePointer(2))).isEqualTo(30);
        assertThat(page.upper()).isEqualTo(SPECIAL - 64);
        index.assertRefused(change(BrinRecord.SAMEPAGE_UPDATE, 0, false, u16s(4), tuple(9, 30)), "no line pointer 4");
        index.assertRefused(
                change(BrinRecord.SAMEPAGE_UPDATE, 0, false, u16s(2), tuple(9, 8150)), "no room to replace");
        index.assertRefused(change(BrinRecord.SAMEPAGE_UPDATE, 0, false, u16s(2), NOTHING), "there is no tuple");
        byte[] main = update(2, insert(8, 4, 4));
        index.apply(change(BrinRecord.UPDATE, 2, false, main, NOTHING));
        assertThat(items()).containsExactly("1", "-", "3");
        index.apply(change(BrinRecord.UPDATE, 0, false, main, tuple(7, 16)));
        assertThat(items()).containsExactly("1", "-", "3", "7");
        index.apply(
                change(BrinRecord.UPDATE | BrinRecord.INIT_PAGE, 0, true, update(2, insert(8, 4, 1)), tuple(7, 16)));
        assertThat(items()).containsExactly("7");
        empty(RANGE_MAP);
        index.assertRefused(replace, "where 0xf093 is needed");
        empty(META);
        index.assertRefused(change(BrinRecord.REVMAP_EXTEND, 0, false, new byte[4], NOTHING), "no meta page");
        page.initialize(16);
        index.assertRefused(replace, "no special area of 8 bytes");
    }

    @Test
    void noOtherBlocksChange() throws Exception {
        regular(tuple(1, 16));
        byte[] main = new byte[14];
        int[][] others = {{0x00, 1}, {0x10, 2}, {0x90, 2}, {0x30, 1}, {0x40, 2}, {0x50, 2}, {0x60, 0}, {0x80, 0}};
        for (int[] other : others) {
            index.assertRefused(change(other[0], other[1], false, main, NOTHING), "block reference " + other[1]);
        }
        index.assertRefused(change(BrinRecord.CREATE_INDEX, 0, false, main, NOTHING), "not marked as made anew");
        index.assertRefused(change(BrinRecord.REVMAP_EXTEND, 1, false, main, NOTHING), "not marked as made anew");
    }

    @Test
    void theMaskHidesHintsOnly() throws Exception {
        BrinRedo masks = new BrinRedo();
        Page other = new Page();
        for (int type : new int[] {META, RANGE_MAP, REGULAR}) {
            empty(type);
            page.setLower(40);
            other.copyFrom(page);
            page.putU16(FLAGS, 1);
            page.setLsn(9);
            page.setChecksum(9);
            page.setPruneXid(9);
            masks.mask(page, 1);
            masks.mask(other, 1);
            assertThat(page.bytes()).isEqualTo(other.bytes());
            page.putU8(4000, 1);
            masks.mask(page, 1);
            assertThat(Arrays.equals(page.bytes(), other.bytes()))
                    .as("0x%x: content behind lower is compared in the range map only", type)
                    .isEqualTo(type != RANGE_MAP);
            page.copyFrom(other);
            page.putU8(30, 1);
            masks.mask(page, 1);
            assertThat(page.bytes()).isNotEqualTo(other.bytes());
        }
        empty(META);
        page.putU8(4000, 1);
        masks.mask(page, 0);
        assertThat(page.u8(4000)).as("a meta page whose lower was never set").isEqualTo(1);
    }

    @Test
    void mutatedRecordsAndPagesNeverHalfChangeAPage() throws Exception {
        List<IndexChange> changes = List.of(
                change(BrinRecord.INSERT, 0, false, insert(8, 4, 2), tuple(9, 16)),
                change(BrinRecord.INSERT, 1, false, insert(8, 4, 2), NOTHING),
                change(BrinRecord.INSERT | BrinRecord.INIT_PAGE, 0, true, insert(8, 4, 1), tuple(9, 16)),
                change(BrinRecord.UPDATE, 0, false, update(1, insert(8, 4, 2)), tuple(9, 16)),
                change(BrinRecord.UPDATE, 2, false, update(1, insert(8, 4, 2)), NOTHING),
                change(BrinRecord.SAMEPAGE_UPDATE, 0, false, u16s(3), tuple(9, 40)),
                change(BrinRecord.REVMAP_EXTEND, 0, false, new byte[4], NOTHING),
                change(BrinRecord.REVMAP_EXTEND, 1, true, new byte[4], NOTHING),
                change(BrinRecord.CREATE_INDEX, 0, true, new byte[6], NOTHING),
                change(BrinRecord.DESUMMARIZE, 0, false, desummarize(4, 8, 3), NOTHING),
                change(BrinRecord.DESUMMARIZE, 1, false, desummarize(4, 8, 3), NOTHING));
        MutatedRecords.check(
                18,
                5000,
                index,
                changes,
                change -> {
                    switch (change.opcode() | change.blockId()) {
                        case 0x11, 0x50 -> empty(RANGE_MAP);
                        case 0x40 -> {
                            empty(META);
                            page.putI32(24, 0xA8109CFA);
                        }
                        default -> {
                            regular(tuple(1, 16), tuple(2, 24), tuple(3, 16), tuple(4, 16));
                            editor.deleteItemKeepingNumbers(page, 2);
                        }
                    }
                },
                new Area(8, 34),
                new Area(SPECIAL, 8));
    }

    private void empty(int type) throws PageException {
        page.initialize(8);
        page.putU16(TYPE, type);
    }

    private void regular(byte[]... tuples) throws PageException {
        empty(REGULAR);
        for (byte[] tuple : tuples) {
            editor.addItem(page, tuple, 0, tuple.length, page.maxOffset() + 1, PageEditor.Placement.OVERWRITE);
        }
    }

    /** The number at the start of each item, or a dash where a line pointer is unused. */
    private List<String> items() throws PageException {
        List<String> items = new ArrayList<>();
        for (int number = 1; number <= page.maxOffset(); number++) {
            items.add(
                    LinePointer.isUsed(page.linePointer(number))
                            ? String.valueOf(page.i32(page.normalItem(number, 4)))
                            : "-");
        }
        return items;
    }

    private static byte[] tuple(int key, int size) {
        return buffer(size).putInt(key).array();
    }

    private static byte[] insert(int heapBlock, int pagesPerRange, int item) {
        return buffer(10)
                .putInt(heapBlock)
                .putInt(pagesPerRange)
                .putShort((short) item)
                .array();
    }

    private static byte[] update(int oldItem, byte[] insert) {
        return buffer(14).putInt(oldItem).put(insert).array();
    }

    private static byte[] desummarize(int pagesPerRange, int heapBlock, int item) {
        return buffer(10)
                .putInt(pagesPerRange)
                .putInt(heapBlock)
                .putShort((short) item)
                .array();
    }
}
