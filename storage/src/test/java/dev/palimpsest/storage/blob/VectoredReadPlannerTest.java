package dev.palimpsest.storage.blob;

import static dev.palimpsest.storage.blob.VectoredReadPlanner.Flag.IGNORE;
import static dev.palimpsest.storage.blob.VectoredReadPlanner.Flag.NONE;
import static dev.palimpsest.storage.blob.VectoredReadPlanner.Flag.REPLACE_ALL;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.storage.CorruptionException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class VectoredReadPlannerTest {
    private static final long DATA_END = 1L << 30;

    private static VectoredReadPlanner planner(int alignment, int maxReadBytes) {
        return new VectoredReadPlanner("file", 8192, DATA_END, alignment, maxReadBytes);
    }

    /** One string per read: where it begins and ends, and tag@lsn:start-end of its blobs. */
    private static List<String> show(ReadPlan plan) {
        List<String> reads = new ArrayList<>();
        for (int i = 0; i < plan.reads(); i++) {
            StringBuilder text =
                    new StringBuilder().append(plan.readStart(i)).append('-').append(plan.readEnd(i));
            for (int blob = plan.firstBlob(i); blob < plan.endBlob(i); blob++) {
                text.append(' ').append(plan.tag(blob)).append('@').append(plan.lsn(blob));
                text.append(':').append(plan.blobStart(blob)).append('-').append(plan.blobEnd(blob));
            }
            reads.add(text.toString());
        }
        return reads;
    }

    @Test
    void aBlobEndsWhereTheNextBegins() throws CorruptionException {
        VectoredReadPlanner planner = planner(512, 4096);
        planner.add(1, 10, 8192, NONE);
        planner.add(2, 11, 8300, NONE);
        planner.endRange(9000);
        assertThat(show(planner.finish())).containsExactly("8192-9216 1@10:8192-8300 2@11:8300-9000");
    }

    @Test
    void anInitialValueDiscardsWhatCameBefore() throws CorruptionException {
        VectoredReadPlanner planner = planner(512, 4096);
        planner.add(1, 10, 8192, NONE);
        planner.add(2, 10, 8200, NONE);
        planner.add(2, 11, 8300, NONE);
        planner.add(2, 12, 8400, REPLACE_ALL);
        planner.add(2, 13, 8500, NONE);
        planner.add(3, 10, 8600, IGNORE);
        planner.endRange(9000);
        assertThat(show(planner.finish())).containsExactly("8192-8704 1@10:8192-8200 2@12:8400-8500 2@13:8500-8600");
    }

    @Test
    void anIgnoredInitialValueDiscardsNothing() throws CorruptionException {
        VectoredReadPlanner planner = planner(512, 4096);
        planner.add(2, 10, 8192, NONE);
        planner.add(2, 11, 8300, IGNORE);
        planner.endRange(8400);
        assertThat(show(planner.finish())).containsExactly("8192-8704 2@10:8192-8300");
    }

    @Test
    void chunksJoinWhenNoneLiesBetween() throws CorruptionException {
        // The first blob ends in the chunk 8192-8704, the gap reaches up to various offsets.
        long[] joining = {8210, 8703, 8704, 9215};
        for (long start : joining) {
            assertThat(gap(8200, start)).as("%s", start).hasSize(1);
        }
        assertThat(gap(8200, 9216)).containsExactly("8192-8704 1@1:8192-8200", "9216-9728 3@3:9216-9217");
        // Ending at a boundary: the read ends with the chunk before it.
        assertThat(gap(8704, 9215)).hasSize(1);
        assertThat(gap(8704, 9216)).hasSize(2);
        assertThat(gap(8705, 9216)).hasSize(1);
    }

    private static List<String> gap(long end, long nextStart) throws CorruptionException {
        VectoredReadPlanner planner = planner(512, 4096);
        planner.add(1, 1, 8192, NONE);
        planner.add(2, 2, end, IGNORE);
        planner.add(3, 3, nextStart, NONE);
        planner.endRange(nextStart + 1);
        return show(planner.finish());
    }

    @Test
    void theLimitIsInclusiveAndCountsWholeChunks() throws CorruptionException {
        assertThat(pair(8192 + 4096)).hasSize(1);
        assertThat(pair(8192 + 4096 - 511)).hasSize(1);
        assertThat(pair(8192 + 4096 + 1)).containsExactly("8192-9216 1@0:8192-9000", "8704-12800 2@0:9000-12289");
    }

    private static List<String> pair(long end) throws CorruptionException {
        VectoredReadPlanner planner = planner(512, 4096);
        planner.add(1, 0, 8192, NONE);
        planner.add(2, 0, 9000, NONE);
        planner.endRange(end);
        return show(planner.finish());
    }

    @Test
    void aLargeBlobIsReadAlone() throws CorruptionException {
        VectoredReadPlanner planner = planner(512, 4096);
        planner.add(1, 0, 8192, NONE);
        planner.add(2, 0, 8200, NONE);
        planner.add(3, 0, 100_000, NONE);
        planner.endRange(100_001);
        assertThat(show(planner.finish()))
                .containsExactly(
                        "8192-8704 1@0:8192-8200", "8192-100352 2@0:8200-100000", "99840-100352 3@0:100000-100001");
    }

    @Test
    void withoutAlignmentReadsAreExact() throws CorruptionException {
        VectoredReadPlanner planner = planner(1, 200);
        planner.add(1, 0, 8192, NONE);
        planner.add(2, 0, 8292, NONE);
        planner.add(3, 0, 8392, NONE);
        planner.add(4, 0, 8393, IGNORE);
        planner.add(5, 0, 8395, NONE);
        planner.endRange(8396);
        assertThat(show(planner.finish()))
                .containsExactly(
                        "8192-8392 1@0:8192-8292 2@0:8292-8392", "8392-8393 3@0:8392-8393", "8395-8396 5@0:8395-8396");
    }

    @Test
    void severalRangesAndNone() throws CorruptionException {
        VectoredReadPlanner planner = planner(512, 1 << 20);
        assertThat(planner.finish().reads()).isZero();
        planner.add(1, 0, 8192, NONE);
        planner.endRange(9000);
        planner.endRange(9000);
        planner.add(2, 0, 9000, NONE);
        assertThatThrownBy(planner::finish).isInstanceOf(IllegalStateException.class);
        planner.endRange(DATA_END);
        assertThat(planner.finish().blobs()).isEqualTo(2);
    }

    @Test
    void offsetsThatCannotBeAreDamage() throws CorruptionException {
        VectoredReadPlanner planner = planner(512, 4096);
        assertThatThrownBy(() -> planner.add(1, 0, 8191, NONE)).isInstanceOf(CorruptionException.class);
        assertThatThrownBy(() -> planner.add(1, 0, DATA_END, NONE)).isInstanceOf(CorruptionException.class);
        assertThatThrownBy(() -> planner.add(1, 0, Long.MAX_VALUE, NONE)).isInstanceOf(CorruptionException.class);
        planner.add(1, 0, 9000, NONE);
        assertThatThrownBy(() -> planner.add(2, 0, 9000, NONE)).isInstanceOf(CorruptionException.class);
        assertThatThrownBy(() -> planner.add(2, 0, 8999, NONE)).isInstanceOf(CorruptionException.class);
        assertThatThrownBy(() -> planner.endRange(9000)).isInstanceOf(CorruptionException.class);
        assertThatThrownBy(() -> planner.endRange(DATA_END + 1)).isInstanceOf(CorruptionException.class);
    }

    @Test
    void everyPlanCoversWhatIsWantedAndNoMoreThanItMay() throws CorruptionException {
        for (int seed = 0; seed < 300; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            int alignment = 1 << random.nextInt(13);
            int maximum = alignment * (1 + random.nextInt(40));
            VectoredReadPlanner planner = planner(alignment, maximum);
            List<String> wanted = new ArrayList<>();
            long offset = 8192;
            for (int tag = 0; tag < 200; tag++) {
                long next = offset + 1 + random.nextInt(random.nextInt(10) == 0 ? 100_000 : 2000);
                boolean ignore = random.nextInt(3) == 0;
                planner.add(tag, tag, offset, ignore ? IGNORE : NONE);
                if (!ignore) {
                    wanted.add(tag + ":" + offset + "-" + next);
                }
                offset = next;
            }
            planner.endRange(offset);
            ReadPlan plan = planner.finish();
            List<String> planned = new ArrayList<>();
            for (int i = 0; i < plan.reads(); i++) {
                assertThat(plan.readStart(i) % alignment + plan.readEnd(i) % alignment)
                        .isZero();
                int blobs = plan.endBlob(i) - plan.firstBlob(i);
                long length = plan.readEnd(i) - plan.readStart(i);
                assertThat(blobs == 1 || length <= maximum).as("seed %s", seed).isTrue();
                for (int blob = plan.firstBlob(i); blob < plan.endBlob(i); blob++) {
                    assertThat(plan.blobStart(blob)).isGreaterThanOrEqualTo(plan.readStart(i));
                    assertThat(plan.blobEnd(blob)).isLessThanOrEqualTo(plan.readEnd(i));
                    planned.add(plan.tag(blob) + ":" + plan.blobStart(blob) + "-" + plan.blobEnd(blob));
                }
            }
            assertThat(planned).as("seed %s", seed).isEqualTo(wanted);
        }
    }

    @Test
    void aStreamGivesAReadWhenItIsLargeEnoughOrHasEnoughBlobs() throws CorruptionException {
        StreamingReadPlanner planner = new StreamingReadPlanner("file", 8192, DATA_END, 512, 1000, 3);
        assertThat(planner.add(1, 0, 8192)).isNull();
        assertThat(planner.add(2, 0, 8200)).isNull();
        assertThat(planner.add(3, 0, 8300)).isNull();
        assertThat(show(java.util.Objects.requireNonNull(planner.add(4, 0, 8400))))
                .containsExactly("8192-8704 1@0:8192-8200 2@0:8200-8300 3@0:8300-8400");
        assertThat(planner.add(5, 0, 9399)).isNull();
        assertThat(show(java.util.Objects.requireNonNull(planner.add(6, 0, 9400))))
                .containsExactly("8192-9728 4@0:8400-9399 5@0:9399-9400");
        assertThat(show(java.util.Objects.requireNonNull(planner.endRange(99_999))))
                .containsExactly("9216-100352 6@0:9400-99999");
        assertThat(planner.endRange(99_999)).isNull();
        assertThatThrownBy(() -> planner.add(7, 0, 99_998)).isInstanceOf(CorruptionException.class);
    }
}
