package dev.palimpsest.storage.key;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class KeyPartitioningTest {
    private static final long SEED = 0x70617274;
    private static final long PAGE = 8192;
    private static final RelTag RELATION = new RelTag(1663, 5, 16384, RelTag.MAIN);
    private static final RelTag OTHER = new RelTag(1663, 5, 16390, RelTag.MAIN);

    @Test
    void cutsARangeIntoPiecesOfTheTargetSize() {
        KeyPartitioning partitioning = KeyPartitioning.of(KeySpace.of(blocks(RELATION, 0, 250)), 100 * PAGE);
        assertThat(partitioning.parts())
                .containsExactly(
                        KeySpace.of(blocks(RELATION, 0, 100)),
                        KeySpace.of(blocks(RELATION, 100, 200)),
                        KeySpace.of(blocks(RELATION, 200, 250)));
    }

    @Test
    void fillsAPartWithWhatFits() {
        KeySpace keys = space(blocks(RELATION, 0, 150), blocks(OTHER, 0, 50), blocks(OTHER, 60, 61));
        assertThat(KeyPartitioning.of(keys, 100 * PAGE).parts())
                .containsExactly(
                        KeySpace.of(blocks(RELATION, 0, 100)),
                        space(blocks(RELATION, 100, 150), blocks(OTHER, 0, 50)),
                        KeySpace.of(blocks(OTHER, 60, 61)));
    }

    @Test
    void exactlyTheTargetIsOnePart() {
        KeySpace keys = KeySpace.of(blocks(RELATION, 5, 105));
        assertThat(KeyPartitioning.of(keys, 100 * PAGE).parts()).containsExactly(keys);
        assertThat(KeyPartitioning.of(keys, 100 * PAGE + PAGE - 1).parts()).containsExactly(keys);
        assertThat(KeyPartitioning.of(keys, 100 * PAGE - 1).parts()).hasSize(2);
    }

    @Test
    void aRangeThatCannotBeCountedIsAPartOfItsOwn() {
        KeyRange wide =
                new KeyRange(new RelTag(1663, 5, 16385, 0).blockKey(0), new RelTag(1663, 5, 16386, 0).blockKey(0));
        KeySpace keys = space(blocks(RELATION, 0, 10), wide, blocks(OTHER, 0, 10));
        assertThat(KeyPartitioning.of(keys, 100 * PAGE).parts())
                .containsExactly(
                        KeySpace.of(blocks(RELATION, 0, 10)), KeySpace.of(wide), KeySpace.of(blocks(OTHER, 0, 10)));
    }

    @Test
    void cutsTheGreatestForkWithoutLosingAPage() {
        KeySpace keys = KeySpace.of(new KeyRange(RELATION.blockKey(0), RELATION.sizeKey()));
        KeyPartitioning partitioning = KeyPartitioning.of(keys, 0x4000_0000L * PAGE);
        assertThat(partitioning.parts()).hasSize(4);
        assertThat(union(partitioning)).isEqualTo(keys);
    }

    @Test
    void aTargetBelowOnePageMeansOnePage() {
        assertThat(KeyPartitioning.of(KeySpace.of(blocks(RELATION, 0, 3)), 1).parts())
                .hasSize(3);
        assertThatIllegalArgumentException().isThrownBy(() -> KeyPartitioning.of(KeySpace.EMPTY, 0));
    }

    @Test
    void nothingMakesNoPart() {
        assertThat(KeyPartitioning.of(KeySpace.EMPTY, PAGE).parts()).isEmpty();
    }

    @Test
    void partsAreTheKeySpaceInOrderAndNotLargerThanTheTarget() {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int run = 0; run < 2_000; run++) {
            List<KeyRange> ranges = new ArrayList<>();
            for (int i = random.nextInt(12); i > 0; i--) {
                RelTag relation = new RelTag(1663, 5, 16384 + random.nextInt(6), random.nextInt(3));
                int from = random.nextInt(300);
                ranges.add(blocks(relation, from, from + 1 + random.nextInt(300)));
                if (random.nextInt(10) == 0) {
                    ranges.add(relation.range());
                }
                if (random.nextInt(3) == 0) {
                    ranges.add(KeyRange.single(relation.sizeKey()));
                }
            }
            KeySpace keys = KeySpace.ofUnordered(ranges);
            long target = 1L + random.nextInt(200);
            KeyPartitioning partitioning = KeyPartitioning.of(keys, target * PAGE);
            String what = "run " + run + " of seed " + SEED;
            assertThat(union(partitioning)).as(what).isEqualTo(keys);
            for (KeySpace part : partitioning.parts()) {
                assertThat(part.isEmpty()).as(what).isFalse();
                boolean oversized = part.ranges().size() == 1 && part.pageCount() == KeyRange.UNCOUNTED;
                assertThat(oversized || part.pageCount() <= target)
                        .as(what + ": " + part)
                        .isTrue();
            }
        }
    }

    /** Fails unless the parts are ascending and disjoint. */
    private static KeySpace union(KeyPartitioning partitioning) {
        KeySpaceAccumulator all = new KeySpaceAccumulator();
        partitioning.parts().forEach(all::add);
        return all.take();
    }

    private static KeySpace space(KeyRange... ranges) {
        return new KeySpace(List.of(ranges));
    }

    private static KeyRange blocks(RelTag relation, int from, int to) {
        return new KeyRange(relation.blockKey(from), relation.blockKey(to));
    }
}
