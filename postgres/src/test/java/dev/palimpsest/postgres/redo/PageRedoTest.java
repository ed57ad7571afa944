package dev.palimpsest.postgres.redo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.ForkNumber;
import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.redo.MutatedRecords.Area;
import dev.palimpsest.postgres.wal.ImageCompression;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.RecordBuilder;
import dev.palimpsest.postgres.wal.RedoException;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.Arrays;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PageRedoTest {
    private static final RelFileNode TABLE = new RelFileNode(1663, 5, 24633);
    private static final PostgresVersion VERSION = PostgresVersion.V17;
    private static final int GENERIC = 20;
    private static final long START = 0x1000100;
    private static final long END = 0x1000180;

    private final PageRedo redo = new PageRedo(HintLogging.OFF);
    private final ConsistencyCheck check = new ConsistencyCheck();
    private final Page page = new Page();

    @AfterEach
    void close() {
        redo.close();
        check.close();
    }

    private static RecordBuilder generic(byte... data) {
        return new RecordBuilder(VERSION, GENERIC, 0).block(0, TABLE, 4).data(data);
    }

    @Test
    void anImageReplacesWhateverWasThere() throws Exception {
        Page image = filled();
        page.setLsn(-1);
        WalRecord record = new RecordBuilder(VERSION, 0, 0xB0)
                .block(0, TABLE, 4)
                .image(image, RecordBuilder.ImageUse.APPLY, ImageCompression.ZSTD)
                .decoded(START, END);
        assertThat(redo.redo(page, record, 0)).isEqualTo(RedoResult.RESTORED);
        image.setLsn(END);
        image.zero(image.lower(), image.upper());
        assertThat(page.bytes()).isEqualTo(image.bytes());
    }

    @Test
    void theImageOfANewPageGetsNoLsn() throws Exception {
        page.initialize(0);
        WalRecord record = new RecordBuilder(VERSION, 0, 0xB0)
                .block(0, TABLE, 4)
                .image(new Page(), RecordBuilder.ImageUse.APPLY, ImageCompression.NONE)
                .decoded(START, END);
        assertThat(redo.redo(page, record, 0)).isEqualTo(RedoResult.RESTORED);
        assertThat(page.bytes()).containsOnly(0);
    }

    @Test
    void imagesOfExtensionsAreRestoredToo() throws Exception {
        RecordBuilder builder = new RecordBuilder(VERSION, 200, 0)
                .block(0, TABLE, 4)
                .image(filled(), RecordBuilder.ImageUse.APPLY, ImageCompression.LZ4);
        assertThat(redo.redo(page, builder.decoded(START, END), 0)).isEqualTo(RedoResult.RESTORED);
        WalRecord without =
                new RecordBuilder(VERSION, 200, 0x30).block(0, TABLE, 4).decoded(START, END);
        assertThatThrownBy(() -> redo.redo(page, without, 0))
                .isInstanceOf(RedoException.class)
                .hasMessageContaining("custom200/UNKNOWN (30) at 0/1000100")
                .hasMessageContaining("1663/5/24633 main block 4")
                .hasMessageContaining("there is no redo");
    }

    @Test
    void aHintWithoutImageChangesNothing() throws Exception {
        page.initialize(0);
        byte[] before = page.bytes().clone();
        WalRecord record =
                new RecordBuilder(VERSION, 0, 0xA0).block(0, TABLE, 4).decoded(START, END);
        assertThat(redo.redo(page, record, 0)).isEqualTo(RedoResult.UNCHANGED);
        assertThat(page.bytes()).isEqualTo(before);
        WalRecord missing =
                new RecordBuilder(VERSION, 0, 0xB0).block(0, TABLE, 4).decoded(START, END);
        assertThatThrownBy(() -> redo.redo(page, missing, 0)).hasMessageContaining("has no image");
    }

    @Test
    void theLsnDecides() throws Exception {
        WalRecord record =
                generic((byte) 60, (byte) 0, (byte) 1, (byte) 0, (byte) 7).decoded(START, END);
        assertThat(redo.redo(page, record, 0)).isEqualTo(RedoResult.PAGE_MISSING);
        assertThat(page.bytes()).containsOnly(0);
        page.initialize(0);
        page.setLower(100);
        page.setLsn(END);
        assertThat(redo.redo(page, record, 0)).isEqualTo(RedoResult.ALREADY_APPLIED);
        assertThat(page.u8(60)).isZero();
        page.setLsn(END - 1);
        assertThat(redo.redo(page, record, 0)).isEqualTo(RedoResult.APPLIED);
        assertThat(page.u8(60)).isEqualTo(7);
        assertThat(page.lsn()).isEqualTo(END);
        assertThat(redo.redo(page, record, 0)).isEqualTo(RedoResult.ALREADY_APPLIED);
        page.setLsn(-1);
        assertThat(redo.redo(page, record, 0)).as("unsigned").isEqualTo(RedoResult.ALREADY_APPLIED);
    }

    @Test
    void genericClearsTheHoleThatTheNewHeaderSays() throws Exception {
        page.copyFrom(filled());
        byte[] fragments = {12, 0, 2, 0, 40, 0, 50, 0, 2, 0, 1, 2};
        assertThat(redo.redo(page, generic(fragments).decoded(START, END), 0)).isEqualTo(RedoResult.APPLIED);
        assertThat(page.lower()).isEqualTo(40);
        assertThat(Arrays.copyOfRange(page.bytes(), 40, page.upper())).containsOnly(0);
        assertThat(page.u8(39)).isNotZero();
    }

    @Test
    void aFailureLeavesThePage() {
        page.copyFrom(filled());
        byte[] before = page.bytes().clone();
        byte[][] bad = {
            {50, 0, 1, 0, 9, 0, 32, 1, 0, 5}, {50, 0, 1, 0, 9, 50, 0}, {50, 0, 9, 0, 1}, {12, 0, 2, 0, 0, 32}, {1}
        };
        for (byte[] fragments : bad) {
            assertThatThrownBy(() -> redo.redo(page, generic(fragments).decoded(START, END), 0))
                    .isInstanceOf(RedoException.class)
                    .hasMessageContaining("Generic/Generic at 0/1000100 (ends at 0/1000180)");
            assertThat(page.bytes()).isEqualTo(before);
        }
        page.setUpper(20);
        assertThatThrownBy(() -> redo.redo(page, generic((byte) 1).decoded(START, END), 0))
                .hasMessageContaining("page header is corrupted");
    }

    @Test
    void aSequenceIsWrittenAnew() throws Exception {
        byte[] main = new byte[12 + 41];
        Arrays.fill(main, 12, main.length, (byte) 0x33);
        WalRecord record = sequence(main);
        Arrays.fill(page.bytes(), (byte) 0x11);
        assertThat(redo.redo(page, record, 0)).isEqualTo(RedoResult.INITIALIZED);
        assertThat(page.lsn()).isEqualTo(END);
        assertThat(page.i32(8184)).isEqualTo(0x1717);
        assertThat(page.i32(8188)).isZero();
        assertThat(page.normalItem(1, 41)).isEqualTo(8184 - 48);
        assertThat(Arrays.copyOfRange(page.bytes(), 8136, 8177)).containsOnly(0x33);

        Arrays.fill(page.bytes(), (byte) 0x11);
        byte[] before = page.bytes().clone();
        assertThatThrownBy(() -> redo.redo(page, sequence(new byte[30]), 0)).hasMessageContaining("tuple of 18 bytes");
        assertThatThrownBy(() -> redo.redo(page, sequence(new byte[9000]), 0)).hasMessageContaining("no room");
        assertThat(page.bytes()).isEqualTo(before);
    }

    private static WalRecord sequence(byte[] main) throws MalformedRecordException {
        return new RecordBuilder(VERSION, 15, 0)
                .block(0, TABLE, ForkNumber.INIT, 0)
                .willInit()
                .main(main)
                .decoded(START, END);
    }

    @Test
    void comparisonSeesADifferenceButNotInWhatIsMasked() throws Exception {
        page.copyFrom(filled());
        page.setLsn(END);
        WalRecord record = withImage(filled());
        assertThat(ConsistencyCheck.applies(record, 0)).isTrue();
        page.setChecksum(99);
        page.putU8(page.lower() + 1, 200);
        assertThat(check.compare(page, record, 0)).isNull();
        page.putU8(8190, 1);
        page.putU8(8100, 1);
        PageMismatch mismatch = Objects.requireNonNull(check.compare(page, record, 0));
        assertThat(mismatch.from()).isEqualTo(8100);
        assertThat(mismatch.to()).isEqualTo(8190);
        assertThat(mismatch.toString()).contains("Generic/Generic at 0/1000100", "bytes 8100 to 8190");
        check.adopt(record, 0, page);
        assertThat(check.compare(page, record, 0)).isNull();
        page.setLsn(END + 1);
        page.putU8(8190, 1);
        assertThat(check.compare(page, record, 0)).as("a newer page").isNull();
    }

    @Test
    void replayCountsAndGoesOnFromWhatPostgresHas() throws Exception {
        try (ConsistencyReplay replay = new ConsistencyReplay(HintLogging.OFF)) {
            Page image = filled();
            replay.apply(withImage(image));
            image.putU8(8100, 1);
            replay.apply(withImage(image, END + 64));
            replay.apply(withImage(image, END + 128));
            ConsistencyReplay.Counts counts =
                    Objects.requireNonNull(replay.counts().get("Generic/Generic"));
            assertThat(counts.records()).isEqualTo(3);
            assertThat(counts.adopted()).isEqualTo(1);
            assertThat(counts.compared()).isEqualTo(2);
            assertThat(counts.mismatches()).isEqualTo(1);
            assertThat(replay.faults()).hasSize(1);
        }
    }

    @Test
    void mutatedRecordsAndPagesNeverHalfChangeAPage() throws Exception {
        MutatedRecords mutated = new MutatedRecords(42);
        Random random = mutated.random();
        for (int round = 0; round < 30_000; round++) {
            byte[] data = new byte[random.nextInt(20)];
            random.nextBytes(data);
            for (int i = 1; i < data.length; i += 2) {
                data[i] &= 0x1F;
            }
            page.copyFrom(filled());
            mutated.damage(page, new Area(10, 14));
            WalRecord record = switch (round % 3) {
                case 0 -> generic(data).decoded(START, END);
                case 1 -> sequence(data);
                default ->
                    new RecordBuilder(VERSION, random.nextInt(22), random.nextInt(16) << 4)
                            .block(0, TABLE, 0)
                            .data(data)
                            .main(data)
                            .decoded(START, END);
            };
            mutated.check(redo, page, record, 0);
        }
        mutated.assertBothHappened(500);
    }

    private static WalRecord withImage(Page image) throws MalformedRecordException {
        return withImage(image, END);
    }

    private static WalRecord withImage(Page image, long end) throws MalformedRecordException {
        return new RecordBuilder(VERSION, GENERIC, WalRecord.CHECK_CONSISTENCY)
                .block(0, TABLE, 4)
                .data((byte) 60, (byte) 0, (byte) 1, (byte) 0, (byte) 60)
                .image(image, RecordBuilder.ImageUse.COMPARE, ImageCompression.PGLZ)
                .decoded(end - 128, end);
    }

    private static Page filled() {
        Page page = new Page();
        page.initialize(0);
        for (int i = 24; i < 8192; i++) {
            page.bytes()[i] = (byte) (i % 200 + 1);
        }
        page.setLower(1000);
        page.setUpper(3000);
        page.setLsn(16);
        try {
            page.putU8(60, 60);
        } catch (PageException e) {
            throw new AssertionError(e);
        }
        return page;
    }

    @Test
    void lowWordsOfFragmentsAreUnsigned() throws Exception {
        byte[] fragment = new byte[4 + 300];
        LittleEndian.putU16(fragment, 0, 7000);
        LittleEndian.putU16(fragment, 2, 300);
        page.copyFrom(filled());
        redo.redo(page, generic(fragment).decoded(START, END), 0);
        assertThat(Arrays.copyOfRange(page.bytes(), 7000, 7300)).containsOnly(0);
    }
}
