package dev.palimpsest.storage.layermap;

import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.layer.LayerExtent;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The persistent layers of a layer map. Immutable.
 *
 * <p>Two indexes: a big one that is rebuilt seldom and a small one of the layers added since, rebuilt with every change. A
 * search asks the small one first; while it holds the newest layers, its answer ends most searches in the big one at the
 * root. A layer is known here by a slot: its id in the big index, or the size of that plus its id in the small one.
 */
final class HistoricLayers<L extends LayerExtent> {
    /** So many layers may wait in the small index: few enough that building it anew for each flushed layer costs little. */
    static final int RECENT_MAX = 128;

    private final int recentMax;
    private final CoverageIndex<L> settled;
    private final CoverageIndex<L> recent;

    /** For each id of the small index, the id in the big one of the first layer that is preferred to it. */
    private final int[] firstPreferred;

    /** Found when they are asked for, which those do often who decide whether to compact; several threads may find the same. */
    private volatile @Nullable List<L> l0Layers;

    private HistoricLayers(int recentMax, CoverageIndex<L> settled, CoverageIndex<L> recent) {
        this.recentMax = recentMax;
        this.settled = settled;
        this.recent = recent;
        firstPreferred = new int[recent.size()];
        for (int id = 0; id < firstPreferred.length; id++) {
            firstPreferred[id] = -1 - settled.find(recent.layers().get(id));
        }
    }

    /** @param recentMax how many layers may wait in the small index */
    static <L extends LayerExtent> HistoricLayers<L> empty(int recentMax) {
        return new HistoricLayers<>(recentMax, CoverageIndex.empty(), CoverageIndex.empty());
    }

    /** Whether it has a layer of that identity. */
    boolean contains(LayerExtent identity) {
        return settled.find(identity) >= 0 || recent.find(identity) >= 0;
    }

    /** Without the layers of these identities, all of which it has, and with these, none of which it then has. */
    HistoricLayers<L> edit(Collection<LayerIdentity> removed, Collection<? extends L> added) {
        BitSet fromSettled = new BitSet();
        BitSet fromRecent = new BitSet();
        for (LayerIdentity identity : removed) {
            int id = settled.find(identity);
            if (id >= 0) {
                fromSettled.set(id);
            } else {
                fromRecent.set(recent.find(identity));
            }
        }
        int recentSize = recent.size() - fromRecent.cardinality() + added.size();
        if (fromSettled.isEmpty() && recentSize <= recentMax) {
            return new HistoricLayers<>(recentMax, settled, recent.edit(fromRecent, added));
        }
        List<L> settling = new ArrayList<>(recentSize);
        for (int id = fromRecent.nextClearBit(0); id < recent.size(); id = fromRecent.nextClearBit(id + 1)) {
            settling.add(recent.layers().get(id));
        }
        settling.addAll(added);
        return new HistoricLayers<>(recentMax, settled.edit(fromSettled, settling), CoverageIndex.empty());
    }

    boolean isEmpty() {
        return settled.size() == 0 && recent.size() == 0;
    }

    Stream<L> stream() {
        return Stream.concat(settled.layers().stream(), recent.layers().stream());
    }

    /** One index of them all. */
    CoverageIndex<L> index() {
        return recent.size() == 0 ? settled : settled.edit(new BitSet(), recent.layers());
    }

    L layer(int slot) {
        return slot < settled.size()
                ? settled.layers().get(slot)
                : recent.layers().get(slot - settled.size());
    }

    long lsnStart(int slot) {
        return slot < settled.size() ? settled.lsnStart(slot) : recent.lsnStart(slot - settled.size());
    }

    long lsnEnd(int slot) {
        return slot < settled.size() ? settled.lsnEnd(slot) : recent.lsnEnd(slot - settled.size());
    }

    /** Whether there is a layer, anywhere, that starts at or below {@code lsn}. */
    boolean anyStartsUpTo(long lsn) {
        return settled.anyStartsUpTo(lsn) || recent.anyStartsUpTo(lsn);
    }

    /**
     * Finds the preferred delta and the preferred image among those that cover {@code key} and start at or below {@code lsn}.
     *
     * @return the slots of both, for {@link CoverageIndex#delta} and {@link CoverageIndex#image}, {@link CoverageIndex#NONE}
     *     where there is none
     */
    long search(Key key, long lsn) {
        long newer = recent.search(key, lsn, CoverageIndex.NONE, CoverageIndex.NONE);
        int delta = CoverageIndex.delta(newer);
        int image = CoverageIndex.image(newer);
        long older = settled.search(key, lsn, known(delta), known(image));
        return CoverageIndex.pair(
                preferred(delta, CoverageIndex.delta(older)), preferred(image, CoverageIndex.image(older)));
    }

    /** What the big index need not look for, given what the small one has: the last layer that is not preferred to it. */
    private int known(int recentId) {
        return recentId == CoverageIndex.NONE || recentId == CoverageIndex.UNWANTED
                ? recentId
                : firstPreferred[recentId] - 1;
    }

    /** The slot of the better of two, given that the big index was told what the small one has. */
    private int preferred(int recentId, int settledId) {
        boolean recentWins = recentId != CoverageIndex.NONE
                && recentId != CoverageIndex.UNWANTED
                && settledId == firstPreferred[recentId] - 1;
        return recentWins ? settled.size() + recentId : settledId;
    }

    /** Does for all keys of {@code range} what {@link #search} does for one. Neighbouring pieces differ. */
    void pieces(KeyRange range, long lsn, CoverageIndex.PieceVisitor visitor) {
        walk(range, lsn, CoverageIndex.NONE, CoverageIndex.NONE, visitor);
    }

    /** As {@link #pieces}, for deltas alone. */
    void deltaPieces(KeyRange range, long lsn, CoverageIndex.PieceVisitor visitor) {
        walk(range, lsn, CoverageIndex.NONE, CoverageIndex.UNWANTED, visitor);
    }

    /** As {@link #pieces}, for images alone. */
    void imagePieces(KeyRange range, long lsn, CoverageIndex.PieceVisitor visitor) {
        walk(range, lsn, CoverageIndex.UNWANTED, CoverageIndex.NONE, visitor);
    }

    private void walk(KeyRange range, long lsn, int knownDelta, int knownImage, CoverageIndex.PieceVisitor visitor) {
        Joiner joiner = new Joiner(visitor, range.start());
        recent.walk(range, lsn, knownDelta, knownImage, (start, end, delta, image) -> {
            CoverageIndex.PieceVisitor older = (olderStart, olderEnd, olderDelta, olderImage) ->
                    joiner.visit(olderStart, olderEnd, preferred(delta, olderDelta), preferred(image, olderImage));
            settled.walk(new KeyRange(start, end), lsn, known(delta), known(image), older);
        });
        joiner.finish();
    }

    /** The L0 layers, ascending by LSN start, then by LSN end. */
    List<L> l0Layers() {
        List<L> known = l0Layers;
        if (known == null) {
            known = stream()
                    .filter(LayerExtent::isL0)
                    .sorted(Comparator.comparing((L layer) -> layer.lsnStart()).thenComparing(layer -> layer.lsnEnd()))
                    .toList();
            l0Layers = known;
        }
        return known;
    }

    /** Joins neighbouring pieces that have the same layers. */
    private static final class Joiner implements CoverageIndex.PieceVisitor {
        private final CoverageIndex.PieceVisitor target;
        private Key start;
        private Key end;
        private int delta;
        private int image;

        Joiner(CoverageIndex.PieceVisitor target, Key start) {
            this.target = target;
            this.start = start;
            end = start;
        }

        @Override
        public void visit(Key nextStart, Key nextEnd, int nextDelta, int nextImage) {
            if (nextDelta != delta || nextImage != image) {
                finish();
                start = nextStart;
                delta = nextDelta;
                image = nextImage;
            }
            end = nextEnd;
        }

        void finish() {
            if (start.compareTo(end) < 0) {
                target.visit(start, end, delta, image);
            }
        }
    }
}
