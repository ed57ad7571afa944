package dev.palimpsest.postgres.redo;

import static dev.palimpsest.postgres.Bytes.buffer;
import static dev.palimpsest.postgres.Bytes.concat;
import static dev.palimpsest.postgres.Bytes.i32s;
import static dev.palimpsest.postgres.Bytes.u16s;
import static dev.palimpsest.postgres.redo.HashSamples.NOTHING;
import static dev.palimpsest.postgres.redo.HashSamples.change;
import static dev.palimpsest.postgres.redo.HashSamples.tuple;
import static dev.palimpsest.postgres.redo.IndexChange.END;
import static dev.palimpsest.postgres.redo.IndexChange.START;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.page.LinePointer;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.rmgr.HashRecord;
import dev.palimpsest.postgres.wal.RedoException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class HashRedoTest {
    private static final int PREVIOUS = 8176;
    private static final int NEXT = 8180;
    private static final int BUCKET = 8184;
    private static final int FLAGS = 8188;
    private static final int PAGE_ID = 8190;
    private static final int META = 24;

    private final IndexRedo index = new IndexRedo();
    private final PageRedo redo = index.redo();
    private final Page page = index.page();

    @AfterEach
    void close() {
        index.close();
    }

    @Test
    void aMetaPageCountsBucketsByTuples() throws Exception {
        // tuples, greatest bucket, mask, split point
        long[][] indexes = {
            {0, 1, 3, 1},
            {20, 1, 3, 1},
            {21, 1, 3, 1},
            {30, 3, 7, 2},
            {40, 3, 7, 2},
            {41, 3, 7, 2},
            {50, 7, 15, 3},
            {5120, 511, 1023, 9},
            {5130, 639, 1023, 10},
            {6410, 767, 1023, 11},
            {8970, 1023, 2047, 13},
            {10250, 1279, 2047, 14},
            {1L << 50, 0x3FFFFFFF, 0x7FFFFFFF, 93}
        };
        for (long[] expected : indexes) {
            byte[] main = buffer(14)
                    .putDouble((double) expected[0])
                    .putInt(450)
                    .putShort((short) 10)
                    .array();
            index.apply(change(HashRecord.INIT_META_PAGE, 0, true, main, NOTHING));
            assertThat(page.i32(META + 24)).as("%s", Arrays.toString(expected)).isEqualTo((int) expected[1]);
            assertThat(page.i32(META + 28)).as("%s", Arrays.toString(expected)).isEqualTo((int) expected[2]);
            assertThat(page.i32(META + 32)).isEqualTo((int) expected[2] >>> 1);
            assertThat(page.i32(META + 36)).as("%s", Arrays.toString(expected)).isEqualTo((int) expected[3]);
            assertThat(page.i32(META + 52 + 4 * (int) expected[3])).isEqualTo(1);
        }
        assertThat(page.i32(META)).isEqualTo(0x06440640);
        assertThat(page.i32(META + 4)).isEqualTo(4);
        assertThat(page.i64(META + 8)).isZero();
        assertThat(page.i64(META + 16)).isEqualTo(10 | 8152L << 16 | 4096L << 32 | 15L << 48);
        assertThat(page.i32(META + 48)).isEqualTo(450);
        assertThat(page.lower()).isEqualTo(4568);
        assertSpecial(-1, -1, -1, 8);
        for (double tuples : new double[] {-1, Double.NaN}) {
            byte[] main = buffer(14).putDouble(tuples).putShort(12, (short) 10).array();
            index.assertRefused(change(HashRecord.INIT_META_PAGE, 0, true, main, NOTHING), "an index for");
        }
        index.assertRefused(change(HashRecord.INIT_META_PAGE, 0, true, new byte[14], NOTHING), "0 to a bucket");
        index.assertRefused(
                change(
                        HashRecord.INIT_META_PAGE,
                        0,
                        false,
                        buffer(14).putShort(12, (short) 10).array(),
                        NOTHING),
                "not marked as made anew");
    }

    @Test
    void aBitmapPageIsMade() throws Exception {
        IndexChange init = change(HashRecord.INIT_BITMAP_PAGE, 0, true, u16s(4096), NOTHING);
        index.apply(init);
        assertSpecial(-1, -1, -1, 4);
        assertThat(page.lower()).isEqualTo(24 + 4096);
        assertThat(Arrays.copyOfRange(page.bytes(), 24, 24 + 4096)).containsOnly(0xFF);
        assertThat(Arrays.copyOfRange(page.bytes(), 24 + 4096, PREVIOUS)).containsOnly(0);
        meta();
        page.putI32(META + 24, 5);
        index.apply(change(HashRecord.INIT_BITMAP_PAGE, 1, false, u16s(4096), NOTHING));
        assertThat(page.i32(META + 44)).isEqualTo(1);
        assertThat(page.i32(META + 444)).isEqualTo(7);
        index.assertRefused(change(HashRecord.INIT_BITMAP_PAGE, 0, true, u16s(0), NOTHING), "does not fit");
        index.assertRefused(change(HashRecord.INIT_BITMAP_PAGE, 0, true, u16s(8153), NOTHING), "does not fit");
        page.putI32(META + 44, 1024);
        index.assertRefused(change(HashRecord.INIT_BITMAP_PAGE, 1, false, u16s(4096), NOTHING), "1024 are the most");
    }

    @Test
    void anInsertMovesTheItemsBehindItAndIsCounted() throws Exception {
        bucket(2, tuple(10, 16), tuple(30, 24));
        IndexChange insert = change(HashRecord.INSERT, 0, false, u16s(2), tuple(20, 16));
        index.apply(insert);
        assertThat(items()).containsExactly(10, 20, 30);
        meta();
        index.apply(change(HashRecord.INSERT, 1, false, u16s(2), NOTHING));
        assertThat(Double.longBitsToDouble(page.i64(META + 8))).isEqualTo(101);
        index.assertRefused(insert, "not those of a page with type");
        page.putI32(META, 1);
        index.assertRefused(change(HashRecord.INSERT, 1, false, u16s(2), NOTHING), "no meta page of a hash index");
        bucket(1, tuple(10, 16));
        index.assertRefused(change(HashRecord.INSERT, 0, false, u16s(3), tuple(20, 16)), "added as number 3");
        index.assertRefused(change(HashRecord.INSERT, 0, false, u16s(1), new byte[7]), "8 bytes at offset 0");
        index.assertRefused(change(HashRecord.INSERT, 2, false, u16s(1), NOTHING), "does not change block reference 2");
        page.putU16(PAGE_ID, 0xFF81);
        index.assertRefused(insert, "no page of a hash index");
        page.initialize(8);
        index.assertRefused(insert, "no special area of 16 bytes");
    }

    @Test
    void aBucketGetsAnOverflowPage() throws Exception {
        byte[] main = {0, 16, 0};
        byte[] found = {0, 16, 1};
        index.apply(change(HashRecord.ADD_OVFL_PAGE, 0, true, main, i32s(6)));
        assertSpecial(11, -1, 6, 1);
        bucket(2, tuple(10, 16));
        index.apply(change(HashRecord.ADD_OVFL_PAGE, 1, false, main, NOTHING));
        assertThat(page.i32(NEXT)).isEqualTo(10);
        assertThat(page.i32(PREVIOUS)).isEqualTo(3);
        bitmap(64);
        Arrays.fill(page.bytes(), 24, 24 + 64, (byte) 0);
        index.apply(change(HashRecord.ADD_OVFL_PAGE, 2, false, main, i32s(45)));
        assertThat(page.i64(24)).isEqualTo(1L << 45);
        index.assertRefused(change(HashRecord.ADD_OVFL_PAGE, 2, false, main, i32s(64 * 8)), "has no bit 512");
        index.assertRefused(change(HashRecord.ADD_OVFL_PAGE, 2, false, main, i32s(-1)), "has no bit 4294967295");
        index.apply(change(HashRecord.ADD_OVFL_PAGE, 3, true, main, NOTHING));
        assertSpecial(-1, -1, -1, 4);

        meta();
        index.apply(change(HashRecord.ADD_OVFL_PAGE, 4, false, found, i32s(44)));
        assertThat(page.i32(META + 40)).isEqualTo(44);
        assertThat(page.i32(META + 52 + 4 * 3)).isEqualTo(7);
        index.apply(change(HashRecord.ADD_OVFL_PAGE, 4, false, main, i32s(45), 3));
        assertThat(page.i32(META + 52 + 4 * 3)).isEqualTo(8);
        assertThat(page.i32(META + 44)).isZero();
        index.apply(change(HashRecord.ADD_OVFL_PAGE, 4, false, main, i32s(46)));
        assertThat(page.i32(META + 52 + 4 * 3)).isEqualTo(10);
        assertThat(page.i32(META + 44)).isEqualTo(1);
        assertThat(page.i32(META + 444)).isEqualTo(13);
        page.putI32(META + 36, 98);
        index.assertRefused(change(HashRecord.ADD_OVFL_PAGE, 4, false, main, i32s(46)), "no split point 98");
        index.assertRefused(change(HashRecord.ADD_OVFL_PAGE, 0, true, main, i32s(6), 1), "needs block reference 1");
    }

    @Test
    void aBucketIsSplit() throws Exception {
        byte[] main = buffer(9)
                .putInt(8)
                .putShort((short) 0x22)
                .putShort((short) 0x12)
                .array();
        IndexChange old = change(HashRecord.SPLIT_ALLOCATE_PAGE, 0, false, main, NOTHING);
        bucket(0x82, tuple(10, 16));
        Page image = new Page();
        image.copyFrom(page);
        index.apply(old);
        assertThat(page.u16(FLAGS)).isEqualTo(0x22);
        assertThat(page.i32(PREVIOUS)).isEqualTo(8);
        index.apply(change(HashRecord.SPLIT_ALLOCATE_PAGE, 1, true, main, NOTHING));
        assertSpecial(8, -1, 8, 0x12);
        redo.redo(page, old.builder(PostgresVersion.V17, image).decoded(START, END), 0);
        assertThat(page.u16(FLAGS)).as("after the image").isEqualTo(0x22);
        assertThat(page.i32(PREVIOUS)).isEqualTo(8);
        assertThat(page.lsn()).isEqualTo(END);

        for (int blockId = 0; blockId <= 1; blockId++) {
            IndexChange complete = change(HashRecord.SPLIT_COMPLETE, blockId, false, u16s(0x42, 0x02), NOTHING);
            bucket(0x12);
            index.apply(complete);
            assertThat(page.u16(FLAGS)).isEqualTo(blockId == 0 ? 0x42 : 0x02);
            redo.redo(page, complete.builder(PostgresVersion.V14, image).decoded(START, END), blockId);
            assertThat(page.u16(FLAGS)).as("after the image").isEqualTo(blockId == 0 ? 0x42 : 0x02);
        }
        bucket(0xC2);
        index.apply(change(HashRecord.SPLIT_CLEANUP, 0, false, NOTHING, NOTHING));
        assertThat(page.u16(FLAGS)).isEqualTo(0x82);
        index.assertRefused(change(HashRecord.SPLIT_PAGE, 0, false, NOTHING, NOTHING), "without its image");
        redo.redo(
                page,
                change(HashRecord.SPLIT_PAGE, 0, false, NOTHING, NOTHING)
                        .builder(PostgresVersion.V18, image)
                        .decoded(START, END),
                0);
        assertThat(page.u16(FLAGS)).isEqualTo(0x82);
        bucket(1);
        index.assertRefused(old, "not those of a page with type 0x2");
    }

    @Test
    void theMetaPageLearnsOfASplit() throws Exception {
        byte[] main = buffer(9).putInt(8).array();
        meta();
        index.apply(change(HashRecord.SPLIT_ALLOCATE_PAGE, 2, false, main, NOTHING));
        assertThat(page.i32(META + 24)).isEqualTo(8);
        assertThat(page.i32(META + 28)).isEqualTo(7);
        main[8] = 1;
        index.apply(change(HashRecord.SPLIT_ALLOCATE_PAGE, 2, false, main, i32s(15, 31)));
        assertThat(page.i32(META + 32)).as("low").isEqualTo(15);
        assertThat(page.i32(META + 28)).as("high").isEqualTo(31);
        assertThat(page.i32(META + 36)).isEqualTo(3);
        main[8] = 2;
        index.apply(change(HashRecord.SPLIT_ALLOCATE_PAGE, 2, false, main, i32s(4, 9)));
        assertThat(page.i32(META + 36)).isEqualTo(4);
        assertThat(page.i32(META + 52 + 4 * 4)).isEqualTo(9);
        main[8] = 3;
        index.apply(change(HashRecord.SPLIT_ALLOCATE_PAGE, 2, false, main, i32s(31, 63, 5, 10)));
        assertThat(page.i32(META + 28)).isEqualTo(63);
        assertThat(page.i32(META + 52 + 4 * 5)).isEqualTo(10);
        index.assertRefused(
                change(HashRecord.SPLIT_ALLOCATE_PAGE, 2, false, main, i32s(1, 2, 98, 1)), "no split point");
        index.assertRefused(change(HashRecord.SPLIT_ALLOCATE_PAGE, 2, false, main, i32s(1, 2, 5)), "are not there");
        index.assertRefused(change(HashRecord.SPLIT_ALLOCATE_PAGE, 2, false, main, i32s(1, 2, 5, 9, 1)), "left over");
        index.apply(change(
                HashRecord.UPDATE_META_PAGE, 0, false, buffer(8).putDouble(77).array(), NOTHING));
        assertThat(Double.longBitsToDouble(page.i64(META + 8))).isEqualTo(77);
    }

    @Test
    void tuplesMoveWithinABucket() throws Exception {
        byte[] main = {2, 0, 0};
        byte[] data = concat(u16s(1, 3), tuple(5, 16), tuple(15, 24));
        bucket(2, tuple(10, 16));
        index.assertUnchanged(change(HashRecord.MOVE_PAGE_CONTENTS, 0, false, main, NOTHING), PostgresVersion.V17);
        index.apply(change(HashRecord.MOVE_PAGE_CONTENTS, 1, false, main, data));
        assertThat(items()).containsExactly(5, 10, 15);
        assertThat(LinePointer.length(page.linePointer(3))).isEqualTo(24);
        index.apply(change(HashRecord.MOVE_PAGE_CONTENTS, 2, false, main, u16s(1, 3)));
        assertThat(items()).containsExactly(10);
        index.assertRefused(change(HashRecord.MOVE_PAGE_CONTENTS, 1, false, main, u16s(1)), "are not there");
        index.assertRefused(
                change(HashRecord.MOVE_PAGE_CONTENTS, 1, false, main, concat(data, new byte[8])), "left over");
        index.assertRefused(
                change(HashRecord.MOVE_PAGE_CONTENTS, 1, false, main, concat(u16s(1, 2), tuple(5, 16), new byte[16])),
                "a tuple of 0 bytes");
        index.assertRefused(
                change(HashRecord.MOVE_PAGE_CONTENTS, 2, false, main, new byte[1]), "1 bytes for the numbers");
        index.assertRefused(
                change(HashRecord.MOVE_PAGE_CONTENTS, 2, false, main, u16s(1, 2)), "4 bytes for the numbers");
    }

    @Test
    void anOverflowPageIsFreed() throws Exception {
        byte[] main = buffer(12).putInt(20).putInt(21).putShort((short) 1).array();
        byte[] toPrevious = main.clone();
        toPrevious[11] = 1;
        byte[] data = concat(u16s(2), tuple(15, 16));
        bucket(2, tuple(10, 16));
        index.assertUnchanged(change(HashRecord.SQUEEZE_PAGE, 0, false, main, NOTHING), PostgresVersion.V14);
        index.apply(change(HashRecord.SQUEEZE_PAGE, 1, false, main, data));
        assertThat(items()).containsExactly(10, 15);
        assertThat(page.i32(NEXT)).isEqualTo(4);
        bucket(2, tuple(10, 16));
        index.apply(change(HashRecord.SQUEEZE_PAGE, 1, false, toPrevious, data));
        assertThat(items()).containsExactly(10, 15);
        assertThat(page.i32(NEXT)).isEqualTo(21);
        index.apply(change(HashRecord.SQUEEZE_PAGE, 2, false, main, NOTHING));
        assertSpecial(-1, -1, -1, 0);
        assertThat(page.lower()).isEqualTo(24);
        bucket(2);
        index.apply(change(HashRecord.SQUEEZE_PAGE, 3, false, main, NOTHING));
        assertThat(page.i32(NEXT)).isEqualTo(21);
        bucket(1);
        index.apply(change(HashRecord.SQUEEZE_PAGE, 4, false, main, NOTHING));
        assertThat(page.i32(PREVIOUS)).isEqualTo(20);
        assertThat(page.i32(NEXT)).isEqualTo(4);
        bitmap(64);
        index.apply(change(HashRecord.SQUEEZE_PAGE, 5, false, main, i32s(45)));
        assertThat(page.i64(24)).isEqualTo(~(1L << 45));
        meta();
        index.apply(change(HashRecord.SQUEEZE_PAGE, 6, false, main, i32s(45)));
        assertThat(page.i32(META + 40)).isEqualTo(45);
    }

    @Test
    void aPageThatGetsNoTuplesKeepsItsLsnSince17() throws Exception {
        byte[] main = buffer(12).putInt(20).putInt(21).array();
        for (PostgresVersion version : PostgresVersion.values()) {
            IndexChange sample = change(HashRecord.SQUEEZE_PAGE, 1, false, main, NOTHING);
            bucket(2, tuple(10, 16));
            if (version.isAtLeast(PostgresVersion.V17)) {
                index.assertUnchanged(sample, version);
            } else {
                assertThat(redo.redo(page, sample.record(version), 1)).isEqualTo(RedoResult.APPLIED);
                assertThat(page.lsn()).isEqualTo(END);
            }
            byte[] toPrevious = main.clone();
            toPrevious[11] = 1;
            bucket(2, tuple(10, 16));
            redo.redo(
                    page,
                    change(HashRecord.SQUEEZE_PAGE, 1, false, toPrevious, NOTHING)
                            .record(version),
                    1);
            assertThat(page.lsn()).isEqualTo(END);
            assertThat(page.i32(NEXT)).isEqualTo(21);
        }
    }

    @Test
    void deadTuplesAreDeleted() throws Exception {
        bucket(0x82, tuple(1, 16), tuple(2, 16), tuple(3, 16), tuple(4, 16), tuple(5, 16));
        index.assertUnchanged(change(HashRecord.DELETE, 0, false, new byte[2], NOTHING), PostgresVersion.V15);
        index.apply(change(HashRecord.DELETE, 1, false, new byte[2], u16s(1, 4)));
        assertThat(items()).containsExactly(2, 3, 5);
        assertThat(page.u16(FLAGS)).isEqualTo(0x82);
        index.apply(change(HashRecord.DELETE, 1, false, new byte[] {1, 1}, NOTHING));
        assertThat(items()).containsExactly(2, 3, 5);
        assertThat(page.u16(FLAGS)).isEqualTo(0x02);
        index.assertRefused(
                change(HashRecord.DELETE, 1, false, new byte[2], u16s(3, 1)), "item 1 is to be deleted after");
        index.assertRefused(change(HashRecord.DELETE, 1, false, new byte[2], u16s(2, 4)), "no line pointer 4");

        for (PostgresVersion version : PostgresVersion.values()) {
            byte[] main = buffer(14)
                    .putInt(700)
                    .putInt(version.isAtLeast(PostgresVersion.V16) ? 0x770003 : 3)
                    .putShort((short) 1)
                    .putShort((short) 2)
                    .putShort((short) 4)
                    .array();
            bucket(0x81, tuple(1, 16), tuple(2, 16), tuple(3, 24), tuple(4, 16), tuple(5, 16));
            redo.redo(
                    page,
                    change(HashRecord.VACUUM_ONE_PAGE, 0, false, main, NOTHING).record(version),
                    0);
            assertThat(items()).as("%s", version).containsExactly(3, 5);
            assertThat(page.u16(FLAGS)).isEqualTo(0x01);
            meta();
            redo.redo(
                    page,
                    change(HashRecord.VACUUM_ONE_PAGE, 1, false, main, NOTHING).record(version),
                    1);
            assertThat(Double.longBitsToDouble(page.i64(META + 8))).isEqualTo(97);
            main[4] = 2;
            page.setLsn(0);
            assertThatThrownBy(() -> redo.redo(
                            page,
                            change(HashRecord.VACUUM_ONE_PAGE, 0, false, main, NOTHING)
                                    .record(version),
                            0))
                    .isInstanceOf(RedoException.class)
                    .hasMessageContaining("2 items, where there are 6 bytes");
        }
    }

    @Test
    void theMaskHidesHintsOnly() throws Exception {
        HashRedo masks = new HashRedo();
        Page other = new Page();
        for (int type : new int[] {1, 2}) {
            bucket(type, tuple(1, 16), tuple(2, 16));
            other.copyFrom(page);
            page.setLinePointer(2, LinePointer.withState(page.linePointer(2), LinePointer.DEAD));
            page.putU16(FLAGS, type | 0x80);
            page.putU8(page.lower(), 9);
            page.setLsn(9);
            page.setChecksum(9);
            page.setPruneXid(9);
            masks.mask(page, 1);
            masks.mask(other, 1);
            assertThat(page.bytes()).isEqualTo(other.bytes());
            page.putU16(FLAGS, type | 0x40);
            masks.mask(page, 1);
            assertThat(page.bytes()).isNotEqualTo(other.bytes());
        }
        bitmap(4096);
        other.copyFrom(page);
        page.putU8(200, 0xFE);
        masks.mask(page, 1);
        masks.mask(other, 1);
        assertThat(page.bytes()).isNotEqualTo(other.bytes());
        bucket(0, tuple(1, 16));
        other.initialize(16);
        masks.mask(page, 1);
        masks.mask(other, 1);
        assertThat(page.bytes()).as("free pages").isEqualTo(other.bytes());
    }

    private void assertSpecial(int previous, int next, int bucket, int flags) throws PageException {
        assertThat(page.upper()).isEqualTo(8176);
        assertThat(page.special()).isEqualTo(8176);
        assertThat(page.i32(PREVIOUS)).isEqualTo(previous);
        assertThat(page.i32(NEXT)).isEqualTo(next);
        assertThat(page.i32(BUCKET)).isEqualTo(bucket);
        assertThat(page.u16(FLAGS)).isEqualTo(flags);
        assertThat(page.u16(PAGE_ID)).isEqualTo(0xFF80);
    }

    /** The items' keys. */
    private List<Integer> items() throws PageException {
        List<Integer> items = new ArrayList<>();
        for (int number = 1; number <= page.maxOffset(); number++) {
            int at = page.normalItem(number, 16);
            assertThat(page.u16(at + 6)).isEqualTo(LinePointer.length(page.linePointer(number)));
            items.add(page.i32(at + 8));
        }
        return items;
    }

    private void bucket(int flags, byte[]... tuples) throws PageException {
        HashSamples.bucket(page, flags, tuples);
    }

    private void bitmap(int size) throws PageException {
        HashSamples.bitmap(page, size);
    }

    private void meta() throws PageException {
        HashSamples.meta(page);
    }
}
