package dev.palimpsest.storage.compaction;

import static dev.palimpsest.storage.compaction.PlainLayer.blocks;
import static dev.palimpsest.storage.compaction.PlainLayer.delta;
import static dev.palimpsest.storage.compaction.PlainLayer.image;
import static dev.palimpsest.storage.compaction.PlainLayer.l0;
import static dev.palimpsest.storage.compaction.PlainLayer.map;
import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.layer.LsnRange;
import dev.palimpsest.storage.layer.memory.FrozenKeys;
import dev.palimpsest.storage.layermap.LayerMap;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** What a frozen layer is flushed as. */
class FlushPlannerTest {
    /** Layers of 1024 pages; gaps of 64 pages count, and what has less than 512 KiB is small. */
    private static final FlushSettings SETTINGS = new FlushSettings(1000, 3, 8 << 20, 4, 5, 2048, 10);

    private static final LsnRange LSNS = new LsnRange(new Lsn(100), new Lsn(200));

    /** Keys and their bytes. */
    private final TreeMap<Key, Long> keys = new TreeMap<>();

    private final TreeMap<Key, Integer> chains = new TreeMap<>();
    private final Set<Key> anew = new HashSet<>();

    /** Of files; large if not here. */
    private final Map<PlainLayer, Long> l0Sizes = new HashMap<>();

    private static Key block(int relation, int number) {
        return Key.of(0, 1663, 5, relation, 0, number);
    }

    private static KeyRange range(int relation, int from, int to) {
        return new KeyRange(block(relation, from), block(relation, to));
    }

    private void put(int relation, int from, int to, long bytes) {
        for (int number = from; number < to; number++) {
            keys.put(block(relation, number), bytes);
        }
    }

    private FlushPlanner.Plan plan(LayerMap<PlainLayer> map, FlushSettings settings) {
        List<Key> all = List.copyOf(keys.keySet());
        FrozenKeys walk = new FrozenKeys() {
            private int place = -1;

            @Override
            public boolean next() {
                return ++place < all.size();
            }

            @Override
            public Key key() {
                return all.get(place);
            }

            @Override
            public long bytes() {
                return Objects.requireNonNull(keys.get(key()));
            }

            @Override
            public int chain() {
                return chains.getOrDefault(key(), 0);
            }

            @Override
            public boolean startsAnew() {
                return anew.contains(key());
            }
        };
        long bytes = keys.values().stream().mapToLong(Long::longValue).sum();
        return FlushPlanner.plan(walk, bytes, LSNS, map, layer -> l0Sizes.getOrDefault(layer, 1L << 30), settings);
    }

    private List<KeyRange> ranges(PlainLayer... layers) {
        return plan(map(layers), SETTINGS).ranges();
    }

    @Test
    void aBulkLoadIsFlushedAsL1LayersThatCoverWhatTheyHave() {
        put(1259, 3, 4, 8000);
        put(16384, 0, 300, 18_000);
        put(16384, -1, 0, 300); // the length of the relation
        assertThat(ranges())
                .containsExactly(range(1259, 3, 4), range(16384, 0, 300), KeyRange.single(block(16384, -1)));
    }

    @Test
    void valuesThatAreFewForTheirPagesAreFlushedAsAnL0Layer() {
        for (int number = 0; number < 100_000; number += 40) {
            keys.put(block(16384, number), 80_000L);
        }
        assertThat(ranges()).hasSize(1); // 2000 bytes a page: not enough
        assertThat(ranges()).containsExactly(KeyRange.ALL);
        keys.replaceAll((_, _) -> 82_000L);
        assertThat(plan(map(), new FlushSettings(1000, 3, 1L << 40, 4, 5, 2048, 10))
                        .ranges())
                .containsExactly(range(16384, 0, 99_961));
    }

    @Test
    void aQuarterMayBeFarApart() {
        put(16384, 0, 300, 10_000);
        put(16385, 0, 1, 100_000);
        put(16385, 60, 61, 100_000);
        for (int i = 1; i < 10; i++) {
            put(16385, 60 + 60 * i, 61 + 60 * i, 80_000);
        }
        long sparse = 200_000 + 9 * 80_000;
        assertThat(sparse / 600).isLessThan(2048);
        assertThat(ranges()).containsExactly(range(16384, 0, 300), range(16385, 0, 601));
        put(16385, 60, 61, 400_000 - 120_000);
        assertThat(ranges()).containsExactly(KeyRange.ALL);
    }

    @Test
    void aSmallLayerIsFlushedAsAnL0Layer() {
        put(16384, 0, 1, 999);
        assertThat(ranges()).containsExactly(KeyRange.ALL);
        put(16384, 0, 1, 2049);
        assertThat(ranges()).containsExactly(range(16384, 0, 1));
    }

    @Test
    void aRunOfFewL0LayersIsNotCutShort() {
        put(16384, 0, 300, 10_000);
        List<KeyRange> straight = List.of(range(16384, 0, 300));
        assertThat(ranges(l0(90, 100))).containsExactly(KeyRange.ALL);
        assertThat(ranges(l0(80, 90), l0(90, 100))).containsExactly(KeyRange.ALL);
        assertThat(ranges(l0(70, 80), l0(80, 90), l0(90, 100))).isEqualTo(straight);
        // What is before a gap is a run that has ended already.
        assertThat(ranges(l0(70, 80), l0(80, 90))).isEqualTo(straight);
        assertThat(ranges(l0(70, 80), l0(80, 90), delta(range(1, 0, 9), 90, 100)))
                .isEqualTo(straight);
    }

    @Test
    void aRunOfL0LayersThatHaveLittleBesideItIsCutShort() {
        put(16384, 0, 300, 10_000); // a quarter is 750,000
        List<KeyRange> straight = List.of(range(16384, 0, 300));
        l0Sizes.put(l0(80, 90), 400_000L);
        l0Sizes.put(l0(90, 100), 350_000L);
        assertThat(ranges(l0(80, 90), l0(90, 100))).isEqualTo(straight);
        l0Sizes.put(l0(80, 90), 400_001L);
        assertThat(ranges(l0(80, 90), l0(90, 100))).containsExactly(KeyRange.ALL);
        assertThat(ranges(l0(70, 80), l0(90, 100)))
                .as("a large one below a gap")
                .isEqualTo(straight);
    }

    @Test
    void layersAreCutAtTheTargetSizeAndASmallRestIsNot() {
        put(16384, 0, 1800, 10_000);
        assertThat(ranges()).containsExactly(range(16384, 0, 838), range(16384, 838, 1800));
        put(16384, 1800, 2000, 10_000);
        assertThat(ranges()).containsExactly(range(16384, 0, 838), range(16384, 838, 1676), range(16384, 1676, 2000));
    }

    @Test
    void smallOnesAreJoinedWithTheNearestWhereThereAreTooMany() {
        put(1247, 0, 2, 8000);
        put(1259, 5, 6, 8000);
        put(16384, 0, 300, 10_000);
        put(16384, -1, 0, 300);
        keys.put(Key.of(1, 0, 0, 0, 0, 0), 8000L);
        assertThat(ranges())
                .containsExactly(
                        new KeyRange(block(1247, 0), block(1259, 6)),
                        range(16384, 0, 300),
                        KeyRange.single(block(16384, -1)),
                        KeyRange.single(Key.of(1, 0, 0, 0, 0, 0)));
    }

    @Test
    void nothingIsJoinedAcrossMuchOfOthers() {
        put(1247, 0, 2, 8000);
        put(1259, 5, 6, 8000);
        put(16384, 0, 300, 10_000);
        put(16384, -1, 0, 300);
        keys.put(Key.of(1, 0, 0, 0, 0, 0), 8000L);
        PlainLayer[] between = {
            image(range(1250, 0, 1000), 50), image(range(1250, 1000, 1025), 50), image(range(16390, 0, 1000), 50)
        };
        // The other gap has fewer pages of others.
        assertThat(ranges(between))
                .containsExactly(
                        range(1247, 0, 2),
                        range(1259, 5, 6),
                        range(16384, 0, 300),
                        new KeyRange(block(16384, -1), Key.of(1, 0, 0, 0, 0, 1)));
        assertThat(ranges(between[0], between[1], between[2], delta(range(16390, 100, 200), 50, 60)))
                .containsExactly(KeyRange.ALL);
    }

    @Test
    void whereManyDeltasLieUponTheImagesItIsFlushedAsAnL0Layer() {
        put(16384, 0, 300, 10_000);
        List<PlainLayer> deltas = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            deltas.add(delta(range(16384, 100, 101), 10 + i, 11 + i));
        }
        assertThat(plan(map(deltas), SETTINGS).ranges()).containsExactly(range(16384, 0, 300));
        deltas.add(delta(range(16384, 0, 300), 20, 30));
        assertThat(plan(map(deltas), SETTINGS).ranges()).containsExactly(KeyRange.ALL);
        List<PlainLayer> imaged = new ArrayList<>(deltas);
        imaged.add(image(blocks(0, 300), 99));
        assertThat(plan(map(imaged), SETTINGS).ranges()).containsExactly(range(16384, 0, 300));
        // Nor does it matter to keys of which nothing older is read.
        anew.addAll(keys.keySet());
        assertThat(plan(map(deltas), SETTINGS).ranges()).containsExactly(range(16384, 0, 300));
        anew.remove(block(16384, 200));
        assertThat(plan(map(deltas), SETTINGS).ranges()).containsExactly(KeyRange.ALL);
    }

    @Test
    void keysWithLongChainsAreToldOfUnlessItIsAnL0Layer() {
        put(16384, 0, 300, 10_000);
        chains.put(block(16384, 7), 10);
        chains.put(block(16384, 8), 11);
        assertThat(plan(map(), SETTINGS).longChains()).isEqualTo(Map.of(block(16384, 8), LSNS.end()));
        assertThat(plan(map(l0(90, 100)), SETTINGS).longChains()).isEmpty();
    }

    @Test
    void whateverTheKeysTheRangesHaveThemAllAndNoneIsAnL0AmongOthers() {
        int divided = 0;
        for (long seed = 1; seed <= 500; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            keys.clear();
            for (int i = random.nextInt(1, 12); i > 0; i--) {
                int from = random.nextInt(5000);
                put(random.nextInt(16_384, 16_388), from, from + random.nextInt(1, 200), random.nextInt(1, 20_000));
            }
            if (random.nextInt(4) == 0) {
                keys.put(Key.MIN, 10L);
            }
            if (random.nextInt(4) == 0) {
                keys.put(new Key(-1L, -1L, '￾'), 10L);
            }
            FlushSettings settings = new FlushSettings(
                    1, 3, 1 << random.nextInt(14, 26), random.nextInt(1, 20), 5, 1 << random.nextInt(13), 10);
            List<KeyRange> ranges = plan(map(), settings).ranges();
            if (ranges.size() > 1) {
                divided++;
                assertThat(ranges)
                        .as("seed %d", seed)
                        .doesNotContain(KeyRange.ALL)
                        .hasSizeLessThanOrEqualTo(settings.maxLayers());
            }
            int covered = 0;
            Key end = Key.MIN;
            for (KeyRange range : ranges) {
                assertThat(range.start()).as("seed %d", seed).isGreaterThanOrEqualTo(end);
                end = range.end();
                covered += keys.subMap(range.start(), range.end()).size();
            }
            assertThat(covered).as("seed %d", seed).isEqualTo(keys.size());
        }
        assertThat(divided).isGreaterThan(50);
    }
}
