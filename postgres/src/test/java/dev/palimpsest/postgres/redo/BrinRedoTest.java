package dev.palimpsest.postgres.redo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.page.LinePointer;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageEditor;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.rmgr.BrinRecord;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.RecordBuilder;
import dev.palimpsest.postgres.wal.RedoException;
import dev.palimpsest.postgres.wal.WalRecord;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class BrinRedoTest {
    private static final RelFileNode INDEX = new RelFileNode(1663, 5, 24650);
    private static final int BRIN = 17;
    private static final long START = 0x1000100;
    private static final long END = 0x1000180;
    private static final int SPECIAL = 8184;
    private static final int FLAGS = 8188;
    private static final int TYPE = 8190;
    private static final int META = 0xF091;
    private static final int RANGE_MAP = 0xF092;
    private static final int REGULAR = 0xF093;
    private static final byte[] NOTHING = {};

    /** A change to one page; the record refers to blocks 0x30010 to 0x30012 of the index by the ids 0 to 2. */
    private record Sample(int opcode, int blockId, boolean init, byte[] main, byte[] data) {
        WalRecord record() throws MalformedRecordException {
            RecordBuilder builder = new RecordBuilder(PostgresVersion.V16, BRIN, opcode).main(main);
            for (int id = 0; id <= 2; id++) {
                builder.block(id, INDEX, 0x30010 + id);
                if (id == blockId) {
                    builder.data(data);
                    if (init) {
                        builder.willInit();
                    }
                }
            }
            return builder.decoded(START, END);
        }
    }

    private final PageRedo redo = new PageRedo(HintLogging.OFF);
    private final PageEditor editor = new PageEditor();
    private final Page page = new Page();

    @AfterEach
    void close() {
        redo.close();
    }

    @Test
    void anIndexIsMade() throws Exception {
        byte[] main = bytes(6).putInt(128).putShort((short) 1).array();
        apply(new Sample(BrinRecord.CREATE_INDEX, 0, true, main, NOTHING));
        assertThat(page.u16(TYPE)).isEqualTo(META);
        assertThat(page.special()).isEqualTo(SPECIAL);
        assertThat(page.upper()).isEqualTo(SPECIAL);
        assertThat(page.lower()).isEqualTo(40);
        assertThat(page.i32(24)).isEqualTo(0xA8109CFA);
        assertThat(page.i32(28)).isEqualTo(1);
        assertThat(page.i32(32)).isEqualTo(128);
        assertThat(page.i32(36)).isZero();
        page.setLower(24);
        apply(new Sample(BrinRecord.REVMAP_EXTEND, 0, false, bytes(4).putInt(7).array(), NOTHING));
        assertThat(page.i32(36)).isEqualTo(7);
        assertThat(page.lower()).isEqualTo(40);
        apply(new Sample(BrinRecord.REVMAP_EXTEND, 1, true, bytes(4).putInt(7).array(), NOTHING));
        assertThat(page.u16(TYPE)).isEqualTo(RANGE_MAP);
        assertThat(page.lower()).isEqualTo(24);
        assertThat(Arrays.copyOfRange(page.bytes(), 24, TYPE)).containsOnly(0);
    }

    @Test
    void aSummaryIsAddedWhereARangeHadOne() throws Exception {
        regular(tuple(1, 16), tuple(2, 16), tuple(3, 16));
        apply(new Sample(BrinRecord.DESUMMARIZE, 1, false, desummarize(4, 8, 2), NOTHING));
        assertThat(items()).containsExactly("1", "-", "3");
        assertThat(page.upper()).isEqualTo(SPECIAL - 32);
        apply(new Sample(BrinRecord.INSERT, 0, false, insert(8, 4, 2), tuple(9, 20)));
        assertThat(items()).containsExactly("1", "9", "3");
        assertThat(LinePointer.length(page.linePointer(2))).isEqualTo(20);
        assertThat(page.upper()).isEqualTo(SPECIAL - 32 - 24);
        apply(new Sample(BrinRecord.DESUMMARIZE, 1, false, desummarize(4, 8, 3), NOTHING));
        assertThat(items()).containsExactly("1", "9");
        apply(new Sample(BrinRecord.INSERT, 0, false, insert(8, 4, 3), tuple(10, 24)));
        assertThat(items()).containsExactly("1", "9", "10");
        assertFails(new Sample(BrinRecord.INSERT, 0, false, insert(8, 4, 2), tuple(9, 16)), "is in use");
        assertFails(new Sample(BrinRecord.INSERT, 0, false, insert(8, 4, 5), tuple(9, 16)), "added as number 5");
        assertFails(new Sample(BrinRecord.INSERT, 0, false, insert(8, 4, 4), NOTHING), "there is no tuple");
        assertFails(new Sample(BrinRecord.INSERT, 0, false, insert(8, 4, 4), new byte[8200]), "no room");
        assertFails(new Sample(BrinRecord.DESUMMARIZE, 1, false, desummarize(4, 8, 4), NOTHING), "no line pointer 4");
        apply(new Sample(BrinRecord.INSERT | BrinRecord.INIT_PAGE, 0, true, insert(8, 4, 1), tuple(9, 16)));
        assertThat(items()).containsExactly("9");
        assertThat(page.u16(TYPE)).isEqualTo(REGULAR);
        assertFails(
                new Sample(BrinRecord.INSERT | BrinRecord.INIT_PAGE, 0, false, insert(8, 4, 1), tuple(9, 16)),
                "not marked as made anew");
        assertFails(
                new Sample(BrinRecord.INSERT, 0, true, insert(8, 4, 1), tuple(9, 16)), "no special area of 8 bytes");
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
                apply(new Sample(opcode, 1, false, main, NOTHING));
                assertThat(page.tidBlock(at)).as("%s", Arrays.toString(range)).isEqualTo(0x30010);
                assertThat(page.tidOffset(at)).isEqualTo(5);
                page.putTid(at, 0, 0);
                assertThat(Arrays.copyOfRange(page.bytes(), 24, SPECIAL)).containsOnly(0);
                byte[] gone = desummarize((int) range[1], (int) range[0], 5);
                apply(new Sample(BrinRecord.DESUMMARIZE, 0, false, gone, NOTHING));
                assertThat(page.tidBlock(at)).isEqualTo(-1);
                assertThat(page.tidOffset(at)).isZero();
            }
        }
        assertFails(new Sample(BrinRecord.INSERT, 1, false, insert(8, 0, 5), NOTHING), "a range of no pages");
        assertFails(new Sample(BrinRecord.DESUMMARIZE, 0, false, desummarize(0, 8, 5), NOTHING), "of no pages");
        WalRecord alone = new RecordBuilder(PostgresVersion.V16, BRIN, BrinRecord.INSERT)
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
        Sample replace = new Sample(BrinRecord.SAMEPAGE_UPDATE, 0, false, u16(2), tuple(9, 30));
        apply(replace);
        assertThat(items()).containsExactly("1", "9", "3");
        assertThat(LinePointer.length(page.linePointer(2))).isEqualTo(30);
        assertThat(page.upper()).isEqualTo(SPECIAL - 64);
        assertFails(new Sample(BrinRecord.SAMEPAGE_UPDATE, 0, false, u16(4), tuple(9, 30)), "no line pointer 4");
        assertFails(new Sample(BrinRecord.SAMEPAGE_UPDATE, 0, false, u16(2), tuple(9, 8150)), "no room to replace");
        assertFails(new Sample(BrinRecord.SAMEPAGE_UPDATE, 0, false, u16(2), NOTHING), "there is no tuple");
        byte[] main = update(2, insert(8, 4, 4));
        apply(new Sample(BrinRecord.UPDATE, 2, false, main, NOTHING));
        assertThat(items()).containsExactly("1", "-", "3");
        apply(new Sample(BrinRecord.UPDATE, 0, false, main, tuple(7, 16)));
        assertThat(items()).containsExactly("1", "-", "3", "7");
        apply(new Sample(BrinRecord.UPDATE | BrinRecord.INIT_PAGE, 0, true, update(2, insert(8, 4, 1)), tuple(7, 16)));
        assertThat(items()).containsExactly("7");
        empty(RANGE_MAP);
        assertFails(replace, "where 0xf093 is needed");
        empty(META);
        assertFails(new Sample(BrinRecord.REVMAP_EXTEND, 0, false, new byte[4], NOTHING), "no meta page");
        page.initialize(16);
        assertFails(replace, "no special area of 8 bytes");
    }

    @Test
    void noOtherBlocksChange() throws Exception {
        regular(tuple(1, 16));
        byte[] main = new byte[14];
        int[][] others = {{0x00, 1}, {0x10, 2}, {0x90, 2}, {0x30, 1}, {0x40, 2}, {0x50, 2}, {0x60, 0}, {0x80, 0}};
        for (int[] other : others) {
            assertFails(new Sample(other[0], other[1], false, main, NOTHING), "block reference " + other[1]);
        }
        assertFails(new Sample(BrinRecord.CREATE_INDEX, 0, false, main, NOTHING), "not marked as made anew");
        assertFails(new Sample(BrinRecord.REVMAP_EXTEND, 1, false, main, NOTHING), "not marked as made anew");
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
        long seed = 18;
        Random random = new Random(seed);
        Sample[] samples = {
            new Sample(BrinRecord.INSERT, 0, false, insert(8, 4, 2), tuple(9, 16)),
            new Sample(BrinRecord.INSERT, 1, false, insert(8, 4, 2), NOTHING),
            new Sample(BrinRecord.INSERT | BrinRecord.INIT_PAGE, 0, true, insert(8, 4, 1), tuple(9, 16)),
            new Sample(BrinRecord.UPDATE, 0, false, update(1, insert(8, 4, 2)), tuple(9, 16)),
            new Sample(BrinRecord.UPDATE, 2, false, update(1, insert(8, 4, 2)), NOTHING),
            new Sample(BrinRecord.SAMEPAGE_UPDATE, 0, false, u16(3), tuple(9, 40)),
            new Sample(BrinRecord.REVMAP_EXTEND, 0, false, new byte[4], NOTHING),
            new Sample(BrinRecord.REVMAP_EXTEND, 1, true, new byte[4], NOTHING),
            new Sample(BrinRecord.CREATE_INDEX, 0, true, new byte[6], NOTHING),
            new Sample(BrinRecord.DESUMMARIZE, 0, false, desummarize(4, 8, 3), NOTHING),
            new Sample(BrinRecord.DESUMMARIZE, 1, false, desummarize(4, 8, 3), NOTHING)
        };
        int[] done = new int[samples.length];
        int[] refused = new int[samples.length];
        for (int round = 0; round < 55_000; round++) {
            int which = round % samples.length;
            Sample sample = samples[which];
            switch (sample.opcode() | sample.blockId()) {
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
            byte[] main = mutated(random, sample.main());
            byte[] data = mutated(random, sample.data());
            for (int i = random.nextInt(3); i > 0; i--) {
                int at = random.nextBoolean() ? 8 + random.nextInt(34) : SPECIAL + random.nextInt(8);
                page.bytes()[at] = (byte) random.nextInt(random.nextBoolean() ? 8 : 256);
            }
            byte[] before = page.bytes().clone();
            WalRecord record = new Sample(sample.opcode(), sample.blockId(), sample.init(), main, data).record();
            try {
                if (redo.redo(page, record, sample.blockId()) != RedoResult.PAGE_MISSING) {
                    done[which]++;
                }
            } catch (RedoException e) {
                refused[which]++;
                assertThat(page.bytes()).as("seed %d round %d", seed, round).isEqualTo(before);
            }
        }
        assertThat(done).as("done").doesNotContain(0);
        assertThat(refused).as("refused").doesNotContain(0);
    }

    private static byte[] mutated(Random random, byte[] bytes) {
        byte[] mutated =
                random.nextInt(10) == 0 ? Arrays.copyOf(bytes, random.nextInt(bytes.length + 4)) : bytes.clone();
        if (mutated.length > 0 && random.nextInt(3) == 0) {
            mutated[random.nextInt(mutated.length)] = (byte) random.nextInt(random.nextBoolean() ? 8 : 256);
        }
        return mutated;
    }

    private void apply(Sample sample) throws Exception {
        page.setLsn(0);
        RedoResult result = redo.redo(page, sample.record(), sample.blockId());
        assertThat(result).isEqualTo(sample.init() ? RedoResult.INITIALIZED : RedoResult.APPLIED);
        assertThat(page.lsn()).isEqualTo(END);
    }

    private void assertFails(Sample sample, String message) {
        page.setLsn(0);
        byte[] before = page.bytes().clone();
        assertThatThrownBy(() -> redo.redo(page, sample.record(), sample.blockId()))
                .isInstanceOf(RedoException.class)
                .hasMessageContaining(message);
        assertThat(page.bytes()).isEqualTo(before);
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
        return bytes(size).putInt(key).array();
    }

    private static byte[] insert(int heapBlock, int pagesPerRange, int item) {
        return bytes(10)
                .putInt(heapBlock)
                .putInt(pagesPerRange)
                .putShort((short) item)
                .array();
    }

    private static byte[] update(int oldItem, byte[] insert) {
        return bytes(14).putInt(oldItem).put(insert).array();
    }

    private static byte[] desummarize(int pagesPerRange, int heapBlock, int item) {
        return bytes(10)
                .putInt(pagesPerRange)
                .putInt(heapBlock)
                .putShort((short) item)
                .array();
    }

    private static byte[] u16(int value) {
        return bytes(2).putShort((short) value).array();
    }

    private static ByteBuffer bytes(int length) {
        return ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    }
}
