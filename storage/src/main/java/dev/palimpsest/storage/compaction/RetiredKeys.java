package dev.palimpsest.storage.compaction;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyPartitioning;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.LayerExtent;
import dev.palimpsest.storage.layer.LayerKind;
import dev.palimpsest.storage.layermap.ImageCoverage;
import dev.palimpsest.storage.layermap.LayerMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Finds gaps between the parts of a key space in which layers still have what is not there any more, such as relations that
 * were dropped.
 *
 * <p>A layer that lies in a gap, or begins or ends within it, was made when there were keys; one that goes all across says
 * nothing. Once images cover the gap above those layers, there are none newer than these: so each layer
 * counts once.
 */
final class RetiredKeys<L extends LayerExtent> {
    private final LayerMap<L> map;
    private final Lsn lsn;
    /** The gaps, by their first keys; the first key of the part after a gap is where it ends. */
    private final TreeMap<Key, Key> gaps = new TreeMap<>();

    private RetiredKeys(LayerMap<L> map, KeyPartitioning dense, Lsn lsn) {
        this.map = map;
        this.lsn = lsn;
        Key end = null;
        for (KeySpace part : dense.parts()) {
            Key first = part.ranges().getFirst().start();
            if (end != null && end.compareTo(first) < 0) {
                gaps.put(end, first);
            }
            end = part.ranges().getLast().end();
        }
    }

    /**
     * The first keys of the parts before which there are such gaps.
     *
     * @param lsn as of which the parts have all the keys there are
     * @param threshold how many layers there must be in a gap; at least 1
     */
    static <L extends LayerExtent> Set<Key> of(LayerMap<L> map, KeyPartitioning dense, Lsn lsn, int threshold) {
        RetiredKeys<L> retired = new RetiredKeys<>(map, dense, lsn);
        Map<Key, Integer> counts = new HashMap<>();
        if (!retired.gaps.isEmpty()) {
            map.historicLayers()
                    .filter(retired::isBelow)
                    .forEach(layer ->
                            retired.gapsOf(layer).forEach(gap -> counts.merge(gap.getValue(), 1, Integer::sum)));
        }
        counts.values().removeIf(count -> count < threshold);
        return counts.keySet();
    }

    /** Whether images as of the LSN would be above a layer. */
    private boolean isBelow(L layer) {
        return !layer.lsnEnd().isAfter(layer.kind() == LayerKind.IMAGE ? lsn : lsn.plus(1));
    }

    /** The gaps, at most two, in which a layer has something that no image covers. */
    private Set<Map.Entry<Key, Key>> gapsOf(L layer) {
        Set<Map.Entry<Key, Key>> found = new HashSet<>();
        for (Key bound : List.of(layer.keyRange().start(), layer.keyRange().end())) {
            Map.@Nullable Entry<Key, Key> gap = gaps.floorEntry(bound);
            if (gap != null && hasKeysIn(layer, bound, gap)) {
                found.add(gap);
            }
        }
        return found;
    }

    /** Whether one of the bounds of a layer tells that there were keys in a gap, and there are no images above them. */
    private boolean hasKeysIn(L layer, Key bound, Map.Entry<Key, Key> gap) {
        Key start = layer.keyRange().start();
        Key end = layer.keyRange().end();
        boolean isBetween = bound.compareTo(gap.getKey()) > 0 && bound.compareTo(gap.getValue()) < 0;
        boolean liesIn = start.compareTo(gap.getKey()) >= 0 && end.compareTo(gap.getValue()) <= 0;
        if (!isBetween && !liesIn) {
            return false;
        }
        Key from = start.compareTo(gap.getKey()) < 0 ? gap.getKey() : start;
        Key to = end.compareTo(gap.getValue()) > 0 ? gap.getValue() : end;
        return !isCovered(layer, new KeyRange(from, to));
    }

    /** Whether there are images above a layer for all of a range. */
    private boolean isCovered(L layer, KeyRange range) {
        for (ImageCoverage<L> piece : map.imageCoverage(range, lsn)) {
            L image = piece.image();
            boolean isAbove = image != null
                    && (layer.kind() == LayerKind.IMAGE
                            ? image.lsnEnd().isAfter(layer.lsnEnd())
                            : !image.lsnEnd().isBefore(layer.lsnEnd()));
            if (!isAbove) {
                return false;
            }
        }
        return true;
    }
}
