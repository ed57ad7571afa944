package dev.palimpsest.storage.layermap;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.layer.LayerKind;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The rules of the layer map, applied to a plain list of layers, each question looking at all of them. LSNs are small
 * positive numbers; only the open layer's end is beyond them. Follows the tables of the reference word by word.
 */
final class NaiveLayerMap {
    final List<TestLayer> historic = new ArrayList<>();
    /** Oldest first, the open layer last. */
    final List<TestLayer> inMemory = new ArrayList<>();

    record Found(TestLayer layer, long floor) {}

    private static final Comparator<TestLayer> BY_END =
            Comparator.comparing(TestLayer::lsnEnd).thenComparing(TestLayer::lsnStart, Comparator.reverseOrder());

    /** Greatest end; of equal ends the smallest start, then the first key range. */
    @Nullable
    TestLayer best(LayerKind kind, Key key, long startsAtOrBelow) {
        TestLayer best = null;
        for (TestLayer layer : historic) {
            if (layer.kind() == kind && layer.covers(key) && layer.start() <= startsAtOrBelow) {
                int order = best == null ? 1 : BY_END.compare(layer, best);
                if (order > 0 || (order == 0 && best != null && layer.keyRange().compareTo(best.keyRange()) < 0)) {
                    best = layer;
                }
            }
        }
        return best;
    }

    private @Nullable TestLayer bestInMemory(long end) {
        TestLayer best = null;
        for (TestLayer layer : inMemory) {
            if (layer.start() < end && (best == null || layer.lsnEnd().compareTo(best.lsnEnd()) >= 0)) {
                best = layer;
            }
        }
        return best;
    }

    @Nullable
    Found search(Key key, long end) {
        TestLayer delta = best(LayerKind.DELTA, key, end - 1);
        TestLayer image = best(LayerKind.IMAGE, key, end - 1);
        TestLayer memory = bestInMemory(end);
        Found persistent = null;
        if (delta != null && image != null) {
            boolean takesImage = image.end() >= delta.end() || image.start() + 1 == end;
            persistent = takesImage
                    ? new Found(image, image.start())
                    : new Found(delta, Math.max(delta.start(), image.start() + 1));
        } else if (delta != null) {
            persistent = new Found(delta, delta.start());
        } else if (image != null) {
            persistent = new Found(image, image.start());
        }
        if (memory == null) {
            return persistent;
        }
        if (persistent == null) {
            return new Found(memory, memory.start());
        }
        TestLayer layer = persistent.layer;
        boolean reachesMemoryEnd = !layer.lsnEnd().isBefore(memory.lsnEnd());
        if (layer.kind() == LayerKind.IMAGE) {
            boolean takesImage = reachesMemoryEnd || layer.start() + 1 == end;
            return takesImage ? persistent : new Found(memory, Math.max(memory.start(), layer.start() + 1));
        }
        // The reference has "== end": a delta that reaches beyond it over an in-memory layer is on broken maps only.
        boolean takesDelta = reachesMemoryEnd || layer.end() >= end;
        return takesDelta
                ? persistent
                : new Found(memory, Math.max(persistent.floor, Math.max(memory.start(), layer.end())));
    }

    /** The keys where anything can change within a range, and its edges. */
    List<KeyRange> intervals(KeyRange range) {
        Set<Key> edges = new TreeSet<>(List.of(range.start(), range.end()));
        for (TestLayer layer : historic) {
            for (Key key : List.of(layer.keyRange().start(), layer.keyRange().end())) {
                if (range.contains(key)) {
                    edges.add(key);
                }
            }
        }
        List<KeyRange> intervals = new ArrayList<>();
        Key last = null;
        for (Key edge : edges) {
            if (last != null) {
                intervals.add(new KeyRange(last, edge));
            }
            last = edge;
        }
        return intervals;
    }

    /** The pieces of a range over which the best layer of a kind is the same. */
    List<ImageCoverage<TestLayer>> coverage(LayerKind kind, KeyRange range, long lsn) {
        List<ImageCoverage<TestLayer>> pieces = new ArrayList<>();
        for (KeyRange interval : intervals(range)) {
            TestLayer layer = best(kind, interval.start(), lsn);
            if (!pieces.isEmpty() && pieces.getLast().image() == layer) {
                KeyRange before = pieces.removeLast().range();
                pieces.add(new ImageCoverage<>(new KeyRange(before.start(), interval.end()), layer));
            } else {
                pieces.add(new ImageCoverage<>(interval, layer));
            }
        }
        return pieces;
    }

    List<ImageCoverage<TestLayer>> imageCoverage(KeyRange range, long lsn) {
        boolean hasVersion = historic.stream().anyMatch(layer -> layer.start() <= lsn);
        return hasVersion ? coverage(LayerKind.IMAGE, range, lsn) : List.of();
    }

    boolean imageLayerExists(KeyRange range, long start, long end) {
        for (KeyRange interval : intervals(range)) {
            TestLayer image = best(LayerKind.IMAGE, interval.start(), end - 1);
            if (image == null || image.start() < start) {
                return false;
            }
        }
        return true;
    }

    int countDeltas(KeyRange range, long start, long end, int limit) {
        int most = 0;
        if (start < end) {
            for (ImageCoverage<TestLayer> piece : coverage(LayerKind.DELTA, range, end - 1)) {
                TestLayer delta = piece.image();
                if (delta != null && delta.end() > start) {
                    boolean counts = !delta.isL0() || piece.range().equals(KeyRange.ALL);
                    int below = countDeltas(piece.range(), start, delta.start(), Integer.MAX_VALUE);
                    most = Math.max(most, (counts ? 1 : 0) + below);
                }
            }
        }
        return Math.min(most, limit);
    }

    /** A layer is put among the results once the sweep has decided about it. */
    Set<TestLayer> visible(Collection<Lsn> readPoints) {
        List<Item> items = new ArrayList<>();
        for (TestLayer layer : historic) {
            boolean isImage = layer.kind() == LayerKind.IMAGE;
            items.add(new Item(layer.end() - 1, isImage ? 1 : 0, layer));
        }
        readPoints.forEach(point -> items.add(new Item(point.value(), 2, null)));
        Comparator<Item> order = Comparator.comparingLong(Item::lsn)
                .thenComparingInt(Item::rank)
                .reversed()
                .thenComparing(Item::layer, Comparator.nullsFirst(Comparator.comparing(layer -> layer.keyRange())));
        items.sort(order);
        List<KeyRange> intervals = intervals(KeyRange.ALL);
        Set<KeyRange> shadow = new HashSet<>();
        Set<TestLayer> deferred = new LinkedHashSet<>();
        Set<TestLayer> visible = new LinkedHashSet<>();
        for (Item item : items) {
            TestLayer layer = item.layer;
            deferred.removeIf(delta -> item.lsn < delta.start());
            if (layer == null) {
                shadow.clear();
                visible.addAll(deferred);
                deferred.clear();
                continue;
            }
            List<KeyRange> keys =
                    intervals.stream().filter(layer.keyRange()::contains).toList();
            if (!shadow.containsAll(keys)) {
                visible.add(layer);
            } else if (layer.kind() == LayerKind.DELTA) {
                deferred.add(layer);
            }
            if (layer.kind() == LayerKind.IMAGE) {
                shadow.addAll(keys);
            }
        }
        return visible;
    }

    private record Item(long lsn, int rank, @Nullable TestLayer layer) {}
}
