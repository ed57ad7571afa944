package dev.palimpsest.postgres.redo;

import static dev.palimpsest.postgres.Bytes.concat;
import static dev.palimpsest.postgres.Bytes.u16s;
import static dev.palimpsest.postgres.redo.IndexChange.END;
import static dev.palimpsest.postgres.redo.IndexChange.INDEX;
import static dev.palimpsest.postgres.redo.IndexChange.START;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.page.LinePointer;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.redo.MutatedRecords.Area;
import dev.palimpsest.postgres.rmgr.GistRecord;
import dev.palimpsest.postgres.rmgr.Rmgr;
import dev.palimpsest.postgres.wal.ImageCompression;
import dev.palimpsest.postgres.wal.RecordBuilder;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class GistRedoTest {
    private static final int NSN = 8176;
    private static final int RIGHT = 8184;
    private static final int FLAGS = 8188;
    private static final int ID = 8190;
    private static final byte[] NONE = {};

    private final IndexRedo index = new IndexRedo();
    private final PageRedo redo = index.redo();
    private final Page page = index.page();

    @AfterEach
    void close() {
        index.close();
    }

    /** The record refers to blocks 10 to 13. */
    private static IndexChange change(int opcode, int blockId, boolean init, byte[] main, byte[] data) {
        return new IndexChange(Rmgr.GIST, 10, 4, opcode, blockId, init, main, data);
    }

    @Test
    void anUpdateAddsAtTheEnd() throws Exception {
        page(1);
        index.apply(change(GistRecord.PAGE_UPDATE, 0, false, u16s(0, 2), concat(tuple(10, 16), tuple(20, 24))));
        assertThat(items()).containsExactly("10:16", "20:24");
        assertThat(page.u16(FLAGS)).isEqualTo(1);
        index.apply(change(GistRecord.PAGE_UPDATE, 0, false, u16s(0, 1), tuple(30, 16)));
        assertThat(items()).containsExactly("10:16", "20:24", "30:16");
    }

    @Test
    void anUpdateOfOneForOneKeepsItsPlace() throws Exception {
        page(0, tuple(1, 16), tuple(2, 16), tuple(3, 16));
        index.apply(change(GistRecord.PAGE_UPDATE, 0, false, u16s(1, 1), concat(u16s(2), tuple(9, 24))));
        assertThat(items()).containsExactly("1:16", "9:24", "3:16");
        assertThat(page.upper()).isEqualTo(8176 - 56);
        assertThat(page.u16(FLAGS)).isZero();
    }

    @Test
    void anUpdateDeletesBeforeItAdds() throws Exception {
        for (int leaf = 0; leaf <= 1; leaf++) {
            page(leaf, tuple(1, 16), tuple(2, 16), tuple(3, 16), tuple(4, 16));
            byte[] data = concat(u16s(1, 3), tuple(9, 24));
            index.apply(change(GistRecord.PAGE_UPDATE, 0, false, u16s(2, 1), data));
            assertThat(items()).containsExactly("2:16", "4:16", "9:24");
            assertThat(page.u16(FLAGS)).isEqualTo(leaf == 1 ? 5 : 0);
            page(leaf, tuple(1, 16), tuple(2, 16), tuple(3, 16), tuple(4, 16));
            index.apply(change(GistRecord.PAGE_UPDATE, 0, false, u16s(3, 0), u16s(1, 2, 4)));
            assertThat(items()).containsExactly("3:16");
            assertThat(page.upper()).isEqualTo(8160);
            page(leaf, tuple(1, 16), tuple(2, 16));
            index.apply(
                    change(GistRecord.PAGE_UPDATE, 0, false, u16s(1, 2), concat(u16s(1), tuple(7, 16), tuple(8, 16))));
            assertThat(items()).containsExactly("2:16", "7:16", "8:16");
        }
    }

    @Test
    void aLeftChildLearnsThatItsSplitIsFinished() throws Exception {
        for (IndexChange sample : List.of(
                change(GistRecord.PAGE_UPDATE, 1, false, u16s(0, 1), NONE),
                change(GistRecord.PAGE_SPLIT, 0, false, split(2, 1, 1), NONE))) {
            page(0x19, tuple(1, 16));
            index.apply(sample);
            assertFinished();
            page(0x19, tuple(1, 16));
            WalRecord record = new RecordBuilder(PostgresVersion.V17, Rmgr.GIST.id(), sample.opcode())
                    .main(sample.main())
                    .block(sample.blockId(), INDEX, 7)
                    .image(page, RecordBuilder.ImageUse.APPLY, ImageCompression.NONE)
                    .decoded(START, END);
            page.clear();
            assertThat(redo.redo(page, record, sample.blockId())).isEqualTo(RedoResult.RESTORED);
            assertFinished();
        }
        page.initialize(0);
        WalRecord record = new RecordBuilder(PostgresVersion.V17, Rmgr.GIST.id(), GistRecord.PAGE_UPDATE)
                .main(u16s(0, 1))
                .block(1, INDEX, 7)
                .image(page, RecordBuilder.ImageUse.APPLY, ImageCompression.NONE)
                .decoded(START, END);
        page(0x19, tuple(1, 16));
        byte[] before = page.bytes().clone();
        assertThatThrownBy(() -> redo.redo(page, record, 1)).hasMessageContaining("no special area of 16 bytes");
        assertThat(page.bytes()).isEqualTo(before);
    }

    private void assertFinished() throws PageException {
        assertThat(page.u16(FLAGS)).isEqualTo(0x11);
        assertThat(page.lsnAt(NSN)).isEqualTo(END);
        assertThat(page.i32(NSN)).as("high half first").isEqualTo(5);
        assertThat(page.lsn()).isEqualTo(END);
        assertThat(items()).containsExactly("1:16");
        assertThat(page.i32(RIGHT)).isEqualTo(99);
    }

    @Test
    void otherImagesAreLeftAsTheyAre() throws Exception {
        page(0x19, tuple(1, 16));
        WalRecord record = new RecordBuilder(PostgresVersion.V17, Rmgr.GIST.id(), GistRecord.PAGE_UPDATE)
                .main(u16s(0, 1))
                .block(0, INDEX, 7)
                .image(page, RecordBuilder.ImageUse.APPLY, ImageCompression.NONE)
                .decoded(START, END);
        assertThat(redo.redo(page, record, 0)).isEqualTo(RedoResult.RESTORED);
        assertThat(page.u16(FLAGS)).isEqualTo(0x19);
        assertThat(page.lsnAt(NSN)).isEqualTo(0x1_00000002L);
    }

    @Test
    void pruningDeletesItems() throws Exception {
        for (PostgresVersion version : PostgresVersion.values()) {
            for (int count = 1; count <= 3; count++) {
                page(0x11, tuple(1, 16), tuple(2, 16), tuple(3, 16), tuple(4, 16));
                int[] numbers = {1, 2, 4};
                byte[] head = version.isAtLeast(PostgresVersion.V16) ? u16s(7, 0, count, 1) : u16s(7, 0, count);
                byte[] main = concat(head, u16s(Arrays.copyOf(numbers, count)));
                redo.redo(page, change(GistRecord.DELETE, 0, false, main, NONE).record(version), 0);
                List<String> left = List.of("2:16", "3:16", "4:16").subList(0, 3);
                assertThat(items())
                        .isEqualTo(count == 1 ? left : count == 2 ? List.of("3:16", "4:16") : List.of("3:16"));
                assertThat(page.u16(FLAGS)).isEqualTo(0x05);
                assertThat(page.lsn()).isEqualTo(END);
            }
        }
        page(0, tuple(1, 16));
        index.assertRefused(change(GistRecord.DELETE, 0, false, u16s(7, 0, 1, 0, 1), NONE), "no leaf of a GiST");
        page(1, tuple(1, 16));
        index.assertRefused(change(GistRecord.DELETE, 0, false, u16s(7, 0, 1, 0, 2), NONE), "no line pointer 2");
        index.assertRefused(change(GistRecord.DELETE, 0, false, u16s(7, 0, 2, 0, 1), NONE), "4 bytes at offset 8");
    }

    @Test
    void aSplitMakesPages() throws Exception {
        byte[] data = concat(u16s(2, 0), tuple(1, 16), tuple(2, 24));
        for (int id = 1; id <= 3; id++) {
            index.apply(change(GistRecord.PAGE_SPLIT, id, true, split(3, 1, 1), data));
            assertSplit(id == 3 ? 55 : 11 + id, id == 3 ? 1 : 9);
            index.apply(change(GistRecord.PAGE_SPLIT, id, true, split(3, 0, 0), data));
            assertSplit(id == 3 ? 55 : 11 + id, 0);
        }
        index.apply(change(GistRecord.PAGE_SPLIT, 1, true, split(1, 1, 1), data));
        assertSplit(55, 1);
        index.assertRefused(change(GistRecord.PAGE_SPLIT, 2, true, split(1, 1, 1), data), "block reference 2");
        index.assertRefused(change(GistRecord.PAGE_SPLIT, 3, true, split(4, 1, 1), data), "does not name all of them");
        index.assertRefused(change(GistRecord.PAGE_SPLIT, 1, false, split(3, 1, 1), data), "not marked as made anew");
    }

    @Test
    void aSplitOfTheRootPutsItAboveTheOthers() throws Exception {
        byte[] data = concat(u16s(2, 0), tuple(1, 16), tuple(2, 24));
        for (int id = 1; id <= 3; id++) {
            // Block references 1 to 3 are blocks 0 to 2 here.
            WalRecord record = change(GistRecord.PAGE_SPLIT, id, true, split(3, 1, 1), data)
                    .from(-1)
                    .record(PostgresVersion.V16);
            assertThat(redo.redo(page, record, id)).isEqualTo(RedoResult.INITIALIZED);
            assertSplit(id == 1 ? -1 : id == 2 ? 2 : 55, id == 1 ? 0 : 1);
        }
    }

    private void assertSplit(int right, int flags) throws PageException {
        assertThat(items()).containsExactly("1:16", "2:24");
        assertThat(page.i32(RIGHT)).isEqualTo(right);
        assertThat(page.u16(FLAGS)).isEqualTo(flags);
        assertThat(page.u16(ID)).isEqualTo(0xFF81);
        assertThat(page.lsnAt(NSN)).isEqualTo(0x3_00000004L);
        assertThat(page.lsn()).isEqualTo(END);
    }

    @Test
    void aLeafLeavesTheTree() throws Exception {
        byte[] main = u16s(8, 0, 9, 0, 2);
        page(1);
        IndexChange leaf = change(GistRecord.PAGE_DELETE, 0, false, main, NONE);
        index.apply(leaf);
        assertThat(page.u16(FLAGS)).isEqualTo(3);
        assertThat(page.i64(24)).isEqualTo(0x9_0000_0008L);
        assertThat(page.lower()).isEqualTo(32);
        assertThat(page.upper()).isEqualTo(8176);
        index.assertRefused(leaf, "deleted page");
        index.assertRefused(change(GistRecord.PAGE_UPDATE, 0, false, u16s(0, 1), tuple(1, 16)), "deleted page");
        page(0, tuple(1, 16), tuple(2, 16), tuple(3, 16));
        index.assertRefused(leaf, "no leaf");
        IndexChange parent = change(GistRecord.PAGE_DELETE, 1, false, main, NONE);
        index.apply(parent);
        assertThat(items()).containsExactly("1:16", "3:16");
        page(1, tuple(1, 16), tuple(2, 16), tuple(3, 16));
        index.assertRefused(parent, "no inner page");
        page(1);
        page.setUpper(24);
        index.assertRefused(leaf, "no room for the xid");
    }

    @Test
    void whatDoesNotFitIsRefused() throws Exception {
        page(1, tuple(1, 16));
        IndexChange add = change(GistRecord.PAGE_UPDATE, 0, false, u16s(0, 1), tuple(1, 16));
        index.assertRefused(change(GistRecord.PAGE_UPDATE, 0, false, u16s(0, 2), tuple(1, 16)), "2 bytes at offset 22");
        index.assertRefused(change(GistRecord.PAGE_UPDATE, 0, false, u16s(0, 1), new byte[16]), "a tuple of 0 bytes");
        index.assertRefused(
                change(GistRecord.PAGE_UPDATE, 0, false, u16s(0, 1), concat(tuple(1, 16), NONE, u16s(1))),
                "2 bytes are left over at offset 16");
        index.assertRefused(
                change(GistRecord.PAGE_UPDATE, 0, false, u16s(1, 1), concat(u16s(2), tuple(1, 16))),
                "no line pointer 2");
        index.assertRefused(change(GistRecord.PAGE_UPDATE, 0, false, u16s(4, 0), u16s(1, 2, 3)), "8 bytes at offset 0");
        index.assertRefused(change(GistRecord.PAGE_UPDATE, 2, false, u16s(0, 1), NONE), "block reference 2");
        index.assertRefused(change(GistRecord.DELETE, 1, false, u16s(7, 0, 1, 0, 1), NONE), "block reference 1");
        index.assertRefused(change(GistRecord.PAGE_REUSE, 0, false, NONE, NONE), "block reference 0");
        index.assertRefused(change(GistRecord.ASSIGN_LSN, 0, false, NONE, NONE), "block reference 0");
        index.assertRefused(change(0xF0, 0, false, NONE, NONE), "block reference 0");
        byte[] split = concat(u16s(0xFFFF, 0xFFFF), tuple(1, 16));
        index.assertRefused(change(GistRecord.PAGE_SPLIT, 1, true, split(1, 1, 1), split), "a count of -1");
        page.putU16(ID, 0xFF82);
        index.assertRefused(add, "its page id is 0xff82");
        page.initialize(8);
        index.assertRefused(add, "no special area of 16 bytes");
        page(1);
        for (int i = 0; i < 407; i++) {
            index.apply(add);
        }
        index.assertRefused(add, "no room");
    }

    @Test
    void theMaskHidesHintsOnly() throws Exception {
        page(1, tuple(1, 16), tuple(2, 16));
        Page other = new Page();
        other.copyFrom(page);
        page.setLinePointer(2, LinePointer.withState(page.linePointer(2), LinePointer.DEAD));
        page.putU16(FLAGS, 0x1D);
        page.putLsnAt(NSN, 77);
        page.putU8(page.lower(), 9);
        page.setLsn(9);
        page.setChecksum(9);
        page.setPruneXid(9);
        new GistRedo().mask(page, 1);
        new GistRedo().mask(other, 1);
        assertThat(page.bytes()).isEqualTo(other.bytes());
        for (int at : new int[] {RIGHT, FLAGS, ID, NSN - 1, 24}) {
            page(0, tuple(1, 16), tuple(2, 16));
            other.copyFrom(page);
            other.putU8(at, other.u8(at) ^ 2);
            new GistRedo().mask(page, 1);
            if (at == ID) {
                assertThatThrownBy(() -> new GistRedo().mask(other, 1)).isInstanceOf(PageException.class);
                continue;
            }
            new GistRedo().mask(other, 1);
            assertThat(page.bytes()).as("offset %d", at).isNotEqualTo(other.bytes());
        }
        page(0, tuple(1, 16));
        other.copyFrom(page);
        page.setLinePointer(1, LinePointer.withState(page.linePointer(1), LinePointer.DEAD));
        new GistRedo().mask(page, 1);
        new GistRedo().mask(other, 1);
        assertThat(page.bytes()).isNotEqualTo(other.bytes());
        page.initialize(0);
        assertThatThrownBy(() -> new GistRedo().mask(page, 1)).isInstanceOf(PageException.class);
    }

    @Test
    void mutatedRecordsAndPagesNeverHalfChangeAPage() throws Exception {
        List<IndexChange> changes = List.of(
                change(GistRecord.PAGE_UPDATE, 0, false, u16s(0, 1), tuple(20, 24)),
                change(GistRecord.PAGE_UPDATE, 0, false, u16s(1, 1), concat(u16s(2), tuple(20, 24))),
                change(GistRecord.PAGE_UPDATE, 0, false, u16s(3, 2), concat(u16s(1, 3, 4), tuple(8, 24), tuple(9, 16))),
                change(GistRecord.PAGE_UPDATE, 1, false, u16s(0, 1), NONE),
                change(GistRecord.DELETE, 0, false, u16s(7, 0, 3, 0, 1, 3, 4), NONE),
                change(GistRecord.PAGE_SPLIT, 0, false, split(2, 1, 1), NONE),
                change(GistRecord.PAGE_SPLIT, 1, true, split(2, 1, 1), concat(u16s(2, 0), tuple(1, 16), tuple(2, 24))),
                change(GistRecord.PAGE_DELETE, 0, false, u16s(8, 0, 9, 0, 2), NONE),
                change(GistRecord.PAGE_DELETE, 1, false, u16s(8, 0, 9, 0, 2), NONE));
        byte[][] tuples = {tuple(1, 16), tuple(2, 32), tuple(3, 16), tuple(4, 24)};
        Area[] damaged = {new Area(8, 40), new Area(NSN - 90, 90), new Area(NSN, 16)};
        MutatedRecords.check(14, 5000, index, changes, change -> page(flagsFor(change), tuples), damaged);
        MutatedRecords.check(
                15,
                2000,
                index,
                changes,
                change -> {
                    page(flagsFor(change), tuples);
                    page.setUpper(page.lower() + 20);
                },
                damaged);
    }

    private static int flagsFor(IndexChange change) {
        return change.opcode() == GistRecord.PAGE_DELETE && change.blockId() == 1 ? 0 : 1;
    }

    private void page(int flags, byte[]... tuples) throws PageException {
        page.initialize(16);
        page.putLsnAt(NSN, 0x1_00000002L);
        page.putI32(RIGHT, 99);
        page.putU16(FLAGS, flags);
        page.putU16(ID, 0xFF81);
        index.add(tuples);
    }

    /** The items in words: the key and the size. */
    private List<String> items() throws PageException {
        List<String> items = new ArrayList<>();
        for (int number = 1; number <= page.maxOffset(); number++) {
            int at = page.normalItem(number, 16);
            assertThat(page.u16(at + 6) & 0x1FFF).isEqualTo(LinePointer.length(page.linePointer(number)));
            items.add(page.i64(at + 8) + ":" + LinePointer.length(page.linePointer(number)));
        }
        return items;
    }

    private static byte[] tuple(long key, int size) {
        byte[] tuple = new byte[size];
        LittleEndian.putU16(tuple, 6, 0x4000 | size);
        LittleEndian.putI64(tuple, 8, key);
        return tuple;
    }

    private static byte[] split(int pages, int leaf, int followRight) {
        return u16s(55, 0, 0xFFFF, 0xFFFF, 4, 0, 3, 0, leaf, pages, followRight, 0);
    }
}
