package dev.palimpsest.storage.layermap;

import dev.palimpsest.storage.layer.LayerExtent;
import dev.palimpsest.storage.layer.LayerKind;
import java.util.Arrays;
import java.util.List;

/**
 * Computes the arrays of a {@link CoverageIndex}, which documents them: linear in the number of (node, layer) pairs, given
 * layers and keys in order.
 */
final class CoverageIndexBuilder<L extends LayerExtent> {
    final List<L> layers;
    final BoundaryKeys keys;
    final long[] lsnStarts;
    final long[] lsnEnds;
    final int[] fromRanks;
    final int[] toRanks;
    final long[] distinctStarts;
    final int[] levelBases;
    final int[] nodes;
    final int[] entryStarts;
    final int[] entryBests;

    private final int intervals;
    private final int[] startRanks;

    /** The nodes that each layer is attached to, layer by layer, and where those of each layer start. */
    private int[] covers;

    private final int[] coverStarts;

    /**
     * @param layers persistent layers, ascending by {@link LayerIdentity#BY_PREFERENCE}, none twice
     * @param keys at least the first and end keys of all the layers
     * @param fromRanks for each layer the rank of its first key
     * @param toRanks for each layer the rank of its end key
     */
    CoverageIndexBuilder(List<L> layers, BoundaryKeys keys, int[] fromRanks, int[] toRanks) {
        this.layers = layers;
        this.keys = keys;
        this.fromRanks = fromRanks;
        this.toRanks = toRanks;
        int count = layers.size();
        lsnStarts = new long[count];
        lsnEnds = new long[count];
        for (int id = 0; id < count; id++) {
            lsnStarts[id] = layers.get(id).lsnStart().value();
            lsnEnds[id] = layers.get(id).lsnEnd().value();
        }
        distinctStarts = distinct(lsnStarts);
        startRanks = new int[count];
        for (int id = 0; id < count; id++) {
            startRanks[id] = Arrays.binarySearch(distinctStarts, CoverageIndex.signed(lsnStarts[id]));
        }
        intervals = Math.max(0, keys.size() - 1);
        levelBases = levels(intervals);
        nodes = new int[(levelBases[levelBases.length - 1] + 1) * CoverageIndex.NODE_INTS];
        coverStarts = new int[count + 1];
        covers = new int[8 * count];
        coverAll();
        int entries = coverStarts[count];
        entryStarts = new int[entries];
        entryBests = new int[entries];
        placeLists();
        fillEntries();
        fillBelow();
    }

    private static long[] distinct(long[] lsns) {
        long[] sorted = new long[lsns.length];
        for (int i = 0; i < lsns.length; i++) {
            sorted[i] = CoverageIndex.signed(lsns[i]);
        }
        Arrays.sort(sorted);
        int count = 0;
        for (long lsn : sorted) {
            if (count == 0 || sorted[count - 1] != lsn) {
                sorted[count++] = lsn;
            }
        }
        return Arrays.copyOf(sorted, count);
    }

    /** For each level, leaves first, the number of its first node, and at the end the number of all nodes. */
    private static int[] levels(int intervals) {
        int[] bases = new int[18];
        int level = 0;
        int width = Math.max(1, intervals);
        while (true) {
            bases[level + 1] = bases[level] + width;
            level++;
            if (width == 1) {
                return Arrays.copyOf(bases, level + 1);
            }
            width = (width + CoverageIndex.FANOUT - 1) >>> CoverageIndex.FANOUT_BITS;
        }
    }

    private void coverAll() {
        int most = 2 * CoverageIndex.FANOUT * levelBases.length;
        for (int id = 0; id < fromRanks.length; id++) {
            int start = coverStarts[id];
            if (covers.length - start < most) {
                covers = Arrays.copyOf(covers, Math.max(start + most, start + start / 2));
            }
            coverStarts[id + 1] = cover(fromRanks[id], toRanks[id], start);
        }
    }

    /**
     * Finds the fewest nodes that together cover a range of intervals.
     *
     * @param start where to put them in {@link #covers}
     * @return where they end
     */
    private int cover(int firstInterval, int endInterval, int start) {
        int mask = CoverageIndex.FANOUT - 1;
        int count = start;
        int from = firstInterval;
        int top = levelBases.length - 2;
        // What reaches to the last boundary reaches beyond it as far as the tree is concerned, so that a layer of all
        // keys
        // is one node, the root, whatever the number of intervals.
        int to = endInterval == intervals ? 1 << (CoverageIndex.FANOUT_BITS * top) : endInterval;
        for (int level = 0; from < to; level++) {
            int base = levelBases[level];
            int end = levelBases[level + 1];
            while (from < to && ((from & mask) != 0 || level == top)) {
                if (base + from < end) {
                    covers[count++] = base + from;
                }
                from++;
            }
            while (from < to && (to & mask) != 0) {
                to--;
                covers[count++] = base + to;
            }
            from >>>= CoverageIndex.FANOUT_BITS;
            to >>>= CoverageIndex.FANOUT_BITS;
        }
        return count;
    }

    /** 0 for a delta, 1 for an image: which of a node's two lists it belongs to. */
    private int list(int id) {
        return layers.get(id).kind() == LayerKind.IMAGE ? 1 : 0;
    }

    /** Fills in where each list starts. */
    private void placeLists() {
        for (int id = 0; id < lsnStarts.length; id++) {
            int list = list(id);
            for (int i = coverStarts[id]; i < coverStarts[id + 1]; i++) {
                nodes[covers[i] * CoverageIndex.NODE_INTS + list]++;
            }
        }
        int sum = 0;
        for (int node = 0; node < nodes.length; node += CoverageIndex.NODE_INTS) {
            for (int list = 0; list < 2; list++) {
                int size = nodes[node + list];
                nodes[node + list] = sum;
                sum += size;
            }
        }
    }

    private void fillEntries() {
        int[] next = nodes.clone();
        for (int id : idsByStart()) {
            int list = list(id);
            for (int i = coverStarts[id]; i < coverStarts[id + 1]; i++) {
                int slot = covers[i] * CoverageIndex.NODE_INTS + list;
                int entry = next[slot]++;
                entryStarts[entry] = startRanks[id];
                entryBests[entry] = entry == nodes[slot] ? id : Math.max(id, entryBests[entry - 1]);
            }
        }
    }

    private int[] idsByStart() {
        int[] next = new int[distinctStarts.length + 1];
        for (int rank : startRanks) {
            next[rank + 1]++;
        }
        for (int rank = 1; rank < next.length; rank++) {
            next[rank] += next[rank - 1];
        }
        int[] ids = new int[startRanks.length];
        for (int id = 0; id < ids.length; id++) {
            ids[next[startRanks[id]]++] = id;
        }
        return ids;
    }

    private void fillBelow() {
        int stride = CoverageIndex.NODE_INTS;
        for (int node = 0; node < nodes.length; node += stride) {
            nodes[node + CoverageIndex.DELTA_BELOW] = CoverageIndex.NONE;
            nodes[node + CoverageIndex.IMAGE_BELOW] = CoverageIndex.NONE;
        }
        for (int level = 0; level < levelBases.length - 2; level++) {
            for (int index = levelBases[level]; index < levelBases[level + 1]; index++) {
                int node = index * stride;
                int parent =
                        (levelBases[level + 1] + ((index - levelBases[level]) >>> CoverageIndex.FANOUT_BITS)) * stride;
                raise(parent + CoverageIndex.DELTA_BELOW, nodes[node], nodes[node + 1]);
                raise(parent + CoverageIndex.DELTA_BELOW, nodes[node + CoverageIndex.DELTA_BELOW]);
                raise(parent + CoverageIndex.IMAGE_BELOW, nodes[node + 1], nodes[node + stride]);
                raise(parent + CoverageIndex.IMAGE_BELOW, nodes[node + CoverageIndex.IMAGE_BELOW]);
            }
        }
    }

    private void raise(int slot, int firstEntry, int endEntry) {
        if (firstEntry < endEntry) {
            raise(slot, entryBests[endEntry - 1]);
        }
    }

    private void raise(int slot, int id) {
        nodes[slot] = Math.max(nodes[slot], id);
    }
}
