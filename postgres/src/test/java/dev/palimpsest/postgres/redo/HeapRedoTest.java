package dev.palimpsest.postgres.redo;

import static dev.palimpsest.postgres.Bytes.concat;
import static dev.palimpsest.postgres.Bytes.le;
import static dev.palimpsest.postgres.redo.HeapRecords.BLOCK;
import static dev.palimpsest.postgres.redo.HeapRecords.END;
import static dev.palimpsest.postgres.redo.HeapRecords.HEAP;
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

class HeapRedoTest {
    private static final PostgresVersion V17 = PostgresVersion.V17;
    private static final byte[] BODY = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};

    private final PageRedo redo = new PageRedo(HintLogging.OFF);

    @AfterEach
    void close() {
        redo.close();
    }

    private static byte[] tuple(Page page, int number) throws PageException {
        int at = page.normalItem(number, HeapTuple.HEADER_SIZE);
        return Arrays.copyOfRange(page.bytes(), at, at + LinePointer.length(page.linePointer(number)));
    }

    private static byte[] header(int xmin, int xmax, int block, int offset, int infomask2, int infomask) {
        return le("iiihhhhhb", xmin, xmax, 0, block >>> 16, block, offset, infomask2, infomask, 24);
    }

    @Test
    void theWorkedExampleOfAnInsertOnANewPage() throws Exception {
        Page page = new Page();
        page.setLsn(-1);
        WalRecord record = new RecordBuilder(V17, HEAP, 0x80)
                .xid(789)
                .block(0, TABLE, 0)
                .willInit()
                .data(le("hhbbi", 1, 0x0800, 24, 0, 1))
                .main(le("hb", 1, 8))
                .decoded(START, END);
        assertThat(redo.redo(page, record, 0)).isEqualTo(RedoResult.INITIALIZED);
        assertThat(page.lower()).isEqualTo(28);
        assertThat(page.upper()).isEqualTo(8160);
        assertThat(page.lsn()).isEqualTo(END);
        assertThat(tuple(page, 1)).isEqualTo(concat(header(789, 0, 0, 1, 1, 0x0800), le("bi", 0, 1)));
        assertThat(RecordDescriber.describe(record)).isEqualTo("off: 1, flags: 0x08");
    }

    @Test
    void anInsertTakesTheGivenLinePointerAndTheFlagsCount() throws Exception {
        byte[] data = concat(le("hhb", 1, 0x0820, 24), new byte[] {0, 42});
        for (PostgresVersion version : PostgresVersion.values()) {
            Page page = HeapRecords.page(BODY, BODY);
            page.setLinePointer(1, 0);
            WalRecord record =
                    onBlock(version, HEAP, 0).data(data).main(le("hb", 1, 1)).decoded(START, END);
            assertThat(redo.redo(page, record, 0)).isEqualTo(RedoResult.APPLIED);
            assertThat(tuple(page, 1)).isEqualTo(concat(header(XID, 0, BLOCK, 1, 1, 0x0800), new byte[] {0, 42}));
            assertThat(page.flags()).isZero();
            WalRecord frozen =
                    onBlock(version, HEAP, 0).data(data).main(le("hb", 3, 0x20)).decoded(END, END + 64);
            redo.redo(page, frozen, 0);
            boolean sets = !version.isAtLeast(V17);
            assertThat(page.flags()).as("%s", version).isEqualTo(sets ? PageLayout.ALL_VISIBLE : 0);
        }
    }

    @Test
    void anInsertThatDoesNotFitLeavesThePage() throws Exception {
        Page page = HeapRecords.page(BODY);
        byte[] before = page.bytes().clone();
        byte[] data = le("hhbbi", 1, 0x0800, 24, 0, 1);
        WalRecord inUse = onBlock(V17, HEAP, 0).data(data).main(le("hb", 1, 0)).decoded(START, END);
        assertThatThrownBy(() -> redo.redo(page, inUse, 0)).hasMessageContaining("line pointer 1 is to be taken");
        WalRecord gap = onBlock(V17, HEAP, 0).data(data).main(le("hb", 3, 0)).decoded(START, END);
        assertThatThrownBy(() -> redo.redo(page, gap, 0)).hasMessageContaining("the next free one is 2");
        WalRecord badHoff = onBlock(V17, HEAP, 0)
                .data(le("hhbb", 1, 0x0800, 32, 0))
                .main(le("hb", 2, 0))
                .decoded(START, END);
        assertThatThrownBy(() -> redo.redo(page, badHoff, 0)).hasMessageContaining("attributes begin at 32");
        WalRecord noData = onBlock(V17, HEAP, 0).main(le("hb", 2, 0)).decoded(START, END);
        assertThatThrownBy(() -> redo.redo(page, noData, 0)).isInstanceOf(RedoException.class);
        assertThat(page.bytes()).isEqualTo(before);
    }

    @Test
    void aDeleteMarksTheTuple() throws Exception {
        Page page = HeapRecords.page(BODY, BODY);
        WalRecord record =
                onBlock(V17, HEAP, 0x10).main(le("ihbb", 900, 2, 0x11, 1)).decoded(START, END);
        assertThat(redo.redo(page, record, 0)).isEqualTo(RedoResult.APPLIED);
        assertThat(tuple(page, 2))
                .isEqualTo(concat(header(700, 900, BLOCK, 2, 2 | 0x2000, 0x0002 | 0x1000), new byte[] {0}, BODY));
        assertThat(page.flags()).isZero();
        assertThat(page.pruneXid()).isEqualTo(XID);
        assertThat(RecordDescriber.describe(record))
                .isEqualTo("xmax: 900, off: 2, infobits: [IS_MULTI, KEYS_UPDATED], flags: 0x01");
    }

    @Test
    void aDeleteTakesBackASpeculativeInsertOrMovesToAnotherPartition() throws Exception {
        Page page = HeapRecords.page(BODY, BODY);
        page.setPruneXid(750);
        WalRecord back = onBlock(V17, HEAP, 0x10).main(le("ihbb", 900, 1, 0, 8)).decoded(START, END);
        redo.redo(page, back, 0);
        assertThat(tuple(page, 1)).startsWith(header(0, 701, BLOCK, 1, 2, 0x0002));
        assertThat(page.flags()).isEqualTo(PageLayout.ALL_VISIBLE);
        assertThat(page.pruneXid()).as("the older one stays").isEqualTo(750);
        WalRecord moved =
                onBlock(V17, HEAP, 0x10).main(le("ihbb", 900, 2, 0, 0x10)).decoded(END, END + 64);
        redo.redo(page, moved, 0);
        assertThat(tuple(page, 2)).startsWith(header(700, 900, -1, 0xFFFD, 2, 0x0002));
    }

    @Test
    void aHotUpdateTakesPrefixAndSuffixFromTheOldTuple() throws Exception {
        for (int flags = 0; flags <= 0x60; flags += 0x20) {
            int prefix = (flags & 0x20) != 0 ? 3 : 0;
            int suffix = (flags & 0x40) != 0 ? 2 : 0;
            Page page = HeapRecords.page(BODY);
            byte[] data = concat(
                    prefix > 0 ? le("h", prefix) : new byte[0],
                    suffix > 0 ? le("h", suffix) : new byte[0],
                    le("hhb", 0x8002, 0x2800, 24),
                    new byte[] {-1, 50, 51});
            WalRecord record = onBlock(V17, HEAP, 0x40)
                    .data(data)
                    .main(le("ihbbih", 900, 1, 0x10, flags | 1, 33, 2))
                    .decoded(START, END);
            assertThat(redo.redo(page, record, 0)).isEqualTo(RedoResult.APPLIED);
            assertThat(tuple(page, 1))
                    .isEqualTo(concat(header(700, 900, BLOCK, 2, 2 | 0x6000, 0x0002), new byte[] {0}, BODY));
            assertThat(tuple(page, 2))
                    .as("flags %x", flags)
                    .isEqualTo(concat(
                            header(XID, 33, BLOCK, 2, 0x8002, 0x2800),
                            new byte[] {-1},
                            Arrays.copyOf(BODY, prefix),
                            new byte[] {50, 51},
                            Arrays.copyOfRange(BODY, 10 - suffix, 10)));
            assertThat(page.flags()).isZero();
            assertThat(page.pruneXid()).isEqualTo(XID);
        }
    }

    @Test
    void aPrefixLongerThanTheOldTupleLeavesThePage() throws Exception {
        Page page = HeapRecords.page(BODY);
        byte[] before = page.bytes().clone();
        for (int flags : new int[] {0x20, 0x40}) {
            WalRecord record = onBlock(V17, HEAP, 0x40)
                    .data(concat(le("h", flags == 0x20 ? 11 : 35), le("hhbb", 2, 0, 24, 0)))
                    .main(le("ihbbih", 900, 1, 0, flags, 0, 2))
                    .decoded(START, END);
            assertThatThrownBy(() -> redo.redo(page, record, 0)).hasMessageContaining("to be taken from a tuple of 34");
        }
        assertThat(page.bytes()).isEqualTo(before);
    }

    @Test
    void anUpdateFromPageToPage() throws Exception {
        WalRecord record = record(V17, HEAP, 0xA0)
                .block(0, TABLE, 8)
                .willInit()
                .data(le("hhbb", 2, 0x0800, 24, 0))
                .block(1, TABLE, BLOCK)
                .main(le("ihbbih", 900, 1, 0x06, 1, 0, 1))
                .decoded(START, END);
        Page old = HeapRecords.page(BODY);
        assertThat(redo.redo(old, record, 1)).isEqualTo(RedoResult.APPLIED);
        assertThat(tuple(old, 1)).startsWith(header(700, 900, 8, 1, 2, 0x0002 | 0x00C0));
        assertThat(old.flags()).isZero();
        Page fresh = new Page();
        assertThat(redo.redo(fresh, record, 0)).isEqualTo(RedoResult.INITIALIZED);
        assertThat(tuple(fresh, 1)).isEqualTo(concat(header(XID, 0, 8, 1, 2, 0x0800), new byte[] {0}));
        assertThat(fresh.pruneXid()).isZero();
        assertThat(RecordDescriber.describe(record))
                .isEqualTo("old_xmax: 900, old_off: 1, old_infobits: [LOCK_ONLY, EXCL_LOCK], flags: 0x01,"
                        + " new_xmax: 0, new_off: 1");
    }

    @Test
    void aLockEndsAChainOnlyIfItOnlyLocks() throws Exception {
        Page page = HeapRecords.page(BODY);
        redo.redo(
                page, onBlock(V17, HEAP, 0x60).main(le("ihbb", 900, 1, 0x01, 1)).decoded(START, END), 0);
        assertThat(tuple(page, 1)).startsWith(header(700, 900, 99, 99, 2 | 0x4000, 0x1002));
        redo.redo(
                page, onBlock(V17, HEAP, 0x60).main(le("ihbb", 901, 1, 0x04, 0)).decoded(END, END + 64), 0);
        assertThat(tuple(page, 1)).as("exclusive").startsWith(header(700, 901, BLOCK, 1, 2, 0x0042));
        assertThat(page.flags()).as("all-visible stays").isEqualTo(PageLayout.ALL_VISIBLE);
    }

    @Test
    void confirmAndInPlace() throws Exception {
        Page page = HeapRecords.page(BODY);
        redo.redo(page, onBlock(V17, HEAP, 0x50).main(le("h", 1)).decoded(START, END), 0);
        int at = page.normalItem(1, 23);
        assertThat(page.tidBlock(at + HeapTuple.CTID)).isEqualTo(BLOCK);
        assertThat(page.tidOffset(at + HeapTuple.CTID)).isEqualTo(1);
        byte[] other = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
        redo.redo(page, onBlock(V17, HEAP, 0x70).data(other).main(le("h", 1)).decoded(END, END + 64), 0);
        assertThat(tuple(page, 1)).endsWith(other);
        WalRecord longer =
                onBlock(V17, HEAP, 0x70).data(new byte[11]).main(le("h", 1)).decoded(END, END + 128);
        assertThatThrownBy(() -> redo.redo(page, longer, 0)).hasMessageContaining("is to be overwritten by 11");
        WalRecord inPlace18 = onBlock(PostgresVersion.V18, HEAP, 0x70)
                .data(other)
                .main(concat(le("hhiiii", 1, 0, 5, 1663, 1, 1), new byte[16]))
                .decoded(START, END);
        assertThat(RecordDescriber.describe(inPlace18)).isEqualTo("off: 1, 1 invalidations");
    }

    @Test
    void truncateHasNoPageButADescription() throws Exception {
        WalRecord record = record(V17, HEAP, 0x30)
                .main(le("iibbbbii", 5, 2, 3, 0, 0, 0, 16400, -1))
                .decoded(START, END);
        assertThat(RecordDescriber.describe(record))
                .isEqualTo("flags: [CASCADE, RESTART_SEQS], nrelids: 2, relids: 16400 4294967295");
        WalRecord tooMany = record(V17, HEAP, 0x30).main(le("iii", 5, 1, 3)).decoded(START, END);
        assertThatThrownBy(() -> RecordDescriber.describe(tooMany)).hasMessageContaining("1 relations in 12 bytes");
    }

    @Test
    void aMapThatIsABlockOfTheRecordIsClearedWithItsLsn() throws Exception {
        int[][] cases = {{0x00, 0b11, 0}, {0x10, 0b11, 0}, {0x60, 0b10, 0b01}};
        for (int[] c : cases) {
            byte[] main = c[0] == 0 ? le("hb", 1, 1) : le("ihbb", 900, 1, 0, 1);
            WalRecord record =
                    withMap(onBlock(V17, HEAP, c[0]).main(main), 1, 0).decoded(START, END);
            Page map = HeapRecords.fullMap();
            assertThat(redo.redo(map, record, 1)).isEqualTo(RedoResult.APPLIED);
            assertThat(map.lsn()).isEqualTo(END);
            assertThat(map.u8(24 + 1)).isEqualTo(0xFF & ~(c[1] << 6));
            map.setLsn(64);
            assertThat(redo.redo(map, record, 1)).isEqualTo(RedoResult.UNCHANGED);
            assertThat(map.lsn()).as("nothing was set").isEqualTo(64);
            assertThat(redo.redo(new Page(), record, 1)).isEqualTo(RedoResult.PAGE_MISSING);
        }
    }

    @Test
    void anUpdateClearsOneOrTwoPagesOfTheMap() throws Exception {
        byte[] main = le("ihbbih", 900, 1, 0, 3, 0, 1);
        WalRecord both = withMap(onBlock(V17, HEAP, 0x20).main(main).block(1, TABLE, 8), 2, 0)
                .decoded(START, END);
        Page map = HeapRecords.fullMap();
        redo.redo(map, both, 2);
        assertThat(map.u8(25)).isEqualTo(0x3F);
        assertThat(map.u8(26)).isEqualTo(0xFC);
        WalRecord apart = withMap(withMap(onBlock(V17, HEAP, 0x20).main(main).block(1, TABLE, 32672), 2, 0), 3, 1)
                .decoded(START, END);
        Page first = HeapRecords.fullMap();
        Page second = HeapRecords.fullMap();
        redo.redo(first, apart, 2);
        redo.redo(second, apart, 3);
        assertThat(first.u8(25)).isEqualTo(0x3F);
        assertThat(first.u8(24)).isEqualTo(0xFF);
        assertThat(second.u8(24)).isEqualTo(0xFC);
        WalRecord wrong = withMap(onBlock(V17, HEAP, 0x10).main(le("ihbb", 1, 1, 0, 1)), 1, 4)
                .decoded(START, END);
        assertThatThrownBy(() -> redo.redo(HeapRecords.fullMap(), wrong, 1)).hasMessageContaining("is not the one of");
    }

    @Test
    void theMaskHidesWhatOnlyHintsSay() throws Exception {
        Page page = HeapRecords.page(BODY, BODY);
        int first = page.normalItem(1, 23);
        HeapTuple.setInfomask(page, first, 0x0F02);
        HeapTuple.setCtid(page, first, 5, HeapTuple.SPECULATIVE_OFFSET);
        page.putU8(first + 34, 77);
        page.putU8(page.lower(), 77);
        new HeapRedo().mask(page, BLOCK);
        assertThat(tuple(page, 1)).startsWith(header(700, 701, BLOCK, 1, 2 | 0x6000, 0x0302));
        assertThat(tuple(page, 2)).startsWith(header(700, 701, 99, 99, 2 | 0x6000, 0x0002));
        assertThat(page.u8(first + 34)).isZero();
        assertThat(page.u8(page.lower())).isZero();
        assertThat(page.lsn()).isZero();
        assertThat(page.flags()).isZero();
    }

    @Test
    void mutatedRecordsAndPagesNeverHalfChangeAPage() throws Exception {
        MutatedRecords mutated = new MutatedRecords(7);
        Random random = mutated.random();
        for (int round = 0; round < 20_000; round++) {
            boolean map = round % 5 == 0;
            Page page = map ? HeapRecords.fullMap() : HeapRecords.page(BODY, new byte[50], BODY);
            if (!map) {
                page.setLinePointer(2, 0);
            }
            mutated.damage(page, new Area(10, 26), new Area(8012, 180));
            byte[] main = new byte[random.nextInt(24)];
            random.nextBytes(main);
            for (int i : new int[] {0, 1, 4, 5, 12, 13}) {
                if (i < main.length && random.nextInt(8) != 0) {
                    main[i] = (byte) (i % 2 == 1 ? 0 : random.nextInt(6));
                }
            }
            byte[] data = new byte[random.nextInt(40)];
            for (int i = 0; i < data.length; i++) {
                data[i] = (byte) (random.nextInt(4) == 0 ? random.nextInt() : i % 2 == 0 ? random.nextInt(30) : 0);
            }
            RecordBuilder builder = onBlock(mutated.version(), HEAP, random.nextInt(8) << 4);
            builder.data(data).main(main);
            boolean twoPages = random.nextInt(3) == 0;
            if (twoPages) {
                builder.block(1, TABLE, BLOCK + 1);
            }
            int id = map ? 1 + random.nextInt(3) : twoPages ? random.nextInt(2) : 0;
            if (map) {
                withMap(builder, id, random.nextInt(8) == 0 ? 1 : 0);
            }
            mutated.check(redo, page, builder.decoded(START, END), id);
        }
        mutated.assertBothHappened(500);
    }
}
