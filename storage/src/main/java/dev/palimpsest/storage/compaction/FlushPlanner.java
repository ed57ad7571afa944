package dev.palimpsest.storage.compaction;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.layer.LayerExtent;
import dev.palimpsest.storage.layer.LsnRange;
import dev.palimpsest.storage.layer.memory.FrozenKeys;
import dev.palimpsest.storage.layermap.ImageCoverage;
import dev.palimpsest.storage.layermap.LayerMap;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Decides what a frozen layer is flushed as: an L0 layer, or L1 layers at once.
 *
 * <p>L0 layers are merged since a read has to look into each of them, whatever its key. Where the values of a frozen layer are
 * many for the pages they belong to, as of a bulk load, of an index that is built, or of updates of a table that is not large,
 * a merge with neighbours gains little and costs what they have in bytes. Such a layer is cut where its keys have gaps, so that
 * each piece covers the pages it has values for and little besides:
 *
 * <pre>
 *  LSN ▲   ┌─────────────────────────────────┐ L0
 *      │   ├─┬─┬─┬──────────┬──────────┬───┬─┤
 *      │   │ │ │ │ a table  │          │   │ │ flushed as L1 layers; nothing has the keys between
 *      │   ├─┴─┴─┴──────────┴──────────┴───┴─┤
 *      │   └─────────────────────────────────┘ L0: compacted without what is above
 *      └──────────────────────────────────────► key
 * </pre>
 *
 * <p>None of the pieces covers all keys, or it would be an L0 layer; and there is no L0 layer of the same LSNs, as it would have
 * to have all that they have. So the L0 layers below and above are not neighbours, and {@link L0Planner} does not merge across.
 */
public final class FlushPlanner {
    /** A layer whose keys have more gaps than this belongs to no such load. */
    private static final int MAX_CLUSTERS = 64;

    /** Keys nearer to each other than this part of the pages of an image layer are not cut apart. */
    private static final int GAPS_PER_TARGET = 16;

    /** What has less than this part of a layer's target size may be joined with others. */
    private static final int SMALL = 16;

    /**
     * L0 layers that have no more than this part of a layer's bytes do not keep it from becoming L1 layers. Compacted by
     * themselves they make a delta more over their pages, which brings the next images of these nearer; compacted with them, the
     * layer costs its own bytes once more. In the simulation of the planners a quarter writes least where small layers and large
     * ones take turns.
     */
    private static final int SMALL_RUN = 4;

    /** How many keys with long chains are told of. */
    private static final int MAX_LONG_CHAINS = 1024;

    /**
     * What a layer is flushed as.
     *
     * @param ranges the keys of each file, ascending; {@link KeyRange#ALL} alone for an L0 layer
     * @param longChains keys with more records upon their last image than allowed, and the LSN end of these; not of an L0 layer,
     *     as its compaction finds them
     */
    public record Plan(List<KeyRange> ranges, SortedMap<Key, Lsn> longChains) {
        /** One L0 layer. */
        public static final Plan L0 = new Plan(List.of(KeyRange.ALL), Collections.emptySortedMap());

        /** Keeps a copy of the list. */
        public Plan {
            ranges = List.copyOf(ranges);
        }
    }

    private FlushPlanner() {}

    /**
     * Plans the flush of a layer.
     *
     * @param keys of the frozen layer
     * @param bytes of their values, about
     * @param lsns of the frozen layer
     * @param map with every layer below it
     * @param size of an L0 layer's file in bytes
     */
    public static <L extends LayerExtent> Plan plan(
            FrozenKeys keys,
            long bytes,
            LsnRange lsns,
            LayerMap<L> map,
            ToLongFunction<? super L> size,
            FlushSettings settings) {
        if (bytes < settings.minBytes()) {
            return Plan.L0;
        }
        List<L> run = runBelow(map.l0Layers(), lsns.start());
        if (run.size() < settings.l0Threshold() && run.stream().mapToLong(size).sum() > bytes / SMALL_RUN) {
            return Plan.L0;
        }
        SortedMap<Key, Lsn> longChains = new TreeMap<>();
        List<KeyCluster> clusters = clusters(keys, lsns.end(), settings, longChains);
        if (clusters.isEmpty() || !isMostlyDense(clusters, settings.minBytesPerPage())) {
            return Plan.L0;
        }
        List<KeyCluster> joined = joined(clusters, map, settings);
        List<KeyRange> ranges =
                joined.stream().flatMap(cluster -> cluster.ranges().stream()).toList();
        boolean isFit = ranges.size() <= settings.maxLayers()
                && !ranges.contains(KeyRange.ALL)
                && joined.stream().noneMatch(cluster -> isDeep(map, cluster, lsns.start(), settings.maxDeltas()));
        return isFit ? new Plan(ranges, longChains) : Plan.L0;
    }

    /**
     * The newest L0 layers, down from an LSN without a gap. If they are too few to be compacted, L1 layers above them cut the run
     * short: its layers would be compacted by themselves, and make a layer more for reads and images than they would with others.
     */
    private static <L extends LayerExtent> List<L> runBelow(List<L> l0Layers, Lsn end) {
        List<L> run = new ArrayList<>();
        Lsn start = end;
        for (L layer : l0Layers.reversed()) {
            if (!layer.lsnEnd().equals(start)) {
                break;
            }
            run.add(layer);
            start = layer.lsnStart();
        }
        return run;
    }

    /** Empty if there are too many. */
    private static List<KeyCluster> clusters(
            FrozenKeys keys, Lsn lsnEnd, FlushSettings settings, SortedMap<Key, Lsn> longChains) {
        long minGap = Math.max(1, settings.targetPages() / GAPS_PER_TARGET);
        List<KeyCluster> clusters = new ArrayList<>();
        KeyCluster.@Nullable Builder open = null;
        while (keys.next()) {
            Key key = keys.key();
            if (open != null && gap(open.last(), key) >= minGap) {
                clusters.add(open.build());
                open = null;
                if (clusters.size() >= MAX_CLUSTERS) {
                    return List.of();
                }
            }
            if (open == null) {
                open = new KeyCluster.Builder(settings.targetLayerBytes(), key);
            }
            open.add(key, keys.bytes(), keys.startsAnew());
            if (keys.chain() > settings.maxRecordsPerKey() && longChains.size() < MAX_LONG_CHAINS) {
                longChains.put(key, lsnEnd);
            }
        }
        if (open != null) {
            clusters.add(open.build());
        }
        return clusters;
    }

    /** How many pages lie between two keys. */
    private static long gap(Key last, Key next) {
        return new KeyRange(last, next).pageCount() - 1;
    }

    /** Whether at least three quarters of the bytes are in clusters that have enough of them for their pages. */
    private static boolean isMostlyDense(List<KeyCluster> clusters, int minBytesPerPage) {
        long all = 0;
        long dense = 0;
        for (KeyCluster cluster : clusters) {
            all += cluster.bytes();
            dense += cluster.isDense(minBytesPerPage) ? cluster.bytes() : 0;
        }
        return dense >= all - all / 4;
    }

    /**
     * Joins small clusters with small ones beside them, until no more layers than allowed are left or any join would reach across
     * too much that belongs to others: these pages would get images sooner, and reads there look into the layer in vain.
     */
    private static <L extends LayerExtent> List<KeyCluster> joined(
            List<KeyCluster> clusters, LayerMap<L> map, FlushSettings settings) {
        int layers = clusters.stream().mapToInt(KeyCluster::layers).sum();
        if (layers <= settings.maxLayers()) {
            return clusters;
        }
        List<KeyCluster> joined = new ArrayList<>(clusters);
        List<Long> between = foreignPagesBetween(clusters, map, settings.targetPages());
        while (layers > settings.maxLayers()) {
            int best = -1;
            for (int i = 0; i < between.size(); i++) {
                if (mayJoin(joined.get(i), joined.get(i + 1), between.get(i), settings)
                        && (best < 0 || isCheaper(joined, between, i, best))) {
                    best = i;
                }
            }
            if (best < 0) {
                break;
            }
            KeyCluster second = joined.remove(best + 1);
            joined.set(best, joined.get(best).joined(second, between.remove(best)));
            layers--;
        }
        return joined;
    }

    private static boolean mayJoin(KeyCluster first, KeyCluster second, long between, FlushSettings settings) {
        long small = settings.targetLayerBytes() / SMALL;
        return first.startsAnew() == second.startsAnew()
                && first.bytes() <= small
                && second.bytes() <= small
                && first.foreignPages() + between + second.foreignPages() <= settings.targetPages();
    }

    private static boolean isCheaper(List<KeyCluster> clusters, List<Long> between, int a, int b) {
        int order = Long.compare(between.get(a), between.get(b));
        return order < 0
                || (order == 0
                        && distance(clusters.get(a).last(), clusters.get(a + 1).first())
                                < distance(
                                        clusters.get(b).last(),
                                        clusters.get(b + 1).first()));
    }

    /** How far two keys are from each other, roughly: the nearer, the more likely they are the same database's. */
    private static double distance(Key first, Key second) {
        return first.high() == second.high()
                ? unsigned(second.middle() - first.middle())
                : unsigned(second.high() - first.high()) * 0x1p64;
    }

    private static double unsigned(long number) {
        return (number >>> 1) * 2.0;
    }

    /** For each gap, the pages of the layers in it: what is known to be there. */
    private static <L extends LayerExtent> List<Long> foreignPagesBetween(
            List<KeyCluster> clusters, LayerMap<L> map, long targetPages) {
        long[] pages = new long[clusters.size() - 1];
        map.historicLayers().filter(layer -> !layer.isL0()).forEach(layer -> {
            int gap = gapOf(clusters, layer.keyRange());
            if (gap >= 0) {
                pages[gap] += Math.min(layer.keyRange().pageCount(), targetPages);
            }
        });
        List<Long> between = new ArrayList<>();
        for (long each : pages) {
            between.add(each);
        }
        return between;
    }

    /** Between which cluster and the next all of a range lies; -1 if nowhere. */
    private static int gapOf(List<KeyCluster> clusters, KeyRange range) {
        int low = 0;
        int high = clusters.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (clusters.get(middle).first().compareTo(range.start()) <= 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        boolean isInGap = low > 0
                && low < clusters.size()
                && clusters.get(low - 1).last().compareTo(range.start()) < 0
                && range.end().compareTo(clusters.get(low).first()) <= 0;
        return isInGap ? low - 1 : -1;
    }

    /**
     * Whether a read of a key there may have to go through so many deltas to the newest image. What starts anew ends reads, and
     * may be of keys that never get images.
     */
    private static <L extends LayerExtent> boolean isDeep(LayerMap<L> map, KeyCluster cluster, Lsn lsn, int most) {
        if (cluster.startsAnew()) {
            return false;
        }
        for (ImageCoverage<L> piece : map.imageCoverage(cluster.range(), lsn)) {
            L image = piece.image();
            Lsn from = image == null ? Lsn.INVALID : image.lsnEnd();
            if (from.isBefore(lsn) && map.countDeltas(piece.range(), new LsnRange(from, lsn), most) >= most) {
                return true;
            }
        }
        return false;
    }
}
