package dev.palimpsest.postgres.redo;

import static dev.palimpsest.postgres.Bytes.concat;
import static dev.palimpsest.postgres.Bytes.i32s;
import static dev.palimpsest.postgres.Bytes.u16s;
import static dev.palimpsest.postgres.Bytes.u8s;
import static dev.palimpsest.postgres.redo.GinSamples.FLAGS;
import static dev.palimpsest.postgres.redo.GinSamples.MAX_OFFSET;
import static dev.palimpsest.postgres.redo.GinSamples.RIGHT;
import static dev.palimpsest.postgres.redo.GinSamples.change;
import static dev.palimpsest.postgres.redo.GinSamples.item;
import static dev.palimpsest.postgres.redo.GinSamples.segment;
import static dev.palimpsest.postgres.redo.GinSamples.segments;
import static dev.palimpsest.postgres.redo.GinSamples.tid;
import static dev.palimpsest.postgres.redo.GinSamples.tids;
import static dev.palimpsest.postgres.redo.GinSamples.tuple;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.page.LinePointer;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.redo.MutatedRecords.Area;
import dev.palimpsest.postgres.rmgr.GinRecord;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class GinRedoTest {
    private static final byte[] NOTHING = {};
    private static final byte[] INNER_ENTRY = u16s(0, 0, 11, 0x1, 0x7);
    private static final byte[] INNER_DATA = u16s(1, 0, 11, 0x1, 0x7);
    private static final int NEW_CHILD = 0x10007;

    private final IndexRedo index = new IndexRedo();
    private final Page page = index.page();

    @AfterEach
    void close() {
        index.close();
    }

    @Test
    void aPostingTreeBegins() throws Exception {
        byte[] segments = concat(segment(10, 20, 5000), segment(6000));
        byte[] main = concat(i32s(segments.length), segments);
        index.apply(change(GinRecord.CREATE_PTREE, 0, true, main, NOTHING));
        assertThat(page.u16(FLAGS)).isEqualTo(0x83);
        assertThat(page.i32(RIGHT)).isEqualTo(-1);
        assertThat(page.u16(MAX_OFFSET)).isZero();
        assertThat(page.i64(24)).isZero();
        assertThat(page.upper()).isEqualTo(8184);
        assertThat(segments(page)).containsExactly(List.of(10L, 20L, 5000L), List.of(6000L));
        assertThat(page.lower()).isEqualTo(32 + segments.length);

        index.assertRefused(
                change(GinRecord.CREATE_PTREE, 0, true, concat(main, u8s(0)), NOTHING),
                "segments of 20 bytes, where 21 bytes follow");
        byte[] large = concat(i32s(8153), new byte[8153]);
        index.assertRefused(change(GinRecord.CREATE_PTREE, 0, true, large, NOTHING), "do not fit on a page");
        index.assertRefused(change(GinRecord.CREATE_PTREE, 0, true, i32s(-1), NOTHING), "segments of 4294967295 bytes");
        index.assertRefused(change(GinRecord.CREATE_PTREE, 0, false, main, NOTHING), "not marked as made anew");
        index.assertRefused(
                change(GinRecord.CREATE_PTREE, 1, true, main, NOTHING), "does not change block reference 1");
    }

    @Test
    void theEntryTreeTakesTuplesOnLeaves() throws Exception {
        items(0x02, tuple(1, 16, 0, 1), tuple(3, 16, 0, 1));
        index.apply(change(GinRecord.INSERT, 0, false, u16s(2), entry(2, false, tuple(2, 14, 0, 1))));
        assertThat(items()).containsExactly("1 16 0/1", "2 14 0/1", "3 16 0/1");
        index.apply(change(GinRecord.INSERT, 0, false, u16s(2), entry(1, true, tuple(1, 40, 9, 2))));
        assertThat(items()).containsExactly("1 40 9/2", "2 14 0/1", "3 16 0/1");
        assertThat(page.upper()).isEqualTo(8184 - 16 - 16 - 40);

        byte[] rest = tuple(4, page.freeSpace(), 0, 1);
        index.apply(change(GinRecord.INSERT, 0, false, u16s(2), entry(4, false, rest)));
        assertThat(page.exactFreeSpace()).isLessThan(8);
        index.assertRefused(change(GinRecord.INSERT, 0, false, u16s(2), entry(1, false, tuple(1, 8, 0, 0))), "no room");
        index.apply(change(GinRecord.INSERT, 0, false, u16s(2), entry(1, true, tuple(1, 40, 9, 3))));
        assertThat(items().get(0)).isEqualTo("1 40 9/3");
        index.assertRefused(
                change(GinRecord.INSERT, 0, false, u16s(2), entry(1, true, tuple(1, 56, 9, 3))), "by one of 56");
    }

    @Test
    void aboveTheLeavesASplitIsFinished() throws Exception {
        items(0x00, tuple(1, 16, 11, 0), tuple(9, 16, 12, 0));
        index.apply(change(GinRecord.INSERT, 0, false, INNER_ENTRY, entry(2, false, tuple(5, 16, 12, 0))));
        assertThat(items()).containsExactly("1 16 11/0", "5 16 12/0", "9 16 " + NEW_CHILD + "/0");
        index.assertRefused(
                change(GinRecord.INSERT, 0, false, INNER_ENTRY, entry(4, false, tuple(5, 16, 12, 0))),
                "no line pointer 4");
        index.assertRefused(
                change(GinRecord.INSERT, 0, false, INNER_ENTRY, entry(1, true, tuple(5, 16, 12, 0))),
                "is to be replaced");
        page.setUpper(page.lower() + 10);
        index.assertRefused(
                change(GinRecord.INSERT, 0, false, INNER_ENTRY, entry(1, false, tuple(5, 16, 12, 0))), "no room");

        inner(item(11, 50), item(12, tid(-1L >>> 32, 2000)));
        index.apply(change(GinRecord.INSERT, 0, false, INNER_DATA, concat(u16s(1), item(11, 20))));
        assertThat(postingItems()).containsExactly("11 0/20", NEW_CHILD + " 0/50", "12 -1/2000");
        assertThat(page.lower()).isEqualTo(62);
        index.apply(change(GinRecord.INSERT, 0, false, INNER_DATA, concat(u16s(3), item(12, 60))));
        assertThat(postingItems()).containsExactly("11 0/20", NEW_CHILD + " 0/50", "12 0/60", NEW_CHILD + " -1/2000");
        for (int number : new int[] {0, 5}) {
            index.assertRefused(
                    change(GinRecord.INSERT, 0, false, INNER_DATA, concat(u16s(number), item(1, 1))),
                    "there is no posting item " + number);
        }
        index.assertRefused(change(GinRecord.INSERT, 0, false, INNER_DATA, new byte[11]), "12 bytes at offset 0");
        page.putU16(MAX_OFFSET, 815);
        page.setLower(8182);
        index.assertRefused(change(GinRecord.INSERT, 0, false, INNER_DATA, concat(u16s(1), item(1, 1))), "no room");
        page.putU16(MAX_OFFSET, 816);
        index.assertRefused(change(GinRecord.INSERT, 0, false, INNER_DATA, concat(u16s(1), item(1, 1))), "it has 816");
    }

    @Test
    void theLeftHalfForgetsItsSplit() throws Exception {
        for (int flags : new int[] {0x42, 0x40, 0xC3, 0x41}) {
            for (int id : new int[] {1, 3}) {
                GinSamples.initialize(page, flags);
                int opcode = id == 1 ? GinRecord.INSERT : GinRecord.SPLIT;
                index.apply(change(opcode, id, false, id == 1 ? INNER_ENTRY : split(0), NOTHING));
                assertThat(page.u16(FLAGS)).isEqualTo(flags & ~0x40);
            }
        }
        index.assertRefused(change(GinRecord.INSERT, 1, false, u16s(2), NOTHING), "block reference 1");
        index.assertRefused(change(GinRecord.INSERT, 1, false, u16s(3), NOTHING), "block reference 1");
        index.assertRefused(change(GinRecord.INSERT, 2, false, INNER_DATA, NOTHING), "block reference 2");
        index.assertRefused(change(GinRecord.SPLIT, 3, false, split(2), NOTHING), "block reference 3");
        page.putU16(FLAGS, 0x48);
        index.assertRefused(
                change(GinRecord.INSERT, 1, false, INNER_ENTRY, NOTHING), "no live inner page of the entry");
    }

    @Test
    void whatComesAsAnImageHasToHaveOne() throws Exception {
        items(0x02);
        index.assertRefused(change(GinRecord.SPLIT, 0, false, split(2), NOTHING), "0 has no image to be applied");
        index.assertRefused(change(GinRecord.SPLIT, 1, false, split(2), NOTHING), "1 has no image to be applied");
        index.assertRefused(change(GinRecord.SPLIT, 2, false, split(4), NOTHING), "2 has no image to be applied");
        index.assertRefused(change(GinRecord.SPLIT, 2, false, split(0), NOTHING), "does not change block reference 2");
        index.assertRefused(change(GinRecord.SPLIT, 4, false, split(4), NOTHING), "does not change block reference 4");
        index.assertRefused(change(GinRecord.VACUUM_PAGE, 0, false, NOTHING, NOTHING), "0 has no image to be applied");
    }

    @Test
    void aPageLeavesAPostingTree() throws Exception {
        byte[] main = concat(u16s(2, 0), i32s(77, -5));
        GinSamples.leaf(page);
        index.apply(change(GinRecord.DELETE_PAGE, 0, false, main, NOTHING));
        assertThat(page.u16(FLAGS)).isEqualTo(0x87);
        assertThat(page.pruneXid()).isEqualTo(-5);
        assertThat(page.i32(RIGHT)).isEqualTo(-1);
        index.assertRefused(change(GinRecord.DELETE_PAGE, 0, false, main, NOTHING), "no live leaf of a posting tree");

        GinSamples.leaf(page);
        index.apply(change(GinRecord.DELETE_PAGE, 2, false, main, NOTHING));
        assertThat(page.i32(RIGHT)).isEqualTo(77);
        assertThat(page.u16(FLAGS)).isEqualTo(0x83);
        assertThat(page.pruneXid()).isZero();

        inner(item(11, 10), item(12, 20), item(13, 30));
        index.apply(change(GinRecord.DELETE_PAGE, 1, false, main, NOTHING));
        assertThat(postingItems()).containsExactly("11 0/10", "13 0/30");
        assertThat(page.lower()).isEqualTo(52);
        index.apply(change(GinRecord.DELETE_PAGE, 1, false, main, NOTHING));
        assertThat(postingItems()).containsExactly("11 0/10");
        index.assertRefused(change(GinRecord.DELETE_PAGE, 1, false, main, NOTHING), "there is no posting item 2");
        index.assertRefused(
                change(GinRecord.DELETE_PAGE, 3, false, main, NOTHING), "does not change block reference 3");
        index.assertRefused(change(GinRecord.DELETE_PAGE, 0, false, u16s(2), NOTHING), "12 bytes at offset 0");
    }

    @Test
    void theMetaPageIsWrittenAnewAndTheTailGrows() throws Exception {
        index.apply(change(GinRecord.UPDATE_META_PAGE, 0, true, update(-1, -1, 0), NOTHING));
        assertMeta();
        items(0x30, tuple(1, 16, 0, 1));
        page.putU16(MAX_OFFSET, 3);
        byte[] tuples = concat(tuple(2, 10, 5, 1), tuple(3, 24, 5, 1));
        index.apply(change(GinRecord.UPDATE_META_PAGE, 1, false, update(-1, -1, 2), tuples));
        assertThat(items()).containsExactly("1 16 0/1", "2 10 5/1", "3 24 5/1");
        assertThat(page.u16(MAX_OFFSET)).isEqualTo(4);
        assertThat(page.i32(RIGHT)).isEqualTo(-1);
        index.apply(change(GinRecord.UPDATE_META_PAGE, 1, false, update(4, 55, 0), NOTHING));
        assertThat(page.i32(RIGHT)).isEqualTo(55);
        assertThat(page.u16(MAX_OFFSET)).isEqualTo(4);

        IndexChange unchanged = change(GinRecord.UPDATE_META_PAGE, 1, false, update(-1, 55, 0), NOTHING);
        index.assertRefused(unchanged, "does not change block reference 1");
        index.assertRefused(
                change(GinRecord.UPDATE_META_PAGE, 1, false, update(-1, -1, 3), tuples),
                "2 tuples, where there are to be 3");
        byte[] many = new byte[0];
        for (int i = 0; i < 500; i++) {
            many = concat(many, tuple(i, 10, 1, 1));
        }
        index.assertRefused(
                change(GinRecord.UPDATE_META_PAGE, 1, false, update(-1, -1, 500), many), "room for 500 tuples");
        index.assertRefused(
                change(GinRecord.UPDATE_META_PAGE, 1, false, update(-1, -1, 2), new byte[16]), "a tuple of 0 bytes");
        page.putU16(FLAGS, 0x02);
        index.assertRefused(
                change(GinRecord.UPDATE_META_PAGE, 1, false, update(-1, -1, 2), tuples),
                "no live page of the pending list");
    }

    @Test
    void thePendingListComesAndGoes() throws Exception {
        byte[] tuples = concat(tuple(2, 10, 5, 1), tuple(3, 24, 5, 1));
        index.apply(change(GinRecord.INSERT_LISTPAGE, 0, true, i32s(-1, 2), tuples));
        assertThat(items()).containsExactly("2 10 5/1", "3 24 5/1");
        assertThat(page.u16(FLAGS)).isEqualTo(0x30);
        assertThat(page.u16(MAX_OFFSET)).isEqualTo(1);
        assertThat(page.i32(RIGHT)).isEqualTo(-1);
        index.apply(change(GinRecord.INSERT_LISTPAGE, 0, true, i32s(66, 2), tuples));
        assertThat(items()).containsExactly("2 10 5/1", "3 24 5/1");
        assertThat(page.u16(FLAGS)).isEqualTo(0x10);
        assertThat(page.u16(MAX_OFFSET)).isZero();
        assertThat(page.i32(RIGHT)).isEqualTo(66);
        index.assertRefused(change(GinRecord.INSERT_LISTPAGE, 0, true, i32s(66, 1), tuples), "2 tuples");

        byte[] main = concat(metadata(), i32s(2, 0));
        index.apply(change(GinRecord.DELETE_LISTPAGE, 0, true, main, NOTHING));
        assertMeta();
        for (int id = 1; id <= 2; id++) {
            items(0x30, tuple(1, 16, 0, 1));
            index.apply(change(GinRecord.DELETE_LISTPAGE, id, true, main, NOTHING));
            assertThat(page.isEmpty()).isTrue();
            assertThat(page.u16(FLAGS)).isEqualTo(0x04);
            assertThat(page.i32(RIGHT)).isEqualTo(-1);
        }
        index.assertRefused(change(GinRecord.DELETE_LISTPAGE, 3, true, main, NOTHING), "block reference 3");
        index.assertRefused(change(GinRecord.DELETE_LISTPAGE, 0, true, metadata(), NOTHING), "4 bytes at offset 56");
    }

    private void assertMeta() throws PageException {
        assertThat(page.lower()).isEqualTo(80);
        assertThat(page.upper()).isEqualTo(8184);
        assertThat(page.u16(FLAGS)).isEqualTo(0x08);
        assertThat(page.i32(RIGHT)).isEqualTo(-1);
        assertThat(Arrays.copyOfRange(page.bytes(), 24, 80)).isEqualTo(metadata());
    }

    @Test
    void otherTypesAreRefused() throws Exception {
        items(0x02);
        for (int opcode : new int[] {0x00, 0xA0, 0xF0}) {
            index.assertRefused(change(opcode, 0, false, new byte[100], NOTHING), "does not change block reference 0");
        }
        IndexChange insert = change(GinRecord.INSERT, 0, false, u16s(2), entry(1, false, tuple(1, 16, 0, 1)));
        for (int flags : new int[] {0x00, 0x03, 0x06, 0x08, 0x12}) {
            page.putU16(FLAGS, flags);
            index.assertRefused(insert, "it is no live leaf of the entry tree of a GIN index");
        }
        page.putU16(FLAGS, 0x02);
        index.assertRefused(change(GinRecord.INSERT, 0, false, u16s(2), entry(1, false, new byte[16])), "a tuple of 0");
        index.assertRefused(
                change(GinRecord.INSERT, 0, false, u16s(2), entry(1, false, concat(tuple(1, 16, 0, 1), u8s(0)))),
                "a tuple of 16 bytes, where 17 are left");
        index.assertRefused(
                change(GinRecord.INSERT, 0, false, u16s(2), entry(2, false, tuple(1, 16, 0, 1))), "added as number 2");
        index.assertRefused(
                change(GinRecord.INSERT, 0, false, u16s(2), entry(1, true, tuple(1, 16, 0, 1))), "no line pointer 1");
    }

    @Test
    void theMaskHidesDeletedPagesAndFreeSpace() throws Exception {
        items(0x02, tuple(1, 16, 0, 1));
        Page other = new Page();
        other.copyFrom(page);
        page.setLsn(9);
        page.setChecksum(9);
        page.setPruneXid(9);
        page.setFlags(7);
        page.putU8(page.lower(), 9);
        assertSameWhenMasked(other, true);
        page.setLinePointer(1, LinePointer.withState(page.linePointer(1), LinePointer.DEAD));
        assertSameWhenMasked(other, false);

        // Data pages of old versions have no pd_lower that could be believed.
        GinSamples.initialize(page, 0x01);
        other.copyFrom(page);
        page.putU8(40, 9);
        assertSameWhenMasked(other, false);

        GinSamples.leaf(page, segment(1, 2, 3));
        page.putU16(FLAGS, 0x87);
        GinSamples.initialize(other, 0x04);
        assertSameWhenMasked(other, true);
        page.initialize(16);
        assertThatThrownBy(() -> new GinRedo().mask(page, 1)).isInstanceOf(PageException.class);
    }

    private void assertSameWhenMasked(Page other, boolean same) throws PageException {
        Page first = new Page();
        Page second = new Page();
        first.copyFrom(page);
        second.copyFrom(other);
        new GinRedo().mask(first, 1);
        new GinRedo().mask(second, 1);
        assertThat(Arrays.equals(first.bytes(), second.bytes())).isEqualTo(same);
    }

    @Test
    void mutatedRecordsAndPagesNeverHalfChangeAPage() throws Exception {
        MutatedRecords.check(
                17,
                4000,
                index,
                fuzzed(),
                this::pageFor,
                new Area(8, 60),
                new Area(RIGHT - 60, 60),
                new Area(RIGHT, 8));
    }

    private static List<IndexChange> fuzzed() {
        byte[] tree = concat(i32s(12), segment(10, 20, 30, 40));
        byte[] add = concat(u16s(2), u8s(0, 4), u16s(2), tids(15, 5000), u8s(1, 3), segment(6000, 6001));
        byte[] tuples = concat(tuple(2, 10, 5, 1), tuple(3, 24, 5, 1));
        return List.of(
                change(GinRecord.CREATE_PTREE, 0, true, tree, NOTHING),
                change(GinRecord.INSERT, 0, false, u16s(2), entry(2, false, tuple(2, 16, 0, 1))),
                change(GinRecord.INSERT, 0, false, u16s(2), entry(2, true, tuple(2, 40, 0, 1))),
                change(GinRecord.INSERT, 0, false, INNER_ENTRY, entry(2, false, tuple(2, 16, 0, 1))),
                change(GinRecord.INSERT, 0, false, INNER_DATA, concat(u16s(2), item(11, 20))),
                change(GinRecord.INSERT, 0, false, u16s(3), add),
                change(GinRecord.INSERT, 1, false, INNER_DATA, NOTHING),
                change(GinRecord.VACUUM_DATA_LEAF_PAGE, 0, false, NOTHING, add),
                change(GinRecord.DELETE_PAGE, 0, false, concat(u16s(2, 0), i32s(7, 8)), NOTHING),
                change(GinRecord.DELETE_PAGE, 1, false, concat(u16s(2, 0), i32s(7, 8)), NOTHING),
                change(GinRecord.DELETE_PAGE, 2, false, concat(u16s(2, 0), i32s(7, 8)), NOTHING),
                change(GinRecord.UPDATE_META_PAGE, 0, true, update(4, 5, 0), NOTHING),
                change(GinRecord.UPDATE_META_PAGE, 1, false, update(4, 5, 2), tuples),
                change(GinRecord.UPDATE_META_PAGE, 1, false, update(4, 5, 0), NOTHING),
                change(GinRecord.INSERT_LISTPAGE, 0, true, i32s(-1, 2), tuples),
                change(GinRecord.DELETE_LISTPAGE, 2, true, concat(metadata(), i32s(2, 0)), NOTHING),
                change(GinRecord.SPLIT, 3, false, split(0), NOTHING));
    }

    /** A page that the record can be applied to; it is nearly full where room matters. */
    private void pageFor(IndexChange sample) throws PageException {
        boolean tail = sample.opcode() == GinRecord.UPDATE_META_PAGE || sample.opcode() == GinRecord.INSERT_LISTPAGE;
        if (Arrays.equals(sample.main(), INNER_DATA)
                || (sample.opcode() == GinRecord.DELETE_PAGE && sample.blockId() == 1)) {
            inner(item(11, 10), item(12, 20), item(13, 30));
        } else if (tail || (sample.opcode() == GinRecord.INSERT && (sample.main()[0] & 1) == 0)) {
            int flags = tail ? 0x30 : Arrays.equals(sample.main(), INNER_ENTRY) ? 0x00 : 0x02;
            items(flags, tuple(0, 7900, 0, 1), tuple(1, 16, 0, 1), tuple(3, 16, 0, 1));
        } else {
            GinSamples.leaf(page, segment(10, 20, 4000), segment(5000, 5500));
        }
    }

    private void items(int flags, byte[]... tuples) throws PageException {
        GinSamples.initialize(page, flags);
        index.add(tuples);
    }

    /** An inner page of a posting tree. */
    private void inner(byte[]... items) throws PageException {
        GinSamples.initialize(page, 0x01);
        byte[] all = concat(items);
        page.put(32, all, 0, all.length);
        page.putU16(MAX_OFFSET, items.length);
        page.setLower(32 + all.length);
    }

    /** The items in words: key, length and item pointer. */
    private List<String> items() throws PageException {
        List<String> items = new ArrayList<>();
        for (int number = 1; number <= page.maxOffset(); number++) {
            int at = page.normalItem(number, 9);
            int length = LinePointer.length(page.linePointer(number));
            items.add(page.u8(at + 8) + " " + length + " " + page.tidBlock(at) + "/" + page.tidOffset(at));
        }
        return items;
    }

    /** The posting items in words: child and item pointer. */
    private List<String> postingItems() throws PageException {
        List<String> items = new ArrayList<>();
        for (int at = 32; at < page.lower(); at += 10) {
            int child = page.u16(at) << 16 | page.u16(at + 2);
            items.add(child + " " + page.tidBlock(at + 4) + "/" + page.tidOffset(at + 4));
        }
        assertThat(page.u16(MAX_OFFSET)).isEqualTo(items.size());
        return items;
    }

    private static byte[] entry(int number, boolean replaces, byte[] tuple) {
        return concat(u16s(number), u8s(replaces ? 1 : 0, 0x7F), tuple);
    }

    private static byte[] split(int flags) {
        return concat(i32s(1663, 5, 24660, 9, 10, 11), u16s(flags, 0));
    }

    private static byte[] metadata() {
        return i32s(1, 2, 3, 4, 5, 0, 6, 7, 8, 0, 9, 0, 2, 0);
    }

    private static byte[] update(int previousTail, int right, int tuples) {
        return concat(i32s(1663, 5, 24660, 0), metadata(), i32s(previousTail, right, tuples, 0));
    }
}
