package dev.palimpsest.storage.layermap;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.LayerKind;
import dev.palimpsest.storage.layer.LsnRange;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Every query of the layer map against {@link NaiveLayerMap}, over histories by chance. */
class LayerMapOracleTest {
    @Test
    void agreesOnValidMaps() {
        for (long seed = 0; seed < 150; seed++) {
            runValid(seed);
        }
    }

    @Test
    @Tag("long")
    void agreesOnManyValidMaps() {
        for (long seed = 1000; seed < 2000; seed++) {
            runValid(seed);
        }
    }

    private static void runValid(long seed) {
        LayerHistory history = new LayerHistory(seed);
        int steps = 5 + history.random.nextInt(60);
        for (int step = 0; step < steps; step++) {
            history.step();
        }
        String where = "seed " + seed;
        assertThat(history.map.check()).as(where).isEmpty();
        compareAll(where, history);
        findEveryLsnOnce(where, history);
    }

    @Test
    void agreesOnBrokenMaps() {
        for (long seed = 0; seed < 150; seed++) {
            runBroken(seed);
        }
    }

    @Test
    @Tag("long")
    void agreesOnManyBrokenMaps() {
        for (long seed = 1000; seed < 2000; seed++) {
            runBroken(seed);
        }
    }

    private static void runBroken(long seed) {
        LayerHistory history = new LayerHistory(seed);
        int steps = history.random.nextInt(20);
        for (int step = 0; step < steps; step++) {
            history.step();
        }
        history.breakRules();
        String where = "seed " + seed + ", broken";
        compareAll(where, history);
        findEveryLsnOnce(where, history);
    }

    private static void compareAll(String where, LayerHistory history) {
        assertThat(history.map.historicLayers()).as(where).containsExactlyInAnyOrderElementsOf(history.naive.historic);
        compareSearch(where, history);
        for (int i = 0; i < 12; i++) {
            compareRangeSearch(where, history);
            compareCoverage(where, history);
            compareVisibility(where, history);
        }
    }

    /** The boundaries of the history, and the keys before and after each. */
    private static Set<Key> interestingKeys(LayerHistory history) {
        Set<Key> interesting = new TreeSet<>(history.keys);
        for (Key key : history.keys) {
            if (!key.equals(Key.MAX)) {
                interesting.add(key.next());
            }
            if (!key.equals(Key.MIN)) {
                interesting.add(before(key));
            }
        }
        return interesting;
    }

    private static Key before(Key key) {
        char low = (char) (key.low() - 1);
        long middle = key.low() == 0 ? key.middle() - 1 : key.middle();
        long high = key.low() == 0 && key.middle() == 0 ? key.high() - 1 : key.high();
        return new Key(high, middle, low);
    }

    private static NaiveLayerMap.@Nullable Found found(@Nullable SearchResult<TestLayer> result) {
        return result == null
                ? null
                : new NaiveLayerMap.Found(result.layer(), result.floor().value());
    }

    private static void compareSearch(String where, LayerHistory history) {
        for (Key key : interestingKeys(history)) {
            for (int i = 0; i < 8; i++) {
                long end = history.random.nextLong(history.lsn + 40);
                assertThat(found(history.map.search(key, new Lsn(end))))
                        .as("%s: key %s, end %d", where, key, end)
                        .isEqualTo(history.naive.search(key, end));
            }
        }
    }

    private static KeySpace randomKeySpace(LayerHistory history) {
        List<Key> edges = new ArrayList<>(interestingKeys(history));
        List<KeyRange> ranges = new ArrayList<>();
        for (int i = history.random.nextInt(4); i >= 0; i--) {
            int from = history.random.nextInt(edges.size() - 1);
            int to = from + 1 + history.random.nextInt(edges.size() - 1 - from);
            ranges.add(new KeyRange(edges.get(from), edges.get(to)));
        }
        return KeySpace.ofUnordered(ranges);
    }

    private static void compareRangeSearch(String where, LayerHistory history) {
        KeySpace keys = randomKeySpace(history);
        long end = history.random.nextLong(history.lsn + 40);
        Map<NaiveLayerMap.Found, List<KeyRange>> expected = new HashMap<>();
        Set<NaiveLayerMap.Found> order = new LinkedHashSet<>();
        for (KeyRange range : keys.ranges()) {
            for (KeyRange interval : history.naive.intervals(range)) {
                NaiveLayerMap.Found found = history.naive.search(interval.start(), end);
                if (found != null) {
                    order.add(found);
                    expected.computeIfAbsent(found, f -> new ArrayList<>()).add(interval);
                }
            }
        }
        List<RangeSearchResult<TestLayer>> results = history.map.rangeSearch(keys, new Lsn(end));
        assertThat(results)
                .as("%s: keys %s, end %d", where, keys, end)
                .isEqualTo(order.stream()
                        .map(found -> new RangeSearchResult<>(
                                found.layer(),
                                new Lsn(found.floor()),
                                KeySpace.ofUnordered(expected.getOrDefault(found, List.of()))))
                        .toList());
    }

    private static void compareCoverage(String where, LayerHistory history) {
        List<KeyRange> edges = randomKeySpace(history).ranges();
        KeyRange range = history.random.nextInt(4) == 0 ? KeyRange.ALL : edges.getFirst();
        long start = 1 + history.random.nextLong(history.lsn);
        long end = start + 1 + history.random.nextLong(history.lsn);
        LsnRange lsns = new LsnRange(new Lsn(start), new Lsn(end));
        String query = where + ": keys " + range + ", LSNs " + lsns;
        assertThat(history.map.imageCoverage(range, new Lsn(start)))
                .as(query)
                .isEqualTo(history.naive.imageCoverage(range, start));
        assertThat(history.map.imageLayerExists(range, lsns))
                .as(query)
                .isEqualTo(history.naive.imageLayerExists(range, start, end));
        for (int limit : new int[] {1, 2, 3, Integer.MAX_VALUE}) {
            assertThat(history.map.countDeltas(range, lsns, limit))
                    .as("%s, limit %d", query, limit)
                    .isEqualTo(history.naive.countDeltas(range, start, end, limit));
        }
    }

    private static void compareVisibility(String where, LayerHistory history) {
        List<Lsn> readPoints = new ArrayList<>();
        if (history.random.nextInt(5) != 0) {
            readPoints.add(new Lsn(history.lsn - 1));
        }
        for (int i = history.random.nextInt(4); i > 0; i--) {
            readPoints.add(new Lsn(1 + history.random.nextLong(history.lsn)));
        }
        LayerVisibility<TestLayer> visibility = history.map.visibility(readPoints);
        Set<TestLayer> visible = history.naive.visible(readPoints);
        assertThat(visibility.visible())
                .as("%s: visible from %s", where, readPoints)
                .containsExactlyInAnyOrderElementsOf(visible);
        List<TestLayer> covered = new ArrayList<>(history.naive.historic);
        covered.removeAll(visible);
        assertThat(visibility.covered())
                .as("%s: covered from %s", where, readPoints)
                .containsExactlyInAnyOrderElementsOf(covered);
    }

    /**
     * What a read relies on, whatever the map: going down, every LSN at which some layer may have values of the key is read
     * from a layer that has them, until an image is reached; and each search gets nearer to the bottom.
     */
    private static void findEveryLsnOnce(String where, LayerHistory history) {
        for (Key key : interestingKeys(history)) {
            long top = 1 + history.random.nextLong(history.lsn + 20);
            long end = top;
            while (true) {
                SearchResult<TestLayer> result = history.map.search(key, new Lsn(end));
                String at = where + ": key " + key + " from " + top + ", at " + end + " got " + result;
                long floor = result == null ? 0 : result.floor().value();
                assertThat(floor).as(at).isLessThan(end);
                for (long lsn = floor; lsn < end; lsn++) {
                    if (result == null || !result.layer().covers(key, lsn)) {
                        assertThat(mayHaveValues(history, key, lsn))
                                .as("%s, passed %d", at, lsn)
                                .isFalse();
                    }
                }
                if (result == null || result.layer().kind() == LayerKind.IMAGE) {
                    break;
                }
                end = floor;
            }
        }
    }

    private static boolean mayHaveValues(LayerHistory history, Key key, long lsn) {
        return history.naive.historic.stream().anyMatch(layer -> layer.covers(key, lsn))
                || history.naive.inMemory.stream().anyMatch(layer -> layer.covers(key, lsn));
    }
}
