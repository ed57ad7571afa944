package dev.palimpsest.storage.layermap;

import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.layer.LayerKind;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;

/**
 * The life of a timeline as its layer map sees it, by chance from a seed: writes, flushes, compaction of L0s into tiles of
 * L1s (single keys among them cut by LSN), images at LSNs old and new, removal of old layers. The same changes go to a layer
 * map and to a naive one.
 */
final class LayerHistory {
    final Random random;
    final List<Key> keys;
    final NaiveLayerMap naive = new NaiveLayerMap();
    LayerMap<TestLayer> map;
    long lsn;

    LayerHistory(long seed) {
        random = new Random(seed);
        keys = keys(random, 4 + random.nextInt(40));
        // Small numbers, so that layers are in both indexes however few there are.
        map = new LayerMap<>(HistoricLayers.empty(random.nextInt(12)), List.of(), null);
        lsn = 10 + random.nextLong(20);
        open();
    }

    /** Keys that differ in any of their words, some of them neighbours; the least and the greatest among them. */
    static List<Key> keys(Random random, int count) {
        TreeSet<Key> keys = new TreeSet<>(List.of(Key.MIN, Key.MAX));
        Key key = Key.MIN;
        while (keys.size() < count) {
            key = switch (random.nextInt(4)) {
                case 0 -> new Key(random.nextLong(), random.nextLong(), (char) random.nextInt());
                case 1 -> new Key(key.high(), random.nextLong(), (char) random.nextInt());
                case 2 -> new Key(key.high(), key.middle(), (char) random.nextInt());
                default -> key.equals(Key.MAX) ? Key.MIN : key.next();
            };
            keys.add(key);
        }
        return List.copyOf(keys);
    }

    KeyRange randomRange() {
        int from = random.nextInt(keys.size() - 1);
        int to = from + 1 + random.nextInt(keys.size() - 1 - from);
        return new KeyRange(keys.get(from), keys.get(to));
    }

    private void open() {
        TestLayer layer = TestLayer.open(lsn);
        naive.inMemory.add(layer);
        map = map.edit().open(layer).apply();
    }

    /** One more thing happens. */
    void step() {
        switch (random.nextInt(10)) {
            case 0, 1, 2 -> freeze();
            case 3, 4, 5 -> flush();
            case 6 -> compact();
            case 7, 8 -> createImages();
            default -> collectGarbage();
        }
    }

    void freeze() {
        lsn += 1 + random.nextInt(12);
        naive.inMemory.getLast().freezeAt(lsn);
        map = map.edit().freeze().apply();
        open();
    }

    void flush() {
        if (naive.inMemory.size() > 1) {
            TestLayer oldest = naive.inMemory.removeFirst();
            TestLayer l0 = TestLayer.l0(oldest.start(), oldest.end());
            boolean heldNothing = random.nextInt(8) == 0;
            List<TestLayer> written = heldNothing ? List.of() : List.of(l0);
            naive.historic.addAll(written);
            map = map.edit().replaceFrozen(oldest, written).apply();
        }
    }

    void compact() {
        List<TestLayer> l0s = map.l0Layers();
        List<TestLayer> inputs = new ArrayList<>();
        for (TestLayer l0 : l0s) {
            if (inputs.isEmpty() || inputs.getLast().end() == l0.start()) {
                inputs.add(l0);
            }
        }
        if (inputs.isEmpty()) {
            return;
        }
        replace(inputs, tiles(inputs.getFirst().start(), inputs.getLast().end()));
    }

    /** Cuts most of the key space into ranges; some have one key and are cut by LSN. */
    private List<TestLayer> tiles(long start, long end) {
        List<TestLayer> tiles = new ArrayList<>();
        int at = random.nextInt(2);
        while (at < keys.size() - 1) {
            int next = Math.min(keys.size() - 1, at + 1 + random.nextInt(6));
            KeyRange range = new KeyRange(keys.get(at), keys.get(next));
            long cut = start + random.nextLong(end - start);
            if (range.equals(KeyRange.ALL)) {
                range = new KeyRange(keys.get(at), keys.get(next - 1));
            }
            if (cut > start && random.nextInt(4) == 0) {
                KeyRange one = KeyRange.single(range.start());
                tiles.add(TestLayer.delta(one, start, cut));
                tiles.add(TestLayer.delta(one, cut, end));
            } else if (random.nextInt(6) != 0) {
                tiles.add(TestLayer.delta(range, start, end));
            }
            at = next;
        }
        return tiles;
    }

    void createImages() {
        long at = random.nextInt(3) == 0 ? lsn - 1 : 1 + random.nextLong(lsn);
        List<TestLayer> images = new ArrayList<>();
        int from = random.nextInt(keys.size() - 1);
        while (from < keys.size() - 1) {
            int next = Math.min(keys.size() - 1, from + 1 + random.nextInt(8));
            TestLayer image = TestLayer.image(new KeyRange(keys.get(from), keys.get(next)), at);
            if (naive.historic.stream()
                    .noneMatch(other -> other.kind() == LayerKind.IMAGE
                            && other.start() == image.start()
                            && other.keyRange().overlaps(image.keyRange()))) {
                images.add(image);
            }
            from = next + (random.nextInt(4) == 0 ? 1 : 0);
        }
        replace(List.of(), images);
    }

    void collectGarbage() {
        long cutoff = 1 + random.nextLong(lsn);
        List<TestLayer> gone = naive.historic.stream()
                .filter(layer -> layer.end() <= cutoff && random.nextInt(3) == 0)
                .toList();
        replace(gone, List.of());
    }

    void replace(List<TestLayer> gone, List<TestLayer> added) {
        Set<TestLayer> goneSet = new HashSet<>(gone);
        naive.historic.removeIf(goneSet::contains);
        naive.historic.addAll(added);
        LayerMapEditor<TestLayer> editor = map.edit();
        gone.forEach(editor::remove);
        added.forEach(editor::add);
        map = editor.apply();
    }

    /** Throws in layers with no regard to what a timeline would do. */
    void breakRules() {
        for (int i = random.nextInt(30); i > 0; i--) {
            long start = 1 + random.nextLong(lsn + 10);
            TestLayer layer = random.nextInt(3) == 0
                    ? TestLayer.image(randomRange(), start)
                    : TestLayer.delta(
                            random.nextInt(4) == 0 ? KeyRange.ALL : randomRange(),
                            start,
                            start + 1 + random.nextInt(40));
            if (!map.contains(layer)) {
                replace(List.of(), List.of(layer));
            }
        }
        for (int i = random.nextInt(3); i > 0; i--) {
            lsn += 1;
            TestLayer last = naive.inMemory.getLast();
            naive.inMemory.getLast().freezeAt(last.start() + 1 + random.nextInt(30));
            TestLayer open = TestLayer.open(Math.max(1, last.start() - 10 + random.nextInt(50)));
            naive.inMemory.add(open);
            map = map.edit().freeze().open(open).apply();
        }
    }
}
