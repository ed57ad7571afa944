package dev.palimpsest.storage.compaction;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.layer.LayerExtent;
import dev.palimpsest.storage.layer.LayerKind;
import dev.palimpsest.storage.layermap.LayerMap;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/** Decides when the history below the GC cutoff is compacted, and in which pieces. */
public final class HistoryPlanner {
    /**
     * A piece of the key space, and what is to be rewritten of it.
     *
     * @param range the keys
     * @param upTo all that is at or below this LSN is rewritten; not above the cutoff, and below it if a delta layer crosses that
     * @param deltas delta layers with any of the keys; none of them has anything above {@code upTo}, some may have other keys too
     * @param images image layers with any of the keys, at or below {@code upTo}; some may have other keys too
     */
    public record Job<L extends LayerExtent>(KeyRange range, Lsn upTo, List<L> deltas, List<L> images) {
        /** Keeps copies of the lists. */
        public Job {
            deltas = List.copyOf(deltas);
            images = List.copyOf(images);
        }
    }

    private HistoryPlanner() {}

    /**
     * Whether it is worth it: by the bytes of layers that lie below the cutoff now and were not there the last time, compared with
     * those that the last time has left. (Neon's rule; so the work stays in proportion to what is written.)
     *
     * @param size of a layer's file in bytes
     * @param compacted up to where history was compacted the last time; 0/0 if never
     */
    public static <L extends LayerExtent> boolean isDue(
            LayerMap<L> map, ToLongFunction<L> size, Lsn cutoff, Lsn compacted, HistorySettings settings) {
        long[] bytes = new long[2];
        map.historicLayers().forEach(layer -> {
            if (!layer.lsnEnd().isAfter(cutoff.plus(1))) {
                bytes[layer.lsnEnd().isAfter(compacted.plus(1)) ? 1 : 0] += size.applyAsLong(layer);
            }
        });
        long old = compacted.isValid() ? bytes[0] : 0;
        long more = compacted.isValid() ? bytes[1] : bytes[0] + bytes[1];
        return old == 0 ? more > 0 && more >= settings.initialBytes() : more >= old / 100.0 * settings.ratioPercent();
    }

    /**
     * The next piece at or after a key. A layer that crosses the end of a piece is cut there; so a piece ends, if it can, where
     * few do.
     *
     * <p>A delta layer that crosses the cutoff is left alone until the cutoff has passed it, with all that lies above its
     * beginning; and so are L0 layers, which have all keys.
     *
     * @param size of a layer's file in bytes
     * @return null if there is none, which may also be because nothing would change
     */
    public static <L extends LayerExtent> @Nullable Job<L> next(
            LayerMap<L> map, ToLongFunction<L> size, Key from, Lsn cutoff, HistorySettings settings) {
        Key start = from;
        while (start.compareTo(Key.MAX) < 0) {
            KeyRange rest = new KeyRange(start, Key.MAX);
            List<L> below = map.historicLayers()
                    .filter(layer -> !layer.lsnStart().isAfter(cutoff))
                    .filter(layer -> layer.keyRange().overlaps(rest))
                    .sorted(Comparator.<L, Key>comparing(
                                    layer -> layer.keyRange().start())
                            .thenComparing(LayerExtent::lsnStart)
                            .thenComparing(LayerExtent::lsnEnd)
                            .thenComparing(LayerExtent::kind)
                            .thenComparing(layer -> layer.keyRange().end()))
                    .toList();
            KeyRange range = new KeyRange(start, end(below, size, start, settings.jobBytes()));
            Job<L> job = job(below, range, cutoff);
            if (job != null) {
                return job;
            }
            start = range.end();
        }
        return null;
    }

    /** Where a piece ends: with as many bytes as a job may have, or half as many if fewer layers are cut there. */
    private static <L extends LayerExtent> Key end(List<L> below, ToLongFunction<L> size, Key start, long jobBytes) {
        List<L> layers = below.stream().filter(layer -> !layer.isL0()).toList();
        TreeSet<Key> ends = new TreeSet<>();
        layers.forEach(layer -> ends.add(layer.keyRange().end()));
        ends.removeIf(key -> key.compareTo(start) <= 0);
        ends.add(Key.MAX);
        List<Key> open = new ArrayList<>(
                layers.stream().map(layer -> layer.keyRange().end()).sorted().toList());
        Key best = ends.first();
        long fewest = Long.MAX_VALUE;
        long bytes = 0;
        int begun = 0;
        int ended = 0;
        for (Key end : ends) {
            while (begun < layers.size() && layers.get(begun).keyRange().start().compareTo(end) < 0) {
                bytes += size.applyAsLong(layers.get(begun++));
            }
            while (ended < open.size() && open.get(ended).compareTo(end) <= 0) {
                ended++;
            }
            if (bytes > jobBytes) {
                break;
            }
            long cut = (long) begun - ended;
            if (bytes <= jobBytes / 2 || cut <= fewest) {
                fewest = bytes <= jobBytes / 2 ? Long.MAX_VALUE : cut;
                best = end;
            }
        }
        return best;
    }

    private static <L extends LayerExtent> @Nullable Job<L> job(List<L> below, KeyRange range, Lsn cutoff) {
        List<L> here =
                below.stream().filter(layer -> layer.keyRange().overlaps(range)).toList();
        Lsn upTo = cutoff;
        boolean moved = true;
        while (moved) {
            moved = false;
            for (L layer : here) {
                boolean crosses = layer.isL0() || layer.lsnEnd().isAfter(upTo.plus(1));
                if (layer.kind() == LayerKind.DELTA
                        && crosses
                        && !layer.lsnStart().isAfter(upTo)) {
                    upTo = layer.lsnStart().minus(1);
                    moved = true;
                }
            }
        }
        List<L> deltas = new ArrayList<>();
        List<L> images = new ArrayList<>();
        for (L layer : here) {
            if (!layer.lsnStart().isAfter(upTo)) {
                (layer.kind() == LayerKind.IMAGE ? images : deltas).add(layer);
            }
        }
        return deltas.isEmpty() && !overlap(images) ? null : new Job<>(range, upTo, deltas, images);
    }

    /** Whether any two of some layers, ascending by first key, have a key in common: if not, images have nothing to give up. */
    private static <L extends LayerExtent> boolean overlap(List<L> layers) {
        Key end = Key.MIN;
        for (L layer : layers) {
            if (layer.keyRange().start().compareTo(end) < 0) {
                return true;
            }
            end = layer.keyRange().end();
        }
        return false;
    }
}
