package dev.palimpsest.storage.layermap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class LayerMapEditorTest {
    private static final KeyRange HALF = new KeyRange(Key.MIN, new Key(100, 0, '\0'));

    private static LayerMap<TestLayer> empty() {
        return LayerMap.empty();
    }

    @Test
    void snapshotsStayWhatTheyWere() {
        for (long seed = 0; seed < 30; seed++) {
            LayerHistory history = new LayerHistory(seed);
            List<LayerMap<TestLayer>> snapshots = new ArrayList<>();
            List<Object> before = new ArrayList<>();
            for (int step = 0; step < 40; step++) {
                history.step();
                snapshots.add(history.map);
                before.add(everything(history, history.map));
            }
            for (int i = 0; i < snapshots.size(); i++) {
                assertThat(everything(history, snapshots.get(i)))
                        .as("seed %d, snapshot %d", seed, i)
                        .isEqualTo(before.get(i));
            }
        }
    }

    private static Object everything(LayerHistory history, LayerMap<TestLayer> map) {
        List<Object> all = new ArrayList<>();
        for (long end = 0; end < 400; end += 9) {
            all.add(map.rangeSearch(KeySpace.of(KeyRange.ALL), new Lsn(end)));
        }
        all.add(map.frozenLayers());
        all.add(map.l0Layers());
        all.add(map.historicLayers().toList());
        all.add(map.check());
        all.add(map.visibility(List.of(new Lsn(100), new Lsn(30))));
        for (Key key : history.keys) {
            all.add(Optional.ofNullable(map.search(key, new Lsn(70))));
        }
        return all;
    }

    @Test
    void theOpenLayerStaysOpenInOldSnapshots() {
        TestLayer layer = TestLayer.open(10);
        TestLayer image = TestLayer.image(KeyRange.ALL, 30);
        LayerMap<TestLayer> open = empty().edit().add(image).open(layer).apply();
        layer.freezeAt(31);
        LayerMap<TestLayer> frozen = open.edit().freeze().apply();
        assertThat(open.openLayer()).isSameAs(layer);
        assertThat(open.search(Key.MIN, new Lsn(50))).isEqualTo(new SearchResult<>(layer, new Lsn(31)));
        assertThat(frozen.openLayer()).isNull();
        assertThat(frozen.search(Key.MIN, new Lsn(50))).isEqualTo(new SearchResult<>(image, new Lsn(30)));
    }

    @Test
    void flushPutsAnL0InPlaceOfTheOldestFrozenLayer() {
        TestLayer first = TestLayer.open(10);
        TestLayer second = TestLayer.open(20);
        LayerMap<TestLayer> map = empty().edit().open(first).apply();
        first.freezeAt(20);
        map = map.edit().freeze().open(second).apply();
        second.freezeAt(30);
        map = map.edit().freeze().apply();
        LayerMap<TestLayer> twoFrozen = map;
        TestLayer l0 = TestLayer.l0(10, 20);
        assertThatThrownBy(() -> twoFrozen.edit().replaceFrozen(second, List.of(l0)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("oldest frozen");
        LayerMap<TestLayer> flushed =
                twoFrozen.edit().replaceFrozen(first, List.of(l0)).apply();
        assertThat(flushed.frozenLayers()).containsExactly(second);
        assertThat(flushed.l0Layers()).containsExactly(l0);
        assertThat(flushed.search(Key.MIN, new Lsn(20))).isEqualTo(new SearchResult<>(l0, new Lsn(10)));
        assertThat(flushed.edit().replaceFrozen(second, List.of()).apply().search(Key.MIN, new Lsn(99)))
                .isEqualTo(new SearchResult<>(l0, new Lsn(10)));
        assertThatThrownBy(() -> empty().edit().replaceFrozen(first, List.of()))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void refusesASecondOpenLayerAndFreezingWhatIsNotFrozen() {
        TestLayer layer = TestLayer.open(10);
        LayerMap<TestLayer> map = empty().edit().open(layer).apply();
        assertThatThrownBy(() -> map.edit().open(TestLayer.open(20))).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> map.edit().freeze()).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> empty().edit().freeze()).isInstanceOf(IllegalStateException.class);
        layer.freezeAt(10);
        assertThatThrownBy(() -> map.edit().freeze()).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> empty().edit().open(TestLayer.l0(1, 2))).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void refusesTheSameLayerTwiceAndUnknownOnes() {
        TestLayer delta = TestLayer.delta(HALF, 10, 20);
        TestLayer twin = TestLayer.delta(HALF, 10, 20);
        LayerMap<TestLayer> map = empty().edit().add(delta).apply();
        assertThatThrownBy(() -> map.edit().add(twin))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("already in the layer map: delta layer " + HALF);
        TestLayer other = TestLayer.delta(HALF, 10, 21);
        assertThatThrownBy(() -> map.edit().add(other).add(TestLayer.delta(HALF, 10, 21)))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> map.edit().remove(other)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> map.edit().remove(twin).remove(delta)).isInstanceOf(IllegalArgumentException.class);
        assertThat(map.contains(twin)).isTrue();
        assertThat(map.contains(other)).isFalse();
        assertThat(map.contains(TestLayer.image(HALF, 19))).isFalse();
    }

    @Test
    void aLayerMayTakeThePlaceOfItsTwin() {
        TestLayer delta = TestLayer.delta(HALF, 10, 20);
        TestLayer twin = TestLayer.delta(HALF, 10, 20);
        for (int recentMax : new int[] {0, 5}) {
            LayerMap<TestLayer> map = new LayerMap<TestLayer>(HistoricLayers.empty(recentMax), List.of(), null)
                    .edit()
                    .add(delta)
                    .apply();
            LayerMap<TestLayer> replaced = map.edit().remove(delta).add(twin).apply();
            assertThat(replaced.historicLayers()).containsExactly(twin);
            assertThat(map.historicLayers()).containsExactly(delta);
            LayerMapEditor<TestLayer> undone =
                    map.edit().remove(delta).add(twin).remove(twin);
            assertThat(undone.apply().historicLayers()).isEmpty();
        }
    }

    @Test
    void refusesWhatIsNoPersistentLayer() {
        LayerMapEditor<TestLayer> editor = empty().edit();
        assertThatThrownBy(() -> editor.add(TestLayer.open(3))).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> editor.add(TestLayer.l0(3, 3))).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> editor.add(TestLayer.image(HALF, 3).freezeAt(5)))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> editor.add(TestLayer.image(HALF, -1))).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void l0LayersComeInTheOrderOfTheirLsns() {
        TestLayer a = TestLayer.l0(10, 20);
        TestLayer b = TestLayer.l0(20, 30);
        TestLayer c = TestLayer.l0(30, -2);
        TestLayer fullImage = TestLayer.image(KeyRange.ALL, 25);
        LayerMap<TestLayer> map = new LayerMap<TestLayer>(HistoricLayers.empty(2), List.of(), null)
                .edit()
                .add(c)
                .add(a)
                .add(fullImage)
                .apply()
                .edit()
                .add(b)
                .add(TestLayer.delta(HALF, 5, 9))
                .apply();
        assertThat(map.l0Layers()).containsExactly(a, b, c);
    }
}
