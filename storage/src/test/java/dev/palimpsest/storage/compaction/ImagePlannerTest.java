package dev.palimpsest.storage.compaction;

import static dev.palimpsest.storage.compaction.PlainLayer.block;
import static dev.palimpsest.storage.compaction.PlainLayer.blocks;
import static dev.palimpsest.storage.compaction.PlainLayer.delta;
import static dev.palimpsest.storage.compaction.PlainLayer.image;
import static dev.palimpsest.storage.compaction.PlainLayer.l0;
import static dev.palimpsest.storage.compaction.PlainLayer.map;
import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.blob.BlobCompression;
import dev.palimpsest.storage.compaction.ImagePlanner.PlannedImages;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyPartitioning;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layermap.LayerMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Where images are made. */
class ImagePlannerTest {
    private static final CompactionSettings SETTINGS =
            new CompactionSettings(10, 1 << 20, 80 * 8192, 3, 100, BlobCompression.NONE);
    /** Two parts of 80 and 20 blocks, then one of 40 blocks after a gap. */
    private static final KeySpace DENSE = KeySpace.ofUnordered(List.of(blocks(0, 100), blocks(1000, 1070)));

    private static List<PlannedImages> plan(LayerMap<PlainLayer> map, long lsn, Map<Key, Lsn> chains) {
        return ImagePlanner.plan(
                map,
                KeyPartitioning.of(DENSE, SETTINGS.targetLayerBytes()),
                new Lsn(lsn),
                new TreeMap<>(chains),
                SETTINGS);
    }

    private static List<KeyRange> ranges(List<PlannedImages> plan) {
        return plan.stream().map(PlannedImages::range).toList();
    }

    @Test
    void aPartUnderThreeDeltasIsDueAndUnderTwoIsNot() {
        PlainLayer one = delta(blocks(0, 60), 10, 20);
        PlainLayer two = delta(blocks(0, 60), 20, 30);
        PlainLayer three = delta(blocks(10, 12), 30, 40);
        assertThat(plan(map(one, two), 100, Map.of())).isEmpty();
        assertThat(plan(map(one, two, three), 100, Map.of()))
                .containsExactly(new PlannedImages(blocks(0, 80), KeySpace.of(blocks(0, 80))));
    }

    @Test
    void deltasBelowTheNewestImageDoNotCount() {
        PlainLayer[] layers = {
            delta(blocks(0, 60), 10, 20),
            delta(blocks(0, 60), 20, 30),
            image(blocks(0, 80), 25),
            delta(blocks(0, 60), 30, 40),
            delta(blocks(0, 60), 40, 50)
        };
        // The one that ends above the image counts.
        assertThat(plan(map(layers), 100, Map.of())).hasSize(1);
        layers[2] = image(blocks(0, 80), 30);
        assertThat(plan(map(layers), 100, Map.of())).isEmpty();
    }

    @Test
    void whatBeginsAfterTheLsnDoesNotCount() {
        LayerMap<PlainLayer> map =
                map(delta(blocks(0, 60), 10, 20), delta(blocks(0, 60), 20, 30), delta(blocks(0, 60), 30, 40));
        assertThat(plan(map, 29, Map.of())).isEmpty();
        assertThat(plan(map, 30, Map.of())).hasSize(1);
    }

    @Test
    void l0LayersDoNotCount() {
        assertThat(plan(map(l0(10, 20), l0(20, 30), l0(30, 40), l0(40, 50)), 100, Map.of()))
                .isEmpty();
    }

    @Test
    void imagesAtTheSameLsnAreNotMadeAgain() {
        LayerMap<PlainLayer> map = map(
                delta(blocks(0, 60), 10, 20),
                delta(blocks(0, 60), 20, 30),
                delta(blocks(0, 60), 30, 40),
                image(blocks(0, 80), 100));
        assertThat(plan(map, 100, Map.of())).isEmpty();
    }

    @Test
    void layersAbutAcrossWhatNoKeySpaceHas() {
        List<PlainLayer> layers =
                List.of(delta(blocks(0, 2000), 10, 20), delta(blocks(0, 2000), 20, 30), delta(blocks(0, 2000), 30, 40));
        List<PlannedImages> plan = plan(map(layers), 100, Map.of());
        assertThat(ranges(plan)).containsExactly(blocks(0, 80), blocks(80, 100), blocks(100, 1070));
        KeySpace keys = KeySpace.EMPTY;
        for (PlannedImages images : plan) {
            assertThat(KeySpace.of(images.range()).minus(images.keys()).overlaps(DENSE))
                    .isFalse();
            keys = keys.union(images.keys());
        }
        assertThat(keys).isEqualTo(DENSE);
    }

    @Test
    void whatWasDroppedIsCoveredOnce() {
        // Nothing is written any more to the part after the gap.
        PlainLayer within = delta(blocks(200, 300), 10, 20);
        PlainLayer begins = delta(blocks(400, 1040), 20, 30);
        PlainLayer ends = image(blocks(50, 500), 5);
        PlainLayer across = delta(blocks(50, 1040), 30, 40);
        PlainLayer all = delta(blocks(100, 1000), 40, 50);
        assertThat(plan(map(within, begins, across), 100, Map.of())).isEmpty();
        for (PlainLayer third : List.of(ends, all)) {
            assertThat(ranges(plan(map(within, begins, third), 100, Map.of()))).containsExactly(blocks(100, 1070));
            assertThat(plan(map(within, begins, third, image(blocks(100, 1070), 60)), 100, Map.of()))
                    .isEmpty();
            assertThat(ranges(plan(map(within, begins, third, image(blocks(410, 1070), 60)), 100, Map.of())))
                    .as("a part of the gap is covered")
                    .containsExactly(blocks(100, 1070));
        }
        assertThat(plan(map(within, begins, ends, image(blocks(50, 500), 25)), 100, Map.of()))
                .as("an image of what was dropped covers what is below")
                .isEmpty();
        PlainLayer last = delta(blocks(300, 400), 20, 31);
        assertThat(plan(map(within, begins, last), 29, Map.of()))
                .as("the last comes later")
                .isEmpty();
        assertThat(ranges(plan(map(within, begins, last), 30, Map.of()))).containsExactly(blocks(100, 1070));
    }

    @Test
    void keysWithLongChainsGetImagesOfTheirOwn() {
        LayerMap<PlainLayer> map = map(delta(blocks(0, 2000), 10, 20));
        Map<Key, Lsn> chains = Map.of(
                block(3), new Lsn(20),
                block(5), new Lsn(20),
                block(60), new Lsn(20),
                block(500), new Lsn(20),
                block(1069), new Lsn(20));
        assertThat(plan(map, 100, chains))
                .containsExactly(
                        new PlannedImages(blocks(3, 6), KeySpace.of(blocks(3, 6))),
                        new PlannedImages(KeyRange.single(block(60)), KeySpace.of(block(60))),
                        new PlannedImages(KeyRange.single(block(1069)), KeySpace.of(block(1069))));
    }

    @Test
    void aChainThatAnImageHasShortenedSinceNeedsNone() {
        Map<Key, Lsn> chains = Map.of(block(3), new Lsn(20));
        assertThat(plan(map(delta(blocks(0, 9), 10, 20), image(blocks(0, 9), 19)), 100, chains))
                .isEmpty();
        assertThat(plan(map(delta(blocks(0, 9), 10, 20), image(blocks(0, 9), 18)), 100, chains))
                .hasSize(1);
    }
}
