package dev.palimpsest.storage.layer.file;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.blob.BlobReader;
import dev.palimpsest.storage.blob.Block;
import dev.palimpsest.storage.blob.ReadPlan;
import dev.palimpsest.storage.blob.VectoredReadPlanner;
import dev.palimpsest.storage.btree.BtreeCursor;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.LayerKind;
import dev.palimpsest.storage.layer.LayerName;
import dev.palimpsest.storage.layer.ReconstructState;
import dev.palimpsest.storage.value.Value;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One request's read of one layer file: walks the index over the wanted keys, plans reads of the blobs that are needed, carries
 * them out from the end of the file to its beginning, so that each key's values come newest first, and tells the state.
 */
final class Collection {
    /** After so many entries of a key that are not wanted, the next key is searched for. */
    private static final int PATIENCE = 16;

    private final LayerIo io;
    private final LayerFormat format;
    private final LayerName name;
    private final OpenLayerFile file;
    private final ReconstructState state;
    private final RequestContext context;
    private final byte[] searched;
    private final BtreeCursor cursor;
    private final VectoredReadPlanner planner;
    /** By the tag that the planner knows each by. */
    private final List<Found> keys = new ArrayList<>(1);

    /** A key that the index has. */
    private static final class Found {
        final Key key;
        /** What is known of it; null as long as that is nothing. */
        ReconstructState.@Nullable KeyState state;
        /** Where the value is that initialises it according to the index; -1 if none of those wanted does. */
        long initialisedAt = -1;

        Found(Key key, ReconstructState.@Nullable KeyState state) {
            this.key = key;
            this.state = state;
        }

        boolean isComplete() {
            ReconstructState.KeyState known = state;
            return known != null && known.isComplete();
        }
    }

    Collection(
            LayerIo io,
            LayerFormat format,
            LayerName name,
            OpenLayerFile file,
            ReconstructState state,
            RequestContext context) {
        this.io = io;
        this.format = format;
        this.name = name;
        this.file = file;
        this.state = state;
        this.context = context;
        this.searched = new byte[format.indexKeyBytes()];
        this.cursor = file.index(context).cursor();
        this.planner = planner();
    }

    private VectoredReadPlanner planner() {
        return new VectoredReadPlanner(file.resource(), Block.SIZE, file.dataEnd(), Block.SIZE, io.maxReadBytes());
    }

    /** LSNs from {@code from}, inclusive, to {@code to}, exclusive, both within those of the layer. */
    void collect(KeySpace wanted, Lsn from, Lsn to) throws StorageException {
        for (KeyRange range : wanted.ranges()) {
            if (range.overlaps(name.keyRange())) {
                plan(
                        max(range.start(), name.keyRange().start()),
                        min(range.end(), name.keyRange().end()),
                        from,
                        to);
            }
        }
        ReadPlan plan = planner.finish();
        for (int read = plan.reads() - 1; read >= 0; read--) {
            carryOut(plan, read);
        }
        checkInitialised();
        reachCached(wanted, from);
    }

    /** Older values were left out on the index's word: it must have been true. */
    private void checkInitialised() {
        for (Found found : keys) {
            if (found.initialisedAt >= 0 && !found.isComplete()) {
                state.fail(
                        found.key,
                        new CorruptionException(
                                file.resource(),
                                found.initialisedAt,
                                "the index says that this value of key " + found.key
                                        + " needs nothing older, the value says it does"));
            }
        }
    }

    private static Key max(Key a, Key b) {
        return a.compareTo(b) < 0 ? b : a;
    }

    private static Key min(Key a, Key b) {
        return a.compareTo(b) < 0 ? a : b;
    }

    /** Everything above what is cached was added now if this layer reaches down to it. */
    private void reachCached(KeySpace wanted, Lsn from) {
        if (!state.isAnyCached()) {
            return;
        }
        List<Key> reached = new ArrayList<>(0);
        state.keys().forEach((key, known) -> {
            ReconstructState.Version cached = known.cached();
            if (cached != null && !known.isComplete() && !cached.lsn().isBefore(from) && contains(wanted, key)) {
                reached.add(key);
            }
        });
        reached.forEach(state::reachedCached);
    }

    private boolean contains(KeySpace wanted, Key key) {
        return name.keyRange().contains(key) && wanted.contains(key);
    }

    /** Tells the planner of the entries of a range of keys. */
    private void plan(Key start, Key end, Lsn from, Lsn to) throws StorageException {
        boolean single = start.high() == end.high() && start.middle() == end.middle() && start.low() + 1 == end.low();
        Key current = null;
        Lsn after = from;
        int ignored = 0;
        format.writeIndexKey(start, from, searched);
        boolean found = cursor.seek(searched);
        while (found) {
            if (current == null || !isAt(current)) {
                Key key = new Key(cursor.keyLong(0), cursor.keyLong(8), cursor.keyChar(16));
                if (key.compareTo(end) >= 0) {
                    break;
                }
                current = key;
                Found known = new Found(key, state.keys().get(key));
                after = firstWanted(known, from, to);
                keys.add(known);
                ignored = 0;
            }
            Lsn lsn = format.lsn(name, cursor);
            if (single && !lsn.isBefore(to)) {
                break;
            }
            boolean needed = !lsn.isBefore(after) && lsn.isBefore(to);
            tell(lsn, needed);
            ignored = needed ? 0 : ignored + 1;
            found = ignored < PATIENCE ? cursor.next() : skip(current, lsn, after, to);
        }
        planner.endRange(found ? format.blobOffset(cursor.value()) : file.dataEnd());
    }

    private boolean isAt(Key key) {
        return cursor.keyLong(8) == key.middle() && cursor.keyChar(16) == key.low() && cursor.keyLong(0) == key.high();
    }

    /** From which LSN on values of a key are needed; {@code to} if none is. */
    private static Lsn firstWanted(Found found, Lsn from, Lsn to) {
        if (found.isComplete()) {
            return to;
        }
        ReconstructState.KeyState known = found.state;
        ReconstructState.Version cached = known == null ? null : known.cached();
        return cached == null || cached.lsn().isBefore(from)
                ? from
                : Lsn.min(cached.lsn().plus(1), to);
    }

    private void tell(Lsn lsn, boolean needed) throws CorruptionException {
        long value = cursor.value();
        VectoredReadPlanner.Flag flag = VectoredReadPlanner.Flag.IGNORE;
        if (needed) {
            flag = VectoredReadPlanner.Flag.NONE;
            if (format.willInit(value)) {
                flag = VectoredReadPlanner.Flag.REPLACE_ALL;
                keys.getLast().initialisedAt = format.blobOffset(value);
            }
        }
        planner.add(keys.size() - 1, lsn.value(), format.blobOffset(value), flag);
    }

    /** Goes past entries of a key that are not wanted: to the first that is, or to the next key. */
    private boolean skip(Key key, Lsn at, Lsn after, Lsn to) throws StorageException {
        if (at.isBefore(after) && after.isBefore(to)) {
            format.writeIndexKey(key, after, searched);
        } else if (key.equals(Key.MAX)) {
            return false;
        } else {
            format.writeIndexKey(key.next(), Lsn.INVALID, searched);
        }
        return cursor.seek(searched);
    }

    /** Carries out one read of a plan, and if it fails one for each blob that it did not bring. */
    private void carryOut(ReadPlan plan, int read) throws StorageException {
        Taker taker = new Taker(plan, plan.endBlob(read) - 1);
        try {
            context.account(format.valueContent(), plan.readEnd(read) - plan.readStart(read));
            file.blobs().read(plan, read, BlobReader.Order.DESCENDING, context, taker);
        } catch (CorruptionException | DiskException e) {
            boolean alone = plan.endBlob(read) - plan.firstBlob(read) == 1;
            for (int blob = taker.next; blob >= plan.firstBlob(read); blob--) {
                carryOutAlone(plan, blob, alone ? e : null);
            }
        }
    }

    private void carryOutAlone(ReadPlan plan, int blob, @Nullable StorageException known) throws StorageException {
        Found found = keys.get(plan.tag(blob));
        if (found.isComplete()) {
            return;
        }
        if (known != null) {
            fail(found, known);
            return;
        }
        VectoredReadPlanner one = planner();
        one.add(0, plan.lsn(blob), plan.blobStart(blob), VectoredReadPlanner.Flag.NONE);
        one.endRange(plan.blobEnd(blob));
        try {
            context.account(format.valueContent(), plan.blobEnd(blob) - plan.blobStart(blob));
            file.blobs().read(one.finish(), BlobReader.Order.DESCENDING, context, new Taker(plan, blob));
        } catch (CorruptionException | DiskException e) {
            fail(found, e);
        }
    }

    private void fail(Found found, StorageException reason) {
        state.fail(found.key, reason);
        found.state = state.state(found.key);
    }

    /** Takes the blobs of a plan one after the other, the last one first. */
    private final class Taker implements BlobReader.Visitor {
        private final ReadPlan plan;
        /** The blob that comes next. */
        private int next;
        /** What the next blob is decompressed into, if that is to be the value itself. */
        private byte @Nullable [] image;

        Taker(ReadPlan plan, int first) {
            this.plan = plan;
            this.next = first;
        }

        @Override
        public byte @Nullable [] array(int tag, int size) {
            // In an image layer a blob is the image as it is; in a delta layer something comes before it.
            image = format.kind() == LayerKind.IMAGE ? context.arrays().apply(size) : null;
            return image;
        }

        @Override
        public void blob(int tag, long lsn, ByteBuffer bytes) throws StorageException {
            int blob = next;
            byte[] decompressed = image;
            image = null;
            Found found = keys.get(plan.tag(blob));
            if (!found.isComplete()) {
                Value value = decompressed == null
                        ? format.decode(bytes, context.arrays(), file.resource(), plan.blobStart(blob))
                        : new Value.Image(decompressed);
                ReconstructState.KeyState known = found.state;
                if (known == null) {
                    known = state.state(found.key);
                    found.state = known;
                }
                state.add(known, new Lsn(lsn), value);
            }
            next = blob - 1;
        }
    }
}
