package dev.palimpsest.storage.compaction;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyPartitioning;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.LayerExtent;
import dev.palimpsest.storage.layer.LsnRange;
import dev.palimpsest.storage.layermap.ImageCoverage;
import dev.palimpsest.storage.layermap.LayerMap;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/** Decides where image layers are made. */
public final class ImagePlanner {
    /** Keys with long chains this near to each other, in pages, come into one layer, with those between them. */
    private static final long MAX_GAP_PAGES = 16;

    /** How many layers are made for keys with long chains at once. */
    private static final int MAX_CHAIN_LAYERS = 32;

    /**
     * An image layer to be made.
     *
     * @param range what it covers: keys of the range that are not in {@code keys} do not exist
     * @param keys what it has images of; all of them in the range
     */
    public record PlannedImages(KeyRange range, KeySpace keys) {}

    private ImagePlanner() {}

    /**
     * Plans images as of one LSN: for each part of the key space in which enough deltas lie upon the newest images, and for
     * keys with long chains elsewhere.
     *
     * <p>A part counts as covered from the end of the part before it, so that layers abut, and what no key space has any more
     * (relations that were dropped) is covered by images too: else what lies below them could never go. Enough
     * {@linkplain RetiredKeys of that} makes images of the part due, even if nobody ever writes to the part again.
     *
     * @param dense cut into layers: keys between its first and its last key that are not in it have no value at {@code lsn}
     * @param longChains keys, and for each an LSN: an image at or above it has made the chain short already
     */
    public static <L extends LayerExtent> List<PlannedImages> plan(
            LayerMap<L> map,
            KeyPartitioning dense,
            Lsn lsn,
            SortedMap<Key, Lsn> longChains,
            CompactionSettings settings) {
        List<PlannedImages> planned = new ArrayList<>();
        Set<Key> retired = RetiredKeys.of(map, dense, lsn, settings.imageThreshold());
        @Nullable Key start = null;
        int chainLayers = 0;
        for (KeySpace part : dense.parts()) {
            Key first = part.ranges().getFirst().start();
            Key end = part.ranges().getLast().end();
            if (retired.contains(first) || isDue(map, part, lsn, settings.imageThreshold())) {
                planned.add(new PlannedImages(new KeyRange(start == null ? first : start, end), part));
            } else if (chainLayers < MAX_CHAIN_LAYERS) {
                List<PlannedImages> chains = chains(map, part, longChains.subMap(first, end));
                chains = chains.subList(0, Math.min(chains.size(), MAX_CHAIN_LAYERS - chainLayers));
                chainLayers += chains.size();
                planned.addAll(chains);
            }
            start = end;
        }
        return planned;
    }

    /** Whether anywhere in the part so many deltas lie upon the newest image. */
    private static <L extends LayerExtent> boolean isDue(LayerMap<L> map, KeySpace part, Lsn lsn, int threshold) {
        for (KeyRange range : part.ranges()) {
            for (ImageCoverage<L> piece : map.imageCoverage(range, lsn)) {
                L image = piece.image();
                Lsn from = image == null ? Lsn.INVALID : image.lsnEnd();
                if (!from.isAfter(lsn)
                        && map.countDeltas(piece.range(), new LsnRange(from, lsn.plus(1)), threshold) >= threshold) {
                    return true;
                }
            }
        }
        return false;
    }

    private static <L extends LayerExtent> List<PlannedImages> chains(
            LayerMap<L> map, KeySpace part, SortedMap<Key, Lsn> longChains) {
        List<KeyRange> runs = new ArrayList<>();
        longChains.forEach((key, since) -> {
            if (part.contains(key) && !hasImage(map, key, since)) {
                KeyRange last = runs.isEmpty() ? null : runs.getLast();
                boolean near = last != null
                        && (last.end().equals(key) || new KeyRange(last.end(), key).pageCount() <= MAX_GAP_PAGES);
                if (last != null && near) {
                    runs.set(runs.size() - 1, new KeyRange(last.start(), key.next()));
                } else {
                    runs.add(KeyRange.single(key));
                }
            }
        });
        return runs.stream()
                .map(run -> new PlannedImages(run, part.intersect(run)))
                .toList();
    }

    private static <L extends LayerExtent> boolean hasImage(LayerMap<L> map, Key key, Lsn since) {
        for (ImageCoverage<L> piece : map.imageCoverage(KeyRange.single(key), Lsn.MAX)) {
            L image = piece.image();
            if (image != null && !image.lsnEnd().isBefore(since)) {
                return true;
            }
        }
        return false;
    }
}
