package dev.palimpsest.storage.layermap;

import static dev.palimpsest.storage.layermap.TestLayer.delta;
import static dev.palimpsest.storage.layermap.TestLayer.image;
import static dev.palimpsest.storage.layermap.TestLayer.l0;
import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The table of what a search returns, row by row. */
class LayerMapSearchTest {
    private static final Key KEY = key(5);
    private static final KeyRange TILE = range(0, 10);

    private static Key key(int block) {
        return Key.of(0, 1663, 5, 16384, 0, block);
    }

    private static KeyRange range(int from, int to) {
        return new KeyRange(key(from), key(to));
    }

    private static LayerMap<TestLayer> map(TestLayer... historic) {
        LayerMapEditor<TestLayer> editor = LayerMap.<TestLayer>empty().edit();
        List.of(historic).forEach(editor::add);
        return editor.apply();
    }

    private static LayerMap<TestLayer> withOpen(LayerMap<TestLayer> map, TestLayer open) {
        return map.edit().open(open).apply();
    }

    private static LayerMap<TestLayer> withFrozen(LayerMap<TestLayer> map, TestLayer open, long end) {
        LayerMap<TestLayer> opened = withOpen(map, open);
        open.freezeAt(end);
        return opened.edit().freeze().apply();
    }

    private static void assertFound(LayerMap<TestLayer> map, long end, TestLayer layer, long floor) {
        SearchResult<TestLayer> expected = new SearchResult<>(layer, new Lsn(floor));
        assertThat(map.search(KEY, new Lsn(end))).isEqualTo(expected);
        assertThat(map.rangeSearch(TILE, new Lsn(end)))
                .isEqualTo(List.of(new RangeSearchResult<>(layer, new Lsn(floor), KeySpace.of(TILE))));
    }

    private static void assertNothing(LayerMap<TestLayer> map, long end) {
        @Nullable SearchResult<TestLayer> found = map.search(KEY, new Lsn(end));
        assertThat(found).isNull();
        assertThat(map.rangeSearch(TILE, new Lsn(end))).isEmpty();
    }

    @Test
    void nothing() {
        assertNothing(map(), 100);
        assertNothing(map(), 0);
        assertNothing(map(delta(range(10, 20), 1, 50), image(range(11, 20), 7)), 100);
    }

    @Test
    void atEndZeroThereIsNothing() {
        assertNothing(withOpen(map(l0(0, 5), image(TILE, 0)), TestLayer.open(0)), 0);
    }

    @Test
    void imageOnly() {
        TestLayer image = image(TILE, 30);
        assertFound(map(image), 100, image, 30);
        assertFound(map(image), 31, image, 30);
        assertNothing(map(image), 30);
    }

    @Test
    void deltaOnly() {
        TestLayer delta = delta(TILE, 10, 50);
        assertFound(map(delta), 100, delta, 10);
        assertFound(map(delta), 50, delta, 10);
        assertFound(map(delta), 11, delta, 10);
        assertNothing(map(delta), 10);
    }

    @Test
    void inMemoryOnly() {
        TestLayer open = TestLayer.open(10);
        assertFound(withOpen(map(), open), 11, open, 10);
        assertFound(withOpen(map(), open), 100, open, 10);
        assertNothing(withOpen(map(), open), 10);
        LayerMap<TestLayer> frozen = withFrozen(map(), open, 50);
        assertFound(frozen, 100, open, 10);
        assertNothing(frozen, 10);
    }

    @Test
    void ofInMemoryLayersTheNewestThatStartsBelow() {
        TestLayer older = TestLayer.open(10);
        TestLayer newer = TestLayer.open(50);
        TestLayer open = TestLayer.open(70);
        LayerMap<TestLayer> map = withOpen(withFrozen(withFrozen(map(), older, 50), newer, 70), open);
        assertFound(map, 71, open, 70);
        assertFound(map, 70, newer, 50);
        assertFound(map, 51, newer, 50);
        assertFound(map, 50, older, 10);
        assertThat(map.frozenLayers()).containsExactly(older, newer);
        assertThat(map.openLayer()).isSameAs(open);
    }

    @Test
    void newestDeltaByItsEnd() {
        TestLayer longer = delta(TILE, 10, 60);
        TestLayer startsLater = delta(TILE, 30, 50);
        assertFound(map(longer, startsLater), 100, longer, 10);
        assertFound(map(longer, startsLater), 40, longer, 10);
    }

    @Test
    void ofDeltasWithTheSameEndTheOneThatReachesDeepest() {
        TestLayer deep = delta(TILE, 10, 50);
        TestLayer shallow = delta(range(0, 20), 30, 50);
        assertFound(map(shallow, deep), 100, deep, 10);
        assertFound(map(deep, shallow), 100, deep, 10);
    }

    @Test
    void deltaAndImage() {
        TestLayer delta = delta(TILE, 10, 50);
        TestLayer inside = image(TILE, 30);
        assertFound(map(delta, inside), 100, delta, 31);
        assertFound(map(delta, inside), 32, delta, 31);
        assertFound(map(delta, inside), 31, inside, 30);
        assertFound(map(delta, inside), 30, delta, 10);
        TestLayer below = image(TILE, 5);
        assertFound(map(delta, below), 100, delta, 10);
        TestLayer atEnd = image(TILE, 49);
        assertFound(map(delta, atEnd), 100, atEnd, 49);
        TestLayer justBelowEnd = image(TILE, 48);
        assertFound(map(delta, justBelowEnd), 100, delta, 49);
        TestLayer above = image(TILE, 70);
        assertFound(map(delta, above), 100, above, 70);
        assertFound(map(delta, above), 70, delta, 10);
    }

    @Test
    void imageAndOpenLayer() {
        TestLayer open = TestLayer.open(50);
        TestLayer inside = image(TILE, 60);
        LayerMap<TestLayer> map = withOpen(map(inside), open);
        assertFound(map, 100, open, 61);
        assertFound(map, 61, inside, 60);
        assertFound(map, 60, open, 50);
        TestLayer below = image(TILE, 20);
        assertFound(withOpen(map(below), open), 100, open, 50);
        assertFound(withOpen(map(below), open), 50, below, 20);
    }

    @Test
    void imageAndFrozenLayer() {
        TestLayer frozen = TestLayer.open(50);
        TestLayer inside = image(TILE, 60);
        TestLayer atEnd = image(TILE, 69);
        assertFound(withFrozen(map(inside), frozen, 70), 100, frozen, 61);
        TestLayer again = TestLayer.open(50);
        assertFound(withFrozen(map(atEnd), again, 70), 100, atEnd, 69);
    }

    @Test
    void deltaAndInMemoryLayer() {
        TestLayer open = TestLayer.open(50);
        TestLayer delta = l0(10, 50);
        LayerMap<TestLayer> map = withOpen(map(delta), open);
        assertFound(map, 100, open, 50);
        assertFound(map, 51, open, 50);
        assertFound(map, 50, delta, 10);
    }

    @Test
    void deltaThatOverlapsWhatIsInMemory() {
        TestLayer delta = l0(10, 60);
        TestLayer open = TestLayer.open(50);
        LayerMap<TestLayer> map = withOpen(map(delta), open);
        assertFound(map, 100, open, 60);
        assertFound(map, 60, delta, 10);
        assertFound(map, 55, delta, 10);
        TestLayer frozen = TestLayer.open(40);
        assertFound(withFrozen(map(delta), frozen, 60), 100, delta, 10);
    }

    @Test
    void allThree() {
        TestLayer delta = l0(10, 50);
        TestLayer imageInDelta = image(TILE, 30);
        TestLayer open = TestLayer.open(50);
        LayerMap<TestLayer> map = withOpen(map(delta, imageInDelta), open);
        assertFound(map, 100, open, 50);
        assertFound(map, 50, delta, 31);
        assertFound(map, 31, imageInDelta, 30);
        TestLayer imageInOpen = image(TILE, 60);
        LayerMap<TestLayer> newer = withOpen(map(delta, imageInOpen), open);
        assertFound(newer, 100, open, 61);
        assertFound(newer, 61, imageInOpen, 60);
        assertFound(newer, 60, open, 50);
        assertFound(newer, 50, delta, 10);
        TestLayer frozen = TestLayer.open(50);
        TestLayer imageAtEnd = image(TILE, 69);
        assertFound(withFrozen(map(delta, imageAtEnd), frozen, 70), 100, imageAtEnd, 69);
    }

    @Test
    void lsnsAndKeysAreUnsigned() {
        TestLayer image = image(new KeyRange(Key.MIN, Key.MAX), 7);
        TestLayer delta = delta(new KeyRange(new Key(-5, 0, '\0'), Key.MAX), 5, -20);
        LayerMap<TestLayer> map = map(image, delta);
        assertThat(map.search(new Key(-4, -1, '\uFFFF'), new Lsn(-10)))
                .isEqualTo(new SearchResult<>(delta, new Lsn(8)));
        assertThat(map.search(new Key(-6, -1, '\uFFFF'), new Lsn(-10)))
                .isEqualTo(new SearchResult<>(image, new Lsn(7)));
        assertThat(map.search(new Key(-4, -1, '\uFFFF'), new Lsn(-15)))
                .isEqualTo(new SearchResult<>(delta, new Lsn(8)));
        assertThat(map.search(Key.MAX, Lsn.MAX)).isNull();
    }
}
