package dev.palimpsest.storage.layermap;

import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.layer.LayerExtent;
import dev.palimpsest.storage.layer.LayerKind;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.Collections;
import java.util.List;

/**
 * Persistent layers, indexed to find the preferred delta and the preferred image at a key among those that start at or below
 * an LSN. Immutable.
 *
 * <p>A layer's id is its place in the order {@link LayerIdentity#BY_PREFERENCE}: of two layers of a kind that both qualify,
 * the one with the greater id is the answer. The first and end keys of all layers cut the keys into intervals, which are the
 * leaves of a tree in which every node has {@value #FANOUT} children. A layer is attached to the fewest nodes that together
 * cover its keys, so it qualifies at a key exactly if one of its nodes is on the way from the root to the key's leaf: a layer
 * of all keys hangs on the root alone, and one of the tiles of a key space on a few nodes. A node has a list for deltas and
 * one for images, ascending by LSN start, where each entry says which layer is the best up to and with itself; so the best
 * of a node at an LSN is one binary search away. Each node also knows the best there is below it, and a search ends where
 * nothing below can beat what it has.
 *
 * <p>Everything is in flat arrays:
 *
 * <pre>
 * levelBases   for each level, leaves first, the number of its first node; then the number of nodes
 * nodes        for each node {@value #NODE_INTS} ints: where its list of deltas starts, where that ends and its list of images
 *              starts (it ends where the next node's list of deltas starts), the greatest delta below, the greatest image
 *              below; after the last node one more, for the end of the last list
 * entryStarts  for each entry of a list, the rank of its layer's LSN start in distinctStarts
 * entryBests   for each entry, the greatest id among the entries of its list up to and with itself
 * </pre>
 *
 * <p>LSNs are unsigned; {@link #signed} maps them to signed numbers of the same order.
 */
final class CoverageIndex<L extends LayerExtent> {
    /** Stands for: no layer. */
    static final int NONE = -1;

    /** As the best known, stands for: no need to look. */
    static final int UNWANTED = Integer.MAX_VALUE;

    static final int FANOUT_BITS = 2;
    static final int FANOUT = 1 << FANOUT_BITS;
    static final int NODE_INTS = 4;
    static final int DELTA_BELOW = 2;
    static final int IMAGE_BELOW = 3;

    private final List<L> layers;
    private final BoundaryKeys keys;
    private final long[] lsnStarts;
    private final long[] lsnEnds;
    private final int[] fromRanks;
    private final int[] toRanks;
    private final long[] distinctStarts;
    private final int[] levelBases;
    private final int[] nodes;
    private final int[] entryStarts;
    private final int[] entryBests;

    /** Takes the pieces of a range of keys, in ascending order and without gaps. */
    @FunctionalInterface
    interface PieceVisitor {
        /** From {@code start}, inclusive, to {@code end}, exclusive, these are the ids of the preferred layers. */
        void visit(Key start, Key end, int delta, int image);
    }

    private CoverageIndex(CoverageIndexBuilder<L> built) {
        layers = Collections.unmodifiableList(built.layers);
        keys = built.keys;
        lsnStarts = built.lsnStarts;
        lsnEnds = built.lsnEnds;
        fromRanks = built.fromRanks;
        toRanks = built.toRanks;
        distinctStarts = built.distinctStarts;
        levelBases = built.levelBases;
        nodes = built.nodes;
        entryStarts = built.entryStarts;
        entryBests = built.entryBests;
    }

    static <L extends LayerExtent> CoverageIndex<L> empty() {
        return new CoverageIndex<>(
                new CoverageIndexBuilder<>(List.of(), new BoundaryKeys(List.of()), new int[0], new int[0]));
    }

    /** The index without the layers of these ids and with others; none may then be in it twice. */
    CoverageIndex<L> edit(BitSet removed, Collection<? extends L> added) {
        List<L> fresh = new ArrayList<>(added);
        fresh.sort(LayerIdentity.BY_PREFERENCE);
        BitSet used = new BitSet(keys.size());
        for (int id = removed.nextClearBit(0); id < fromRanks.length; id = removed.nextClearBit(id + 1)) {
            used.set(fromRanks[id]);
            used.set(toRanks[id]);
        }
        BoundaryKeys nextKeys = keys.edit(used, fresh);
        int[] nextRanks = keys.ranksIn(nextKeys, used);
        int count = fresh.size() + fromRanks.length - removed.cardinality();
        List<L> merged = new ArrayList<>(count);
        int[] from = new int[count];
        int[] to = new int[count];
        int next = 0;
        for (int id = removed.nextClearBit(0); id <= fromRanks.length; id = removed.nextClearBit(id + 1)) {
            boolean atEnd = id == fromRanks.length;
            for (; next < fresh.size() && (atEnd || isLess(fresh.get(next), layers.get(id))); next++) {
                KeyRange range = fresh.get(next).keyRange();
                from[merged.size()] = nextKeys.floor(range.start());
                to[merged.size()] = nextKeys.floor(range.end());
                merged.add(fresh.get(next));
            }
            if (!atEnd) {
                from[merged.size()] = nextRanks[fromRanks[id]];
                to[merged.size()] = nextRanks[toRanks[id]];
                merged.add(layers.get(id));
            }
        }
        return new CoverageIndex<>(new CoverageIndexBuilder<>(merged, nextKeys, from, to));
    }

    private static boolean isLess(LayerExtent a, LayerExtent b) {
        return LayerIdentity.BY_PREFERENCE.compare(a, b) < 0;
    }

    /** All layers; the place of each is its id. */
    List<L> layers() {
        return layers;
    }

    int size() {
        return lsnStarts.length;
    }

    long lsnStart(int id) {
        return lsnStarts[id];
    }

    long lsnEnd(int id) {
        return lsnEnds[id];
    }

    boolean isImage(int id) {
        return layers.get(id).kind() == LayerKind.IMAGE;
    }

    /** The first of the intervals between neighbouring boundary keys that the layer covers. */
    int firstInterval(int id) {
        return fromRanks[id];
    }

    /** The interval after the last one that the layer covers. */
    int endInterval(int id) {
        return toRanks[id];
    }

    /** The number of intervals between neighbouring boundary keys. */
    int intervals() {
        return Math.max(0, keys.size() - 1);
    }

    /** The id of the layer of that identity; if there is none, -1 - (the id it would have). */
    int find(LayerExtent identity) {
        return Collections.binarySearch(layers, identity, LayerIdentity.BY_PREFERENCE);
    }

    /** Whether there is a layer, anywhere, that starts at or below {@code lsn}. */
    boolean anyStartsUpTo(long lsn) {
        return distinctStarts.length > 0 && distinctStarts[0] <= signed(lsn);
    }

    /** The number of distinct LSN starts that are at or below {@code lsn}. */
    private int startsUpTo(long lsn) {
        long wanted = signed(lsn);
        int from = 0;
        int to = distinctStarts.length;
        if (to > 0 && distinctStarts[to - 1] <= wanted) {
            return to;
        }
        while (from < to) {
            int mid = (from + to) >>> 1;
            if (distinctStarts[mid] <= wanted) {
                from = mid + 1;
            } else {
                to = mid;
            }
        }
        return from;
    }

    /**
     * Finds the delta and the image with the greatest ids among those that cover {@code key} and start at or below
     * {@code lsn}, if they are greater than those known.
     *
     * @return both, for {@link #delta} and {@link #image}
     */
    long search(Key key, long lsn, int knownDelta, int knownImage) {
        int starts = startsUpTo(lsn);
        int rank = starts == 0 ? -1 : keys.floor(key);
        int delta = knownDelta;
        int image = knownImage;
        if (rank < 0 || rank >= keys.size() - 1) {
            return pair(delta, image);
        }
        for (int level = levelBases.length - 2; ; level--) {
            int node = (levelBases[level] + (rank >>> (FANOUT_BITS * level))) * NODE_INTS;
            delta = best(nodes[node], nodes[node + 1], starts, delta);
            image = best(nodes[node + 1], nodes[node + NODE_INTS], starts, image);
            if (level == 0 || (nodes[node + DELTA_BELOW] <= delta && nodes[node + IMAGE_BELOW] <= image)) {
                return pair(delta, image);
            }
        }
    }

    /** The greater of {@code known} and the best of a list's entries whose LSN start is among the first {@code starts}. */
    private int best(int firstEntry, int endEntry, int starts, int known) {
        if (firstEntry == endEntry || entryBests[endEntry - 1] <= known) {
            return known;
        }
        int from = firstEntry;
        int to = endEntry;
        if (entryStarts[to - 1] < starts) {
            return entryBests[to - 1];
        }
        while (from < to) {
            int mid = (from + to) >>> 1;
            if (entryStarts[mid] < starts) {
                from = mid + 1;
            } else {
                to = mid;
            }
        }
        return from == firstEntry ? known : Math.max(known, entryBests[from - 1]);
    }

    /**
     * Does for all keys of {@code range} what {@link #search} does for one, in one walk over the part of the tree that can
     * matter. Neighbouring pieces may have the same layers.
     */
    void walk(KeyRange range, long lsn, int knownDelta, int knownImage, PieceVisitor visitor) {
        int starts = startsUpTo(lsn);
        int intervals = intervals();
        if (starts == 0
                || keys.key(intervals).compareTo(range.start()) <= 0
                || range.end().compareTo(keys.key(0)) <= 0) {
            visitor.visit(range.start(), range.end(), knownDelta, knownImage);
            return;
        }
        int first = keys.floor(range.start());
        if (first < 0) {
            visitor.visit(range.start(), keys.key(0), knownDelta, knownImage);
        }
        int floorOfEnd = keys.floor(range.end());
        int end = floorOfEnd >= intervals
                ? intervals
                : keys.key(floorOfEnd).equals(range.end()) ? floorOfEnd : floorOfEnd + 1;
        new Walk(range, Math.max(0, first), end, starts, visitor)
                .node(levelBases.length - 2, 0, knownDelta, knownImage);
        if (keys.key(intervals).compareTo(range.end()) < 0) {
            visitor.visit(keys.key(intervals), range.end(), knownDelta, knownImage);
        }
    }

    private final class Walk {
        private final KeyRange range;
        private final int first;
        private final int end;
        private final int starts;
        private final PieceVisitor visitor;

        Walk(KeyRange range, int first, int end, int starts, PieceVisitor visitor) {
            this.range = range;
            this.first = first;
            this.end = end;
            this.starts = starts;
            this.visitor = visitor;
        }

        void node(int level, int index, int knownDelta, int knownImage) {
            int node = (levelBases[level] + index) * NODE_INTS;
            int delta = best(nodes[node], nodes[node + 1], starts, knownDelta);
            int image = best(nodes[node + 1], nodes[node + NODE_INTS], starts, knownImage);
            int shift = FANOUT_BITS * level;
            int from = Math.max(first, index << shift);
            int to = (int) Math.min(end, (index + 1L) << shift);
            if (level == 0 || (nodes[node + DELTA_BELOW] <= delta && nodes[node + IMAGE_BELOW] <= image)) {
                visitor.visit(
                        laterOf(keys.key(from), range.start()), earlierOf(keys.key(to), range.end()), delta, image);
                return;
            }
            int childShift = shift - FANOUT_BITS;
            for (int child = from >>> childShift; child <= (to - 1) >>> childShift; child++) {
                node(level - 1, child, delta, image);
            }
        }
    }

    private static Key laterOf(Key a, Key b) {
        return a.compareTo(b) < 0 ? b : a;
    }

    private static Key earlierOf(Key a, Key b) {
        return b.compareTo(a) < 0 ? b : a;
    }

    static long signed(long lsn) {
        return lsn ^ Long.MIN_VALUE;
    }

    static long pair(int delta, int image) {
        return ((long) delta << 32) | (image & 0xFFFFFFFFL);
    }

    static int delta(long pair) {
        return (int) (pair >>> 32);
    }

    static int image(long pair) {
        return (int) pair;
    }
}
