package dev.palimpsest.storage.compaction;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyPartitioning;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.LayerExtent;
import dev.palimpsest.storage.layer.LayerKind;
import dev.palimpsest.storage.layer.LsnRange;
import dev.palimpsest.storage.layermap.ImageCoverage;
import dev.palimpsest.storage.layermap.LayerMap;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Decides where image layers are made. */
public final class ImagePlanner {
    /** Keys with long chains this near to each other, in pages, come into one layer, with those between them. */
    private static final long MAX_GAP_PAGES = 16;

    /** How many layers are made for a few keys of their parts at once. */
    private static final int MAX_SMALL_LAYERS = 32;

    /** Where images are due in no more than this share of the pages of a part, the others get none. */
    private static final int SMALL_SHARE = 32;

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
     * keys with long chains elsewhere. Where it is only a few pages of a part, such as the length of a relation that is being
     * loaded, upon which a delta comes with each flush, just they get images.
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
        int smallLayers = 0;
        for (KeySpace part : dense.parts()) {
            Key first = part.ranges().getFirst().start();
            Key end = part.ranges().getLast().end();
            KeySpace due = due(map, part, lsn, settings.imageThreshold());
            List<PlannedImages> small = small(map, part, due, longChains.subMap(first, end));
            boolean isSmall =
                    due.pageCount() <= part.pageCount() / SMALL_SHARE && small.size() <= MAX_SMALL_LAYERS - smallLayers;
            if (retired.contains(first) || !(due.isEmpty() || isSmall)) {
                planned.add(new PlannedImages(new KeyRange(start == null ? first : start, end), part));
            } else {
                small = small.subList(0, Math.min(small.size(), MAX_SMALL_LAYERS - smallLayers));
                smallLayers += small.size();
                planned.addAll(small);
            }
            start = end;
        }
        return planned;
    }

    /** Where in the part so many deltas lie upon the newest image. */
    private static <L extends LayerExtent> KeySpace due(LayerMap<L> map, KeySpace part, Lsn lsn, int threshold) {
        List<KeyRange> due = new ArrayList<>();
        for (KeyRange range : part.ranges()) {
            for (ImageCoverage<L> piece : map.imageCoverage(range, lsn)) {
                L image = piece.image();
                Lsn from = image == null ? Lsn.INVALID : image.lsnEnd();
                if (from.isAfter(lsn)) {
                    continue;
                }
                LsnRange lsns = new LsnRange(from, lsn.plus(1));
                if (map.countDeltas(piece.range(), lsns, threshold) >= threshold) {
                    for (KeyRange even : cut(piece.range(), borders(map, piece.range(), lsns))) {
                        if (map.countDeltas(even, lsns, threshold) >= threshold) {
                            due.add(even);
                        }
                    }
                }
            }
        }
        return KeySpace.ofUnordered(due);
    }

    /** Where in a range deltas begin and end. */
    private static <L extends LayerExtent> SortedSet<Key> borders(LayerMap<L> map, KeyRange range, LsnRange lsns) {
        SortedSet<Key> borders = new TreeSet<>();
        map.historicLayers()
                .filter(layer -> layer.kind() == LayerKind.DELTA
                        && layer.keyRange().overlaps(range)
                        && layer.lsnStart().isBefore(lsns.end())
                        && layer.lsnEnd().isAfter(lsns.start()))
                .forEach(layer -> {
                    borders.add(layer.keyRange().start());
                    borders.add(layer.keyRange().end());
                });
        return borders;
    }

    private static List<KeyRange> cut(KeyRange range, SortedSet<Key> borders) {
        List<KeyRange> pieces = new ArrayList<>();
        Key start = range.start();
        for (Key border : borders) {
            if (start.compareTo(border) < 0 && border.compareTo(range.end()) < 0) {
                pieces.add(new KeyRange(start, border));
                start = border;
            }
        }
        pieces.add(new KeyRange(start, range.end()));
        return pieces;
    }

    /** Images of what is due, and of keys with long chains, and of what lies between such that are near to each other. */
    private static <L extends LayerExtent> List<PlannedImages> small(
            LayerMap<L> map, KeySpace part, KeySpace due, SortedMap<Key, Lsn> longChains) {
        List<KeyRange> wanted = new ArrayList<>(due.ranges());
        longChains.forEach((key, since) -> {
            if (part.contains(key) && !hasImage(map, key, since)) {
                wanted.add(KeyRange.single(key));
            }
        });
        List<KeyRange> runs = new ArrayList<>();
        for (KeyRange range : KeySpace.ofUnordered(wanted).ranges()) {
            KeyRange last = runs.isEmpty() ? null : runs.getLast();
            if (last != null && isNear(last, range.start())) {
                runs.set(runs.size() - 1, new KeyRange(last.start(), range.end()));
            } else {
                runs.add(range);
            }
        }
        return runs.stream()
                .map(run -> new PlannedImages(run, part.intersect(run)))
                .toList();
    }

    private static boolean isNear(KeyRange last, Key next) {
        Key from = last.end();
        return from.equals(next) || new KeyRange(from, next).pageCount() <= MAX_GAP_PAGES;
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
