package dev.palimpsest.postgres.redo;

import static dev.palimpsest.postgres.redo.HashSamples.NOTHING;
import static dev.palimpsest.postgres.redo.HashSamples.bytes;
import static dev.palimpsest.postgres.redo.HashSamples.concat;
import static dev.palimpsest.postgres.redo.HashSamples.i32s;
import static dev.palimpsest.postgres.redo.HashSamples.tuple;
import static dev.palimpsest.postgres.redo.HashSamples.u16s;
import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.redo.HashSamples.Sample;
import dev.palimpsest.postgres.rmgr.HashRecord;
import dev.palimpsest.postgres.wal.RedoException;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class HashRedoMutationTest {
    private static final int SPECIAL = 8176;

    private static final Sample[] FUZZED = {
        new Sample(HashRecord.INSERT, 0, false, u16s(2), tuple(20, 16)),
        new Sample(HashRecord.INSERT, 1, false, u16s(2), NOTHING),
        new Sample(
                HashRecord.INIT_META_PAGE, 0, true, bytes(14).put(12, (byte) 10).array(), NOTHING),
        new Sample(HashRecord.INIT_BITMAP_PAGE, 0, true, u16s(4096), NOTHING),
        new Sample(HashRecord.INIT_BITMAP_PAGE, 1, false, u16s(4096), NOTHING),
        new Sample(HashRecord.ADD_OVFL_PAGE, 1, false, new byte[3], NOTHING),
        new Sample(HashRecord.ADD_OVFL_PAGE, 2, false, new byte[3], i32s(45)),
        new Sample(HashRecord.ADD_OVFL_PAGE, 4, false, new byte[3], i32s(45)),
        new Sample(HashRecord.SPLIT_ALLOCATE_PAGE, 0, false, new byte[9], NOTHING),
        new Sample(
                HashRecord.SPLIT_ALLOCATE_PAGE,
                2,
                false,
                bytes(9).put(8, (byte) 3).array(),
                i32s(31, 63, 5, 10)),
        new Sample(HashRecord.SPLIT_COMPLETE, 0, false, u16s(0x42, 2), NOTHING),
        new Sample(
                HashRecord.MOVE_PAGE_CONTENTS,
                1,
                false,
                new byte[] {2, 0, 0},
                concat(u16s(1, 3), tuple(5, 16), tuple(15, 24))),
        new Sample(HashRecord.MOVE_PAGE_CONTENTS, 2, false, new byte[] {2, 0, 0}, u16s(1, 3, 4)),
        new Sample(
                HashRecord.SQUEEZE_PAGE,
                1,
                false,
                bytes(12).put(8, (byte) 1).put(11, (byte) 1).array(),
                concat(u16s(2), tuple(15, 16))),
        new Sample(HashRecord.SQUEEZE_PAGE, 2, false, new byte[12], NOTHING),
        new Sample(HashRecord.SQUEEZE_PAGE, 5, false, new byte[12], i32s(45)),
        new Sample(HashRecord.DELETE, 1, false, new byte[] {1, 0}, u16s(1, 2, 5)),
        new Sample(HashRecord.VACUUM_ONE_PAGE, 0, false, concat(i32s(7, 2), u16s(1, 4)), NOTHING),
        new Sample(HashRecord.VACUUM_ONE_PAGE, 1, false, concat(i32s(7, 2), u16s(1, 4)), NOTHING),
        new Sample(HashRecord.UPDATE_META_PAGE, 0, false, new byte[8], NOTHING)
    };

    private final PageRedo redo = new PageRedo(HintLogging.OFF);
    private final Page page = new Page();

    @AfterEach
    void close() {
        redo.close();
    }

    @Test
    void mutatedRecordsAndPagesNeverHalfChangeAPage() throws Exception {
        long seed = 13;
        Random random = new Random(seed);
        int[] done = new int[FUZZED.length];
        int[] refused = new int[FUZZED.length];
        for (int round = 0; round < 60_000; round++) {
            int which = round % FUZZED.length;
            Sample sample = FUZZED[which];
            fuzzedPage(sample);
            byte[] main = mutated(random, sample.main());
            byte[] data = mutated(random, sample.data());
            for (int i = random.nextInt(3); i > 0; i--) {
                int at = switch (random.nextInt(3)) {
                    case 0 -> 8 + random.nextInt(70);
                    case 1 -> SPECIAL - 1 - random.nextInt(100);
                    default -> SPECIAL + random.nextInt(16);
                };
                page.bytes()[at] = (byte) random.nextInt(random.nextBoolean() ? 8 : 256);
            }
            byte[] before = page.bytes().clone();
            PostgresVersion version = PostgresVersion.values()[random.nextInt(5)];
            WalRecord record = new Sample(sample.opcode(), sample.blockId(), sample.init(), main, data).record(version);
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

    /** A page of the type that the sample changes. */
    private void fuzzedPage(Sample sample) throws PageException {
        int key = sample.opcode() | sample.blockId();
        switch (key) {
            case 0x11, 0x21, 0x34, 0x42, 0xB0, 0xC1 -> HashSamples.meta(page);
            case 0x32, 0x85 -> HashSamples.bitmap(page, 4096);
            default ->
                HashSamples.bucket(page, 2, tuple(1, 16), tuple(2, 24), tuple(3, 16), tuple(4, 16), tuple(5, 16));
        }
    }

    private static byte[] mutated(Random random, byte[] bytes) {
        byte[] mutated =
                random.nextInt(10) == 0 ? Arrays.copyOf(bytes, random.nextInt(bytes.length + 4)) : bytes.clone();
        if (mutated.length > 0 && random.nextInt(3) == 0) {
            mutated[random.nextInt(mutated.length)] = (byte) random.nextInt(random.nextBoolean() ? 8 : 256);
        }
        return mutated;
    }
}
