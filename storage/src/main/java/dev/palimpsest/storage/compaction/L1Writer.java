package dev.palimpsest.storage.compaction;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.layer.DeltaLayerName;
import dev.palimpsest.storage.layer.Layer;
import dev.palimpsest.storage.layer.LayerName;
import dev.palimpsest.storage.layer.LsnRange;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layer.delta.DeltaLayerWriter;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Writes values, in ascending order of (key, LSN), into L1 layers that tile the keys: a layer ends before the key that would
 * make it larger than the target, and before a hole. Every layer covers all LSNs of the inputs and has all versions of its
 * keys, so that searches find the same as before; but a key whose history is large gets layers of its own, one for each piece
 * of its LSNs.
 *
 * <pre>
 *  LSN ▲   ┌──────┬──┬───────┬──┐
 *      │   │      │  │       ├──┤ ◄ one key, cut by LSN
 *      │   │      │  │       │  │
 *      │   └──────┴──┴───────┴──┘
 *      └──────────────────────────► key
 * </pre>
 *
 * <p>In memory are the values of one key, up to a quarter of the target, and the index of the layer being written.
 */
final class L1Writer implements AutoCloseable {
    /** What a value takes in a layer besides its bytes: the header of its blob and, roughly, its entry in the index. */
    private static final int ENTRY_BYTES = 32;

    /** How many keys with long chains are told of. */
    private static final int MAX_LONG_CHAINS = 1024;

    private final CompactedTimeline timeline;
    private final CompactionSettings settings;
    private final LsnRange lsns;
    private final HoleFinder<Layer> holes;
    private final Predicate<LayerName> taken;
    private final List<PersistentLayer> finished = new ArrayList<>();
    private final SortedMap<Key, Lsn> longChains = new TreeMap<>();

    /** The values of the current key, unless it has layers of its own. */
    private final KeyHistory history = new KeyHistory();

    private @Nullable Key key;
    /** Records of the current key upon its last image. */
    private int chain;
    /** Whether the open layer is one of the current key alone. */
    private boolean alone;
    /** Of the last value. */
    private Lsn lastLsn = Lsn.INVALID;

    private @Nullable OpenLayer open;
    private long values;

    /** A layer that is being written. */
    private static final class OpenLayer {
        final DeltaLayerWriter writer;
        final Key start;
        final Lsn from;
        Key last;
        long bytes;

        OpenLayer(DeltaLayerWriter writer, Key start, Lsn from) {
            this.writer = writer;
            this.start = start;
            this.from = from;
            this.last = start;
        }
    }

    /** @param taken names of layers of single keys that must not be used */
    L1Writer(
            CompactedTimeline timeline,
            CompactionSettings settings,
            LsnRange lsns,
            HoleFinder<Layer> holes,
            Predicate<LayerName> taken) {
        this.timeline = timeline;
        this.settings = settings;
        this.lsns = lsns;
        this.holes = holes;
        this.taken = taken;
    }

    /** The layers that were finished so far; whoever takes them owns them. */
    List<PersistentLayer> finished() {
        return finished;
    }

    /** Keys with more records upon their last image than the settings allow, and the LSN end of these. */
    SortedMap<Key, Lsn> longChains() {
        return longChains;
    }

    long values() {
        return values;
    }

    /** Adds a value, from its position to its limit, where its position is afterwards or not. */
    void put(Key next, Lsn lsn, ByteBuffer value, boolean willInit) throws StorageException {
        if (!next.equals(key)) {
            endKey();
            key = next;
        }
        chain = willInit ? 0 : chain + 1;
        values++;
        if (!alone && history.size() + (long) value.remaining() > settings.targetLayerBytes() / 4) {
            beginAlone(next);
        }
        if (alone) {
            putAlone(next, lsn, value, willInit);
        } else {
            history.add(lsn, value, willInit);
        }
        lastLsn = lsn;
    }

    private void beginAlone(Key only) throws StorageException {
        finishOpen(lsns.end());
        OpenLayer layer = open(only, lsns.start());
        history.writeTo(layer.writer, only);
        layer.bytes = bytes();
        history.clear();
        alone = true;
    }

    private void putAlone(Key only, Lsn lsn, ByteBuffer value, boolean willInit) throws StorageException {
        OpenLayer layer = open;
        long size = value.remaining() + (long) ENTRY_BYTES;
        if (layer != null && layer.bytes > 0 && layer.bytes + size > settings.targetLayerBytes()) {
            Lsn cut = cut(only, layer.from, lsn);
            if (cut != null) {
                finishOpen(cut);
                layer = open(only, cut);
            }
        }
        if (layer == null) {
            throw new IllegalStateException("key " + only + " has no layer of its own");
        }
        layer.writer.put(only, lsn, value, willInit);
        layer.bytes += size;
    }

    /** Where between the last value and the next to cut, so that neither layer gets a name that is taken; null if nowhere. */
    private @Nullable Lsn cut(Key only, Lsn from, Lsn next) {
        KeyRange keys = KeyRange.single(only);
        for (Lsn cut = next; cut.isAfter(lastLsn) && cut.isAfter(from); cut = cut.minus(1)) {
            if (!taken.test(new DeltaLayerName(keys, new LsnRange(from, cut)))
                    && !taken.test(new DeltaLayerName(keys, new LsnRange(cut, lsns.end())))) {
                return cut;
            }
        }
        return null;
    }

    private void endKey() throws StorageException {
        Key ended = key;
        if (ended == null) {
            return;
        }
        if (chain > settings.maxRecordsPerKey() && longChains.size() < MAX_LONG_CHAINS) {
            longChains.put(ended, lsns.end());
        }
        chain = 0;
        if (alone) {
            alone = false;
            finishOpen(lsns.end());
            return;
        }
        OpenLayer layer = open;
        if (layer != null && endsBefore(layer, ended)) {
            finishOpen(lsns.end());
            layer = null;
        }
        if (layer == null) {
            layer = open(ended, lsns.start());
        }
        history.writeTo(layer.writer, ended);
        layer.bytes += bytes();
        layer.last = ended;
        history.clear();
    }

    private long bytes() {
        return history.size() + (long) ENTRY_BYTES * history.count();
    }

    private boolean endsBefore(OpenLayer layer, Key next) {
        return layer.bytes + bytes() > settings.targetLayerBytes()
                || new KeyRange(layer.start, next.next()).equals(KeyRange.ALL) // it would be an L0
                || holes.isHole(layer.last, next);
    }

    private OpenLayer open(Key start, Lsn from) throws StorageException {
        OpenLayer layer = new OpenLayer(timeline.newDeltaLayer(start, new LsnRange(from, lsns.end())), start, from);
        open = layer;
        return layer;
    }

    private void finishOpen(Lsn to) throws StorageException {
        OpenLayer layer = open;
        if (layer != null) {
            finished.add(timeline.finish(layer.writer, layer.start, layer.last.next(), new LsnRange(layer.from, to)));
            open = null;
        }
    }

    /** Completes the last layer. */
    void finish() throws StorageException {
        endKey();
        key = null;
        finishOpen(lsns.end());
    }

    /** Deletes the file that is not finished, if there is one. */
    @Override
    public void close() throws DiskException {
        OpenLayer layer = open;
        if (layer != null) {
            open = null;
            layer.writer.close();
        }
    }
}
