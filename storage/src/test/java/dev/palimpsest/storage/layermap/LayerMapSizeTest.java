package dev.palimpsest.storage.layermap;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.layer.LsnRange;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** A map of 100,000 layers: rounds of L1 tiles, images every few rounds, L0s at the top; by samples. */
class LayerMapSizeTest {
    private static final long SEED = 20_260_101;
    private static final int BLOCKS = 1_000_000;

    private final SplittableRandom random = new SplittableRandom(SEED);
    private final NaiveLayerMap naive = new NaiveLayerMap();

    private static Key key(int block) {
        return Key.of(0, 1663, 5, 16384 + block / 10_000, 0, block % 10_000 * 20);
    }

    private void tiles(long start, long end, int count) {
        int from = 0;
        for (int i = 1; i <= count; i++) {
            int to = i == count ? BLOCKS : (int) ((long) BLOCKS * i / count) + random.nextInt(200);
            KeyRange keys = new KeyRange(key(from), key(to));
            naive.historic.add(end == start + 1 ? TestLayer.image(keys, start) : TestLayer.delta(keys, start, end));
            from = to;
        }
    }

    private LayerMap<TestLayer> build() {
        long lsn = 1000;
        while (naive.historic.size() < 100_000 - 4_000) {
            tiles(lsn, lsn + 1000, 1500 + random.nextInt(1000));
            if (random.nextInt(3) == 0) {
                long at = lsn + random.nextInt(1000);
                tiles(at, at + 1, 2000);
            }
            lsn += 1000;
        }
        LayerMapEditor<TestLayer> editor = LayerMap.<TestLayer>empty().edit();
        naive.historic.forEach(editor::add);
        LayerMap<TestLayer> map = editor.apply();
        while (naive.historic.size() < 100_000) {
            editor = map.edit();
            for (int i = random.nextInt(150); i >= 0 && naive.historic.size() < 100_000; i--) {
                TestLayer l0 = TestLayer.l0(lsn, lsn + 100);
                naive.historic.add(l0);
                editor.add(l0);
                lsn += 100;
            }
            map = editor.apply();
        }
        return map;
    }

    @Test
    void findsAmongAHundredThousandLayers() {
        LayerMap<TestLayer> map = build();
        long top = naive.historic.getLast().end();
        assertThat(map.historicLayers()).hasSize(100_000);
        compare(map, top, 150);
        List<TestLayer> gone = new ArrayList<>();
        for (int i = 0; i < 20_000; i++) {
            gone.add(naive.historic.remove(random.nextInt(naive.historic.size())));
        }
        LayerMapEditor<TestLayer> editor = map.edit();
        gone.forEach(editor::remove);
        LayerMap<TestLayer> smaller = editor.apply();
        assertThat(smaller.historicLayers()).hasSize(80_000);
        compare(smaller, top, 150);
    }

    private void compare(LayerMap<TestLayer> map, long top, int samples) {
        for (int i = 0; i < samples; i++) {
            Key key = i % 3 == 0
                    ? naive.historic
                            .get(random.nextInt(naive.historic.size()))
                            .keyRange()
                            .start()
                    : key(random.nextInt(BLOCKS));
            long end = 1 + random.nextLong(top + 100);
            NaiveLayerMap.Found expected = naive.search(key, end);
            SearchResult<TestLayer> found = map.search(key, new Lsn(end));
            assertThat(
                            found == null
                                    ? null
                                    : new NaiveLayerMap.Found(
                                            found.layer(), found.floor().value()))
                    .as("seed %d, key %s, end %d", SEED, key, end)
                    .isEqualTo(expected);
        }
    }

    @Test
    void countsThroughADeepStackOfL0s() {
        LayerMapEditor<TestLayer> editor = LayerMap.<TestLayer>empty().edit();
        for (int i = 0; i < 20_000; i++) {
            editor.add(TestLayer.l0(10 + i, 11 + i));
        }
        LayerMap<TestLayer> map =
                editor.add(TestLayer.delta(new KeyRange(key(0), key(9)), 1, 10)).apply();
        LsnRange all = new LsnRange(new Lsn(1), new Lsn(1_000_000));
        assertThat(map.countDeltas(KeyRange.ALL, all, Integer.MAX_VALUE)).isEqualTo(20_001);
        assertThat(map.countDeltas(KeyRange.ALL, all, 7)).isEqualTo(7);
        assertThat(map.countDeltas(new KeyRange(key(0), key(5)), all, 3)).isEqualTo(1);
    }
}
