package dev.palimpsest.storage.layermap;

import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.layer.LayerExtent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The invariants of a layer map, one method each; broken ones become sentences, at most {@value #VIOLATIONS_MAX}. */
final class LayerMapCheck<L extends LayerExtent> {
    /** A map that is broken all over is reported in part. */
    static final int VIOLATIONS_MAX = 100;

    private final List<String> violations = new ArrayList<>();

    /** What is wrong, if anything. */
    List<String> violations() {
        return List.copyOf(violations);
    }

    private boolean isFull() {
        return violations.size() >= VIOLATIONS_MAX;
    }

    private void violation(String text) {
        if (!isFull()) {
            violations.add(text);
        }
    }

    /** Each frozen layer starts where the one before ends. */
    void frozenLayersAbut(List<MemoryLayer<L>> frozen) {
        for (int i = 1; i < frozen.size(); i++) {
            MemoryLayer<L> older = frozen.get(i - 1);
            MemoryLayer<L> newer = frozen.get(i);
            if (newer.start() != older.end()) {
                violation("frozen " + newer + " does not start where the one before it ends: " + older);
            }
        }
    }

    /** The open layer starts where the newest frozen one ends. */
    void openStartsWhereFrozenEnds(List<MemoryLayer<L>> frozen, @Nullable MemoryLayer<L> open) {
        if (open != null
                && !frozen.isEmpty()
                && open.start() != frozen.getLast().end()) {
            violation("open " + open + " does not start where the newest frozen layer ends: " + frozen.getLast());
        }
    }

    /** What is in memory is newer than what is in delta layers. */
    void deltasLieBelowMemory(CoverageIndex<L> index, @Nullable MemoryLayer<L> oldestInMemory) {
        if (oldestInMemory == null) {
            return;
        }
        for (int id = index.size() - 1;
                id >= 0 && Long.compareUnsigned(index.lsnEnd(id), oldestInMemory.start()) > 0;
                id--) {
            if (!index.isImage(id)) {
                violation(LayerIdentity.describe(index.layers().get(id)) + " reaches into the LSNs of the oldest "
                        + oldestInMemory);
            }
        }
    }

    /**
     * Deltas do not overlap, as far as Neon's rule looks: a delta of more than one key within whose LSNs another such delta
     * starts or ends must not overlap, in both keys and LSNs, with any other delta. (Layers that overlap are read without
     * loss all the same as long as each has every version of its rectangle; the rule finds maps that were put together
     * wrongly.)
     */
    void deltasDoNotOverlap(CoverageIndex<L> index) {
        int[] deltas = deltasByStart(index);
        BitSet suspects = suspects(index, deltas);
        for (int i = suspects.nextSetBit(0); i >= 0 && !isFull(); i = suspects.nextSetBit(i + 1)) {
            for (int j = 0; j < deltas.length && startsBelowEnd(index, deltas[j], deltas[i]); j++) {
                boolean alreadyCompared = j <= i && suspects.get(j);
                if (!alreadyCompared && overlap(index, deltas[i], deltas[j])) {
                    violation(LayerIdentity.describe(index.layers().get(deltas[i])) + " overlaps "
                            + LayerIdentity.describe(index.layers().get(deltas[j])));
                }
            }
        }
    }

    private static <L extends LayerExtent> int[] deltasByStart(CoverageIndex<L> index) {
        List<Integer> ids = new ArrayList<>();
        for (int id = 0; id < index.size(); id++) {
            if (!index.isImage(id)) {
                ids.add(id);
            }
        }
        ids.sort((a, b) -> Long.compareUnsigned(index.lsnStart(a), index.lsnStart(b)));
        return ids.stream().mapToInt(Integer::intValue).toArray();
    }

    /** The places, in {@code deltas}, of those with more than one split point in [start, end). */
    private static <L extends LayerExtent> BitSet suspects(CoverageIndex<L> index, int[] deltas) {
        long[] points = new long[2 * deltas.length];
        int count = 0;
        for (int id : deltas) {
            if (hasManyKeys(index.layers().get(id).keyRange())) {
                points[count++] = CoverageIndex.signed(index.lsnStart(id));
                points[count++] = CoverageIndex.signed(index.lsnEnd(id));
            }
        }
        long[] splits = Arrays.stream(points, 0, count).sorted().distinct().toArray();
        BitSet suspects = new BitSet();
        for (int i = 0; i < deltas.length; i++) {
            int id = deltas[i];
            if (hasManyKeys(index.layers().get(id).keyRange())) {
                int own = Arrays.binarySearch(splits, CoverageIndex.signed(index.lsnStart(id)));
                suspects.set(i, splits[own + 1] < CoverageIndex.signed(index.lsnEnd(id)));
            }
        }
        return suspects;
    }

    private static boolean hasManyKeys(KeyRange range) {
        return range.start().next().compareTo(range.end()) < 0;
    }

    private static <L extends LayerExtent> boolean startsBelowEnd(CoverageIndex<L> index, int id, int other) {
        return Long.compareUnsigned(index.lsnStart(id), index.lsnEnd(other)) < 0;
    }

    private static <L extends LayerExtent> boolean overlap(CoverageIndex<L> index, int a, int b) {
        return startsBelowEnd(index, a, b)
                && startsBelowEnd(index, b, a)
                && index.firstInterval(a) < index.endInterval(b)
                && index.firstInterval(b) < index.endInterval(a);
    }
}
