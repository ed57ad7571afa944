package dev.palimpsest.storage.layermap;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.LayerExtent;
import dev.palimpsest.storage.layer.LsnRange;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Which layers a timeline has: at most one open in-memory layer, the frozen ones, and the historic ones, that is, the delta
 * and image layers. Immutable: readers use a snapshot for as long as they like, on as many threads as they like, while one
 * writer makes the next with {@link #edit}.
 *
 * <p><b>Reading.</b> A search for a key with an LSN end, exclusive, says which layer to read and down to which LSN; then
 * comes the search with that LSN as the end, until the key is complete or nothing is found. At each step there are up to
 * three candidates that start below the end: of the deltas that cover the key the one with the greatest LSN end, of the
 * images the newest, and of the in-memory layers the newest.
 *
 * <pre>
 * candidates        chosen                                                           floor
 * one               it                                                               its LSN start
 * delta, image      image, if image.end &gt;= delta.end or image.lsn + 1 == end         image.lsn
 *                   else delta                                                       max(delta.start, image.lsn + 1)
 * image, in-memory  image, if image.end &gt;= memory.end or image.lsn + 1 == end        image.lsn
 *                   else in-memory                                                   max(memory.start, image.lsn + 1)
 * delta, in-memory  delta, if delta.end &gt;= memory.end or delta.end &gt;= end            delta.start
 *                   else in-memory                                                   max(memory.start, delta.end)
 * all three         delta or image as above; it or in-memory as above                the greater of both floors
 * </pre>
 *
 * <p><b>Maps that are not as they should be.</b> Every layer has all versions of its rectangle, so where layers overlap any
 * of them will do. Searches rely on no more than that: above the newest image, no LSN of a key that some layer covers is
 * passed over. That is Neon's behaviour on maps that pass {@link #check}, and on all others too but for two cases in which
 * Neon's would lose values. A delta that reaches beyond the end is chosen over an in-memory layer that does (Neon: the
 * in-memory layer, with a floor above the end, which then is read in vain). Of frozen layers that overlap the one with the
 * greatest LSN end is the candidate (Neon: the one that was added last, although it may hide part of another).
 *
 * @param <L> what stands for a layer; its extent must not change, except that the LSN end of an open in-memory layer changes
 *     once, when it is frozen
 */
public final class LayerMap<L extends LayerExtent> {
    private enum Source {
        IN_MEMORY,
        DELTA,
        IMAGE
    }

    private record Choice(Source source, long floor) {}

    private final HistoricLayers<L> historic;
    private final List<MemoryLayer<L>> frozen;
    private final @Nullable MemoryLayer<L> open;

    LayerMap(HistoricLayers<L> historic, List<MemoryLayer<L>> frozen, @Nullable MemoryLayer<L> open) {
        this.historic = historic;
        this.frozen = List.copyOf(frozen);
        this.open = open;
    }

    /** A map without layers. */
    public static <L extends LayerExtent> LayerMap<L> empty() {
        return new LayerMap<>(HistoricLayers.empty(HistoricLayers.RECENT_MAX), List.of(), null);
    }

    /** Begins a change; this map stays as it is. */
    public LayerMapEditor<L> edit() {
        return new LayerMapEditor<>(historic, frozen, open);
    }

    /** The layer that takes writes; null if there is none. */
    public @Nullable L openLayer() {
        return open == null ? null : open.layer();
    }

    /** The layers that took writes and are to be flushed, oldest first. */
    public List<L> frozenLayers() {
        return frozen.stream().map(MemoryLayer::layer).toList();
    }

    /** All delta and image layers, in no particular order. */
    public Stream<L> historicLayers() {
        return historic.stream();
    }

    /** Whether there is any delta or image layer. */
    public boolean hasHistoricLayers() {
        return !historic.isEmpty();
    }

    /** Whether there is a delta or image layer of the same kind, key range and LSN range. */
    public boolean contains(LayerExtent layer) {
        return historic.contains(layer);
    }

    /** The L0 layers, ascending by LSN start, then by LSN end. */
    public List<L> l0Layers() {
        return historic.l0Layers();
    }

    /**
     * Finds the layer to read next for a key, by the rules above.
     *
     * @param end what is at this LSN or above it does not matter
     * @return null if no layer covers the key below {@code end}
     */
    public @Nullable SearchResult<L> search(Key key, Lsn end) {
        if (!end.isValid()) {
            return null;
        }
        long last = end.value() - 1;
        long found = historic.search(key, last);
        int delta = CoverageIndex.delta(found);
        int image = CoverageIndex.image(found);
        MemoryLayer<L> memory = memoryLayer(last);
        Choice choice = choose(delta, image, memory, last);
        return choice == null
                ? null
                : new SearchResult<>(layer(choice.source, delta, image, memory), new Lsn(choice.floor));
    }

    /** {@link #rangeSearch(KeySpace, Lsn)} for one range. */
    public List<RangeSearchResult<L>> rangeSearch(KeyRange range, Lsn end) {
        return rangeSearch(KeySpace.of(range), end);
    }

    /**
     * Finds for every key of {@code keys} what {@link #search} would, in one pass, and puts together the keys that have the
     * same answer.
     *
     * @return in the order of the first key of each; a pair of layer and floor occurs once; keys without an answer are in none
     */
    public List<RangeSearchResult<L>> rangeSearch(KeySpace keys, Lsn end) {
        if (!end.isValid()) {
            return List.of();
        }
        long last = end.value() - 1;
        MemoryLayer<L> memory = memoryLayer(last);
        RangeSearchCollector<L> collector = new RangeSearchCollector<>();
        for (KeyRange range : keys.ranges()) {
            if (range.isSingle()) {
                long found = historic.search(range.start(), last);
                collect(collector, CoverageIndex.delta(found), CoverageIndex.image(found), memory, last, range);
                continue;
            }
            historic.pieces(
                    range,
                    last,
                    (start, pieceEnd, delta, image) ->
                            collect(collector, delta, image, memory, last, new KeyRange(start, pieceEnd)));
        }
        return collector.results();
    }

    private void collect(
            RangeSearchCollector<L> collector,
            int delta,
            int image,
            @Nullable MemoryLayer<L> memory,
            long last,
            KeyRange range) {
        Choice choice = choose(delta, image, memory, last);
        if (choice != null) {
            collector.add(layer(choice.source, delta, image, memory), choice.floor, range);
        }
    }

    /** The newest in-memory layer that starts at or below {@code lsn}. */
    private @Nullable MemoryLayer<L> memoryLayer(long lsn) {
        if (open != null && Long.compareUnsigned(open.start(), lsn) <= 0) {
            return open;
        }
        MemoryLayer<L> newest = null;
        for (int i = frozen.size() - 1; i >= 0; i--) {
            MemoryLayer<L> layer = frozen.get(i);
            if (Long.compareUnsigned(layer.start(), lsn) <= 0
                    && (newest == null || Long.compareUnsigned(layer.end(), newest.end()) > 0)) {
                newest = layer;
            }
        }
        return newest;
    }

    private @Nullable Choice choose(int delta, int image, @Nullable MemoryLayer<L> memory, long last) {
        Choice historicChoice = chooseHistoric(delta, image, last);
        if (memory == null) {
            return historicChoice;
        }
        if (historicChoice == null) {
            return new Choice(Source.IN_MEMORY, memory.start());
        }
        long end = historic.lsnEnd(historicChoice.source == Source.IMAGE ? image : delta);
        // For an image this is the exact match: its end is at most last + 1.
        boolean reachesEnd = Long.compareUnsigned(end, last) > 0;
        if (reachesEnd || Long.compareUnsigned(end, memory.end()) >= 0) {
            return historicChoice;
        }
        return new Choice(Source.IN_MEMORY, later(later(memory.start(), end), historicChoice.floor));
    }

    private @Nullable Choice chooseHistoric(int delta, int image, long last) {
        if (delta == CoverageIndex.NONE) {
            return image == CoverageIndex.NONE ? null : new Choice(Source.IMAGE, historic.lsnStart(image));
        }
        long deltaStart = historic.lsnStart(delta);
        if (image == CoverageIndex.NONE) {
            return new Choice(Source.DELTA, deltaStart);
        }
        long imageEnd = historic.lsnEnd(image);
        boolean reachesEnd = Long.compareUnsigned(imageEnd, last) > 0;
        if (reachesEnd || Long.compareUnsigned(imageEnd, historic.lsnEnd(delta)) >= 0) {
            return new Choice(Source.IMAGE, historic.lsnStart(image));
        }
        return new Choice(Source.DELTA, later(deltaStart, imageEnd));
    }

    private L layer(Source source, int delta, int image, @Nullable MemoryLayer<L> memory) {
        if (source == Source.IN_MEMORY && memory != null) {
            return memory.layer();
        }
        return historic.layer(source == Source.DELTA ? delta : image);
    }

    private static long later(long a, long b) {
        return Long.compareUnsigned(a, b) < 0 ? b : a;
    }

    /**
     * The newest image layers at or below {@code lsn}, inclusive, over a range of keys.
     *
     * @return pieces of {@code range}, ascending and without gaps, neighbours different; empty if no delta or image layer at
     *     all starts at or below {@code lsn}
     */
    public List<ImageCoverage<L>> imageCoverage(KeyRange range, Lsn lsn) {
        List<ImageCoverage<L>> pieces = new ArrayList<>();
        if (historic.anyStartsUpTo(lsn.value())) {
            historic.imagePieces(
                    range,
                    lsn.value(),
                    (start, end, delta, image) -> pieces.add(new ImageCoverage<>(
                            new KeyRange(start, end), image == CoverageIndex.NONE ? null : historic.layer(image))));
        }
        return pieces;
    }

    /**
     * Whether every key of {@code range} has an image at an LSN in {@code lsns}, be it of different layers; what GC asks
     * before it removes a layer. (That its range of LSNs cannot be empty, as it would be for a layer that ends at the cutoff,
     * is for the caller to see to: then there is no image.)
     */
    public boolean imageLayerExists(KeyRange range, LsnRange lsns) {
        boolean[] missing = new boolean[1];
        historic.imagePieces(range, lsns.end().minus(1).value(), (start, end, delta, image) -> {
            if (image == CoverageIndex.NONE
                    || Long.compareUnsigned(
                                    historic.lsnStart(image), lsns.start().value())
                            < 0) {
                missing[0] = true;
            }
        });
        return !missing[0];
    }

    /**
     * How many deltas lie one upon another in a range of keys, at most: a read of a key there may have to look at so many.
     * Looking down from the end of {@code lsns}, each next delta is the one with the greatest LSN end among those that start
     * below the one before, down to those that end above the start of {@code lsns}. L0 layers count only if {@code range} is
     * {@link KeyRange#ALL}, and then only where no other delta has cut it up.
     *
     * @param limit stop counting at this number, at least 1
     */
    public int countDeltas(KeyRange range, LsnRange lsns, int limit) {
        if (limit < 1) {
            throw new IllegalArgumentException("limit " + limit + " is below 1");
        }
        return countDeltas(range, lsns.start().value(), lsns.end().value(), limit);
    }

    private int countDeltas(KeyRange range, long start, long end, int limit) {
        int above = 0;
        long below = end;
        // A stack of layers that all cover the whole range, such as L0s, is walked here rather than by recursion.
        while (above < limit && Long.compareUnsigned(start, below) < 0) {
            List<DeltaPiece> pieces = new ArrayList<>();
            historic.deltaPieces(range, below - 1, (pieceStart, pieceEnd, delta, image) -> {
                if (delta != CoverageIndex.NONE && Long.compareUnsigned(historic.lsnEnd(delta), start) > 0) {
                    pieces.add(new DeltaPiece(new KeyRange(pieceStart, pieceEnd), delta));
                }
            });
            if (pieces.size() != 1 || !pieces.getFirst().range.equals(range)) {
                return above + countDeltas(pieces, start, limit - above);
            }
            above += weight(pieces.getFirst());
            below = historic.lsnStart(pieces.getFirst().delta);
        }
        return above;
    }

    private int countDeltas(List<DeltaPiece> pieces, long start, int limit) {
        int most = 0;
        for (DeltaPiece piece : pieces) {
            int count = weight(piece);
            if (count < limit) {
                count += countDeltas(piece.range, start, historic.lsnStart(piece.delta), limit - count);
            }
            most = Math.max(most, count);
            if (most >= limit) {
                break;
            }
        }
        return most;
    }

    private record DeltaPiece(KeyRange range, int delta) {}

    private int weight(DeltaPiece piece) {
        return historic.layer(piece.delta).isL0() && !piece.range.equals(KeyRange.ALL) ? 0 : 1;
    }

    /**
     * Which historic layers reads at these LSNs, inclusive, may need: the last record's and those where branches start. An
     * image is visible unless newer images that a read point needs cover all its keys; a delta is visible unless such images
     * cover all its keys and no read point lies below them within its LSNs.
     */
    public LayerVisibility<L> visibility(Collection<Lsn> readPoints) {
        return VisibilitySweep.sweep(historic.index(), readPoints);
    }

    /**
     * Checks the invariants that an edit cannot keep by itself: frozen layers abut, the open layer starts where the newest
     * frozen one ends, deltas lie below what is in memory, deltas do not overlap (by Neon's rule, which looks at some pairs
     * only). That no two historic layers are the same, {@link LayerMapEditor#add} sees to.
     *
     * @return a sentence for each violation, at most 100; empty if all is well
     */
    public List<String> check() {
        LayerMapCheck<L> check = new LayerMapCheck<>();
        CoverageIndex<L> index = historic.index();
        check.frozenLayersAbut(frozen);
        check.openStartsWhereFrozenEnds(frozen, open);
        check.deltasLieBelowMemory(index, frozen.isEmpty() ? open : frozen.getFirst());
        check.deltasDoNotOverlap(index);
        return check.violations();
    }
}
