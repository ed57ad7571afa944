package dev.palimpsest.postgres.redo;

import static dev.palimpsest.postgres.Bytes.concat;
import static dev.palimpsest.postgres.Bytes.u16s;
import static dev.palimpsest.postgres.Bytes.u8s;
import static dev.palimpsest.postgres.redo.GinSamples.segment;
import static dev.palimpsest.postgres.redo.GinSamples.segments;
import static dev.palimpsest.postgres.redo.GinSamples.tid;
import static dev.palimpsest.postgres.redo.GinSamples.tids;
import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.rmgr.GinRecord;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class GinRecompressionTest {

    private final IndexRedo index = new IndexRedo();
    private final PageRedo redo = index.redo();
    private final Page page = index.page();

    @AfterEach
    void close() {
        index.close();
    }

    private static IndexChange sample(byte[] data) {
        return GinSamples.change(GinRecord.VACUUM_DATA_LEAF_PAGE, 0, false, new byte[0], data);
    }

    private void apply(byte[]... data) throws Exception {
        index.apply(sample(concat(data)));
    }

    private void assertFails(String message, byte[]... data) {
        index.assertRefused(sample(concat(data)), "Gin/VACUUM_DATA_LEAF_PAGE at 5/1000100");
        index.assertRefused(sample(concat(data)), message);
    }

    @Test
    void aSegmentHasTheBytesThatPostgresWrites() throws Exception {
        GinSamples.leaf(page, u8s(0, 0, 0, 0, 1, 0, 0, 0));
        // The distances are 1, 2047, 10237958 and 2048 × 2^31.
        apply(u16s(1), u8s(0, 4), u16s(4), tids(tid(0, 2), tid(1, 1), tid(5000, 7), tid(5000 + (1L << 31), 7)));
        int[] distances = {1, 0xFF, 0x0F, 0x86, 0xF0, 0xF0, 0x04, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01};
        byte[] expected = concat(u8s(0, 0, 0, 0, 1, 0, 14, 0), u8s(distances));
        assertThat(Arrays.copyOfRange(page.bytes(), 32, page.lower())).isEqualTo(expected);
        apply(u16s(1), u8s(0, 4), u16s(1), tids(tid(0, 3)));
        assertThat(page.lower()).isEqualTo(32 + 8 + 16);
        assertThat(page.u16(38)).isEqualTo(15);
        assertThat(page.u8(55)).as("padding").isZero();
        assertThat(segments(page))
                .containsExactly(
                        List.of(tid(0, 1), tid(0, 2), tid(0, 3), tid(1, 1), tid(5000, 7), tid(5000 + (1L << 31), 7)));
    }

    @Test
    void segmentsComeAndGoByTheirOldNumbers() throws Exception {
        GinSamples.leaf(page, segment(10, 20), segment(30, 40, 50), segment(60, 7000), segment(8000));
        apply(
                concat(u16s(5), u8s(0, 2), segment(1), u8s(1, 3), segment(30, 31)),
                concat(u8s(2, 1), u8s(3, 4), u16s(3), tids(7999, 8000, 8001), u8s(4, 2), segment(9000, 9001)));
        assertThat(segments(page))
                .containsExactly(
                        List.of(1L),
                        List.of(10L, 20L),
                        List.of(30L, 31L),
                        List.of(7999L, 8000L, 8001L),
                        List.of(9000L, 9001L));
        apply(u16s(2), u8s(0, 1, 4, 1));
        assertThat(segments(page)).containsExactly(List.of(10L, 20L), List.of(30L, 31L), List.of(7999L, 8000L, 8001L));
        apply(u16s(3), u8s(0, 1, 1, 1, 2, 1));
        assertThat(segments(page)).isEmpty();
        assertThat(page.lower()).isEqualTo(32);
        apply(u16s(1), u8s(0, 2), segment(5));
        assertThat(segments(page)).containsExactly(List.of(5L));
    }

    @Test
    void anInsertDoesTheSameAndSoDoesTheUncompressedPageOfAnOldVersion() throws Exception {
        GinSamples.initialize(page, 0x03);
        byte[] old = tids(tid(1, 1), tid(1, 2), tid(70000, 3));
        page.put(32, old, 0, old.length);
        page.putU16(GinSamples.MAX_OFFSET, 3);
        byte[] data = concat(u16s(1), u8s(0, 4), u16s(1), tids(tid(2, 9)));
        redo.redo(
                page,
                GinSamples.change(GinRecord.INSERT, 0, false, u16s(3), data).record(PostgresVersion.V16),
                0);
        assertThat(segments(page)).containsExactly(List.of(tid(1, 1), tid(1, 2), tid(2, 9), tid(70000, 3)));
        assertThat(page.u16(GinSamples.FLAGS)).isEqualTo(0x83);
        assertThat(page.u16(GinSamples.MAX_OFFSET)).isZero();

        GinSamples.initialize(page, 0x43);
        apply(u16s(1), u8s(0, 2), segment(5));
        assertThat(segments(page)).containsExactly(List.of(5L));
        assertThat(page.u16(GinSamples.FLAGS)).isEqualTo(0xC3);

        GinSamples.initialize(page, 0x03);
        page.put(32, old, 0, old.length);
        page.putU16(GinSamples.MAX_OFFSET, 3);
        apply(u16s(0));
        assertThat(segments(page)).containsExactly(List.of(tid(1, 1), tid(1, 2), tid(70000, 3)));

        GinSamples.initialize(page, 0x03);
        page.putU16(GinSamples.MAX_OFFSET, 1359);
        assertFails("1359 item pointers", u16s(0));
        page.putU16(GinSamples.MAX_OFFSET, 1);
        assertFails("0/0 cannot be in a posting list", u16s(0));
    }

    @Test
    void whatMakesNoSenseIsRefused() throws Exception {
        GinSamples.leaf(page, segment(10, 20), segment(30, 40));
        assertFails("there is no action 0", u16s(1), u8s(0, 0));
        assertFails("there is no action 5", u16s(1), u8s(0, 5));
        assertFails("an action on segment 0 follows one on segment 0", u16s(2), u8s(0, 1, 0, 1));
        assertFails("there is no segment 2", u16s(1), u8s(2, 1));
        assertFails("there is no segment 2", u16s(1), u8s(3, 2), segment(50));
        assertFails("there is no segment 2", u16s(1), u8s(2, 4), u16s(1), tids(50));
        assertFails("1 bytes are left over", u16s(1), u8s(0, 1, 9));
        assertFails("are not there", u16s(2), u8s(0, 1));
        assertFails("are not there", u16s(1), u8s(0, 3), tids(50), u16s(3), u8s(1, 1, 1));
        assertFails("are not there", u16s(1), u8s(0, 4), u16s(2), tids(50));
        assertFails("are not in order", u16s(1), u8s(0, 4), u16s(2), tids(50, 40));
        assertFails("cannot be in a posting list", u16s(1), u8s(0, 4), u16s(1), tids(tid(3, 0)));
        byte[] full = new byte[8000];
        byte[] large = concat(tids(5), u16s(full.length), full);
        assertFails("there is no room", u16s(2), u8s(0, 2), large, u8s(2, 2), large);
        GinSamples.leaf(page, large, segment(10, 20));
        assertFails("are not in order", u16s(1), u8s(0, 4), u16s(1), tids(50));
        assertFails("there is no room", u16s(1), u8s(0, 2), large);
        for (int count : new int[] {137, 300}) {
            long[] items = LongStream.range(20, 20 + count).toArray();
            assertFails("there is no room", u16s(1), u8s(1, 4), u16s(count), tids(items));
        }
        page.setLower(33);
        assertFails("there is no segment 0", u16s(1), u8s(0, 1));
        page.setLower(31);
        assertFails("end at 31", u16s(0));
        GinSamples.leaf(page, tids(5), u16s(2), u8s(0x80, 0x80));
        assertFails("a number does not end", u16s(1), u8s(0, 4), u16s(1), tids(50));
        GinSamples.leaf(page, tids(5), u16s(8), u8s(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01));
        assertFails("a number does not end", u16s(1), u8s(0, 4), u16s(1), tids(50));
        GinSamples.leaf(page, tids(tid(0xFFFFFFFFL, 2047)), u16s(2), u8s(1, 0));
        assertFails("are not in order", u16s(1), u8s(0, 4), u16s(1), tids(50));
        for (int flags : new int[] {0x81, 0x82, 0x87, 0x10, 0x08, 0x93}) {
            page.putU16(GinSamples.FLAGS, flags);
            assertFails("it is no live leaf of a posting tree of a GIN index", u16s(0));
        }
        page.initialize(16);
        assertFails("no special area of 8 bytes", u16s(0));
    }

    /** Against a model: a list of segments that are sets. */
    @Test
    void anyActionsGiveWhatTheyMean() throws Exception {
        long seed = 13;
        Random random = new Random(seed);
        for (int round = 0; round < 2000; round++) {
            List<List<Long>> model = new ArrayList<>();
            long[] next = {1};
            for (int i = random.nextInt(8); i > 0; i--) {
                model.add(values(random, next));
            }
            GinSamples.leaf(page, model.stream().map(GinSamples::segment).toArray(byte[][]::new));
            List<List<Long>> expected = new ArrayList<>();
            ByteArrayOutputStream actions = new ByteArrayOutputStream();
            int count = 0;
            for (int number = 0; number <= model.size(); number++) {
                for (int i = random.nextInt(3); i > 1; i--) {
                    List<Long> added = values(random, next);
                    actions.writeBytes(concat(u8s(number, 2), segment(added)));
                    expected.add(added);
                    count++;
                }
                if (number < model.size()) {
                    count += action(random, number, model.get(number), expected, actions);
                }
            }
            apply(u16s(count), actions.toByteArray());
            assertThat(segments(page)).as("seed %d round %d", seed, round).isEqualTo(expected);
            byte[] bytes = concat(expected.stream().map(GinSamples::segment).toArray(byte[][]::new));
            assertThat(Arrays.copyOfRange(page.bytes(), 32, page.lower()))
                    .as("seed %d round %d", seed, round)
                    .isEqualTo(bytes);
        }
    }

    private static int action(
            Random random, int number, List<Long> old, List<List<Long>> expected, ByteArrayOutputStream actions) {
        switch (random.nextInt(4)) {
            case 0 -> actions.writeBytes(u8s(number, 1));
            case 1 -> {
                List<Long> instead = values(random, new long[] {1 + random.nextInt(1 << 20)});
                actions.writeBytes(concat(u8s(number, 3), segment(instead)));
                expected.add(instead);
            }
            case 2 -> {
                List<Long> added = values(random, new long[] {1 + random.nextInt(1 << 20)});
                long[] items = added.stream().mapToLong(Long::longValue).toArray();
                actions.writeBytes(concat(u8s(number, 4), u16s(items.length), tids(items)));
                TreeSet<Long> both = new TreeSet<>(old);
                both.addAll(added);
                expected.add(List.copyOf(both));
            }
            default -> {
                expected.add(old);
                return 0;
            }
        }
        return 1;
    }

    private static List<Long> values(Random random, long[] next) {
        List<Long> values = new ArrayList<>();
        int bits = 1 + random.nextInt(36);
        for (int i = 1 + random.nextInt(40); i > 0; i--) {
            next[0] += 1 + (random.nextLong() >>> (64 - bits));
            if ((next[0] & 0x7FF) == 0) {
                next[0]++;
            }
            if (next[0] >>> 43 == 0) {
                values.add(next[0]);
            }
        }
        return values.isEmpty() ? List.of((1L << 43) - 1) : values;
    }
}
