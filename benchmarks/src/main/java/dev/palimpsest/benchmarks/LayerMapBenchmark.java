package dev.palimpsest.benchmarks;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.layer.LayerExtent;
import dev.palimpsest.storage.layer.LayerKind;
import dev.palimpsest.storage.layermap.LayerMap;
import dev.palimpsest.storage.layermap.LayerMapEditor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;

/**
 * Times the layer map: making it, changing it and searching it, on one thread.
 *
 * <p>The map is what many rounds of compaction leave behind: L1 tiles with boundaries that differ from round to round, every
 * fourth round image layers over all keys, and 20 L0s on top. Half of the searches are at the newest LSN, half at any.
 */
public final class LayerMapBenchmark {
    private static final int RELATIONS = 200;
    private static final int BLOCKS_PER_RELATION = 131_072;
    private static final int L0_LAYERS = 20;
    private static final long ROUND_BYTES = 1 << 28;
    private static final int SEARCHES = 1 << 16;
    private static final int BATCH = 64;

    /**
     * What was measured of a map.
     *
     * @param layers how many delta and image layers
     * @param buildMs making the map of them at once
     * @param addMicros adding an L0, on average
     * @param removeMs replacing the oldest tenth, which makes the index anew
     * @param searchNanosMedian a search, the median of batches of 64
     * @param searchNanosMean a search, on average
     * @param rangeMicros a range search over one relation, on average
     * @param rangeResults how many layers it found, on average
     */
    public record Result(
            int layers,
            double buildMs,
            double addMicros,
            double removeMs,
            double searchNanosMedian,
            double searchNanosMean,
            double rangeMicros,
            double rangeResults) {
        @Override
        public String toString() {
            return String.format(
                    Locale.ROOT,
                    "%,9d layers: build %.1f ms, add an L0 %.1f us, replace a tenth %.1f ms, search p50 %.0f ns mean %.0f ns,"
                            + " range search of a relation %.1f us (%.1f layers)",
                    layers,
                    buildMs,
                    addMicros,
                    removeMs,
                    searchNanosMedian,
                    searchNanosMean,
                    rangeMicros,
                    rangeResults);
        }
    }

    private record Extent(LayerKind kind, KeyRange keyRange, Lsn lsnStart, Lsn lsnEnd) implements LayerExtent {}

    private final SplittableRandom random;
    private long sink;

    /** With a seed, which decides the layers and the searches. */
    public LayerMapBenchmark(long seed) {
        random = new SplittableRandom(seed);
    }

    /** Prints a line for each size, by default 1,000, 10,000 and 100,000 layers. */
    public static void main(String[] sizes) {
        List<Integer> counts = sizes.length == 0
                ? List.of(1_000, 10_000, 100_000)
                : Arrays.stream(sizes).map(Integer::valueOf).toList();
        new LayerMapBenchmark(1).run(counts).forEach(System.out::println);
    }

    /** Measures maps of so many layers each, at least 100; after a round that does not count. */
    public List<Result> run(List<Integer> sizes) {
        measure(10_000);
        return sizes.stream().map(this::measure).toList();
    }

    /** Depends on all that was found, so that no search can be left out. */
    public long sink() {
        return sink;
    }

    private Result measure(int size) {
        List<Extent> layers = layers(size);
        Lsn top = layers.getLast().lsnEnd();
        LayerMap<Extent> map = LayerMap.empty();
        double buildMs = Double.MAX_VALUE;
        for (int i = 0; i < 5; i++) {
            long before = System.nanoTime();
            map = with(LayerMap.empty(), layers);
            buildMs = Math.min(buildMs, (System.nanoTime() - before) / 1e6);
        }
        double addMicros = timeAdding(map, top);
        double removeMs = timeRemoving(map, layers.subList(0, size / 10));
        double[] nanos = timeSearches(map, top);
        double[] range = timeRangeSearches(map, top);
        double mean = Arrays.stream(nanos).average().orElse(0);
        Arrays.sort(nanos);
        return new Result(size, buildMs, addMicros, removeMs, nanos[nanos.length / 2], mean, range[0], range[1]);
    }

    private static LayerMap<Extent> with(LayerMap<Extent> map, List<Extent> layers) {
        LayerMapEditor<Extent> editor = map.edit();
        layers.forEach(editor::add);
        return editor.apply();
    }

    private double timeAdding(LayerMap<Extent> map, Lsn top) {
        int count = 100;
        long before = System.nanoTime();
        LayerMap<Extent> changed = map;
        for (int i = 0; i < count; i++) {
            Lsn start = top.plus(i);
            changed = changed.edit()
                    .add(new Extent(LayerKind.DELTA, KeyRange.ALL, start, start.plus(1)))
                    .apply();
        }
        double micros = (System.nanoTime() - before) / 1e3 / count;
        sink += changed.l0Layers().size();
        return micros;
    }

    private double timeRemoving(LayerMap<Extent> map, List<Extent> gone) {
        double ms = Double.MAX_VALUE;
        for (int i = 0; i < 5; i++) {
            LayerMapEditor<Extent> editor = map.edit();
            long before = System.nanoTime();
            gone.forEach(editor::remove);
            LayerMap<Extent> changed = editor.apply();
            ms = Math.min(ms, (System.nanoTime() - before) / 1e6);
            sink += changed.l0Layers().size();
        }
        return ms;
    }

    /** Nanoseconds a search, of batches. */
    private double[] timeSearches(LayerMap<Extent> map, Lsn top) {
        Key[] keys = new Key[SEARCHES];
        Lsn[] ends = new Lsn[SEARCHES];
        for (int i = 0; i < SEARCHES; i++) {
            keys[i] = key(random.nextInt(RELATIONS), random.nextInt(BLOCKS_PER_RELATION));
            ends[i] = random.nextBoolean() ? top : new Lsn(1 + random.nextLong(top.value()));
        }
        double[] nanos = new double[SEARCHES / BATCH];
        for (int round = 0; round < 10; round++) {
            for (int batch = 0; batch < nanos.length; batch++) {
                long before = System.nanoTime();
                for (int i = batch * BATCH; i < (batch + 1) * BATCH; i++) {
                    var found = map.search(keys[i], ends[i]);
                    sink += found == null ? 0 : found.floor().value();
                }
                nanos[batch] = (System.nanoTime() - before) / (double) BATCH;
            }
        }
        return nanos;
    }

    /** Microseconds a search, and the layers found. */
    private double[] timeRangeSearches(LayerMap<Extent> map, Lsn top) {
        int count = 200;
        double micros = 0;
        double results = 0;
        for (int round = 0; round < 10; round++) {
            results = 0;
            long before = System.nanoTime();
            for (int i = 0; i < count; i++) {
                int relation = i % RELATIONS;
                KeyRange range = new KeyRange(key(relation, 0), key(relation, BLOCKS_PER_RELATION));
                Lsn end = top.minus(ROUND_BYTES * (L0_LAYERS + i % 4));
                results += map.rangeSearch(range, end).size();
            }
            micros = (System.nanoTime() - before) / 1e3 / count;
        }
        sink += (long) results;
        return new double[] {micros, results / count};
    }

    private static Key key(int relation, int block) {
        return Key.of(0, 1663, 5, 16384 + relation, 0, block);
    }

    private List<Extent> layers(int size) {
        List<Extent> layers = new ArrayList<>(size);
        int perRound = Math.max(10, (int) (2 * Math.sqrt(size)));
        Lsn lsn = new Lsn(ROUND_BYTES);
        for (int round = 0; layers.size() < size - L0_LAYERS; round++) {
            Lsn end = lsn.plus(ROUND_BYTES);
            boolean images = round % 4 == 3;
            Key from = key(0, 0);
            for (int i = 1; i <= perRound && layers.size() < size - L0_LAYERS; i++) {
                long at =
                        (long) RELATIONS * BLOCKS_PER_RELATION * i / perRound - random.nextInt(BLOCKS_PER_RELATION / 4);
                Key to = i == perRound
                        ? key(RELATIONS, 0)
                        : key((int) (at / BLOCKS_PER_RELATION), (int) (at % BLOCKS_PER_RELATION));
                if (from.compareTo(to) < 0) {
                    KeyRange range = new KeyRange(from, to);
                    layers.add(
                            images
                                    ? new Extent(LayerKind.IMAGE, range, lsn, lsn.plus(1))
                                    : new Extent(LayerKind.DELTA, range, lsn, end));
                    from = to;
                }
            }
            lsn = images ? lsn.plus(1) : end;
        }
        for (int i = 0; i < L0_LAYERS; i++) {
            layers.add(new Extent(LayerKind.DELTA, KeyRange.ALL, lsn, lsn.plus(ROUND_BYTES)));
            lsn = lsn.plus(ROUND_BYTES);
        }
        return layers;
    }
}
