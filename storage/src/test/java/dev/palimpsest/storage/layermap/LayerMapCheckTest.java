package dev.palimpsest.storage.layermap;

import static dev.palimpsest.storage.layermap.TestLayer.delta;
import static dev.palimpsest.storage.layermap.TestLayer.image;
import static dev.palimpsest.storage.layermap.TestLayer.l0;
import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.layer.LayerKind;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class LayerMapCheckTest {
    private static KeyRange range(int from, int to) {
        return new KeyRange(Key.of(0, 1, 1, 1, 0, from), Key.of(0, 1, 1, 1, 0, to));
    }

    private static LayerMap<TestLayer> map(TestLayer... historic) {
        LayerMapEditor<TestLayer> editor = LayerMap.<TestLayer>empty().edit();
        List.of(historic).forEach(editor::add);
        return editor.apply();
    }

    private static LayerMap<TestLayer> frozen(LayerMap<TestLayer> map, long start, long end) {
        TestLayer layer = TestLayer.open(start);
        LayerMap<TestLayer> open = map.edit().open(layer).apply();
        layer.freezeAt(end);
        return open.edit().freeze().apply();
    }

    @Test
    void inMemoryLayersMustAbut() {
        LayerMap<TestLayer> sound = frozen(frozen(map(l0(1, 10)), 10, 20), 20, 30);
        assertThat(sound.check()).isEmpty();
        assertThat(sound.edit().open(TestLayer.open(30)).apply().check()).isEmpty();
        assertThat(sound.edit().open(TestLayer.open(31)).apply().check())
                .singleElement()
                .asString()
                .contains("open in-memory layer of LSNs [0/1F, FFFFFFFF/FFFFFFFF)", "[0/14, 0/1E)");
        assertThat(frozen(sound, 29, 40).check())
                .singleElement()
                .asString()
                .contains("frozen in-memory layer of LSNs [0/1D, 0/28)", "[0/14, 0/1E)");
    }

    @Test
    void deltasMustLieBelowMemory() {
        assertThat(frozen(map(l0(1, 11), image(KeyRange.ALL, 15)), 10, 20).check())
                .singleElement()
                .asString()
                .contains("reaches into");
        assertThat(map(l0(1, 11)).edit().open(TestLayer.open(10)).apply().check())
                .hasSize(1);
        assertThat(map(l0(1, 11)).edit().open(TestLayer.open(11)).apply().check())
                .isEmpty();
    }

    @Test
    void deltasMustNotOverlapWhereAnotherStartsOrEnds() {
        assertThat(map(delta(range(0, 10), 10, 30), delta(range(10, 20), 20, 40))
                        .check())
                .isEmpty();
        assertThat(map(delta(range(0, 11), 10, 30), delta(range(10, 20), 20, 40))
                        .check())
                .hasSize(1);
        assertThat(map(delta(range(0, 11), 10, 30), delta(range(10, 20), 30, 40))
                        .check())
                .isEmpty();
        assertThat(map(delta(range(0, 10), 10, 30), delta(range(5, 6), 12, 15)).check())
                .as("single-key deltas split nothing")
                .isEmpty();
        assertThat(map(delta(range(0, 10), 10, 30), delta(range(5, 6), 12, 15), delta(range(20, 30), 11, 12))
                        .check())
                .as("but are looked at where something else does")
                .hasSize(1);
        assertThat(map(delta(range(0, 10), 10, 30), delta(range(5, 9), 10, 30)).check())
                .as("the rule does not look within the same LSN range")
                .isEmpty();
    }

    @Test
    void reportsManyViolationsInPart() {
        LayerMapEditor<TestLayer> editor = LayerMap.<TestLayer>empty().edit();
        for (int i = 0; i < 60; i++) {
            editor.add(delta(range(i, 100), 10 + i, 200));
        }
        assertThat(editor.apply().check()).hasSize(100);
    }

    @Test
    void agreesWithTheRuleSpelledOut() {
        int broken = 0;
        for (long seed = 0; seed < 300; seed++) {
            LayerHistory history = new LayerHistory(seed);
            for (int step = history.random.nextInt(20); step > 0; step--) {
                history.step();
            }
            if (history.random.nextBoolean()) {
                for (int i = 1 + history.random.nextInt(3); i > 0; i--) {
                    TestLayer extra = delta(
                            history.randomRange(),
                            1 + history.random.nextInt(10),
                            12 + history.random.nextLong(history.lsn));
                    if (!history.map.contains(extra)) {
                        history.replace(List.of(), List.of(extra));
                    }
                }
            }
            LayerMapEditor<TestLayer> editor = LayerMap.<TestLayer>empty().edit();
            history.naive.historic.forEach(editor::add);
            List<String> violations = editor.apply().check();
            int expected = Math.min(100, overlaps(history.naive.historic));
            assertThat(violations).as("seed %d", seed).hasSize(expected);
            broken += expected > 0 ? 1 : 0;
        }
        assertThat(broken).isBetween(50, 250);
    }

    private static int overlaps(List<TestLayer> layers) {
        List<TestLayer> deltas = new ArrayList<>();
        TreeSet<Long> splits = new TreeSet<>();
        for (TestLayer layer : layers) {
            if (layer.kind() == LayerKind.DELTA) {
                deltas.add(layer);
                if (hasManyKeys(layer)) {
                    splits.add(layer.start());
                    splits.add(layer.end());
                }
            }
        }
        Set<Set<TestLayer>> pairs = new HashSet<>();
        for (TestLayer delta : deltas) {
            if (hasManyKeys(delta) && splits.subSet(delta.start(), delta.end()).size() > 1) {
                for (TestLayer other : deltas) {
                    if (other != delta
                            && other.keyRange().overlaps(delta.keyRange())
                            && other.start() < delta.end()
                            && delta.start() < other.end()) {
                        pairs.add(Set.of(delta, other));
                    }
                }
            }
        }
        return pairs.size();
    }

    private static boolean hasManyKeys(TestLayer layer) {
        return !layer.keyRange().start().next().equals(layer.keyRange().end());
    }
}
