package dev.palimpsest.storage.layer.memory;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.Mutex;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.Layer;
import dev.palimpsest.storage.layer.LayerKind;
import dev.palimpsest.storage.layer.LayerReferences;
import dev.palimpsest.storage.layer.LsnRange;
import dev.palimpsest.storage.layer.ReconstructState;
import dev.palimpsest.storage.layer.delta.DeltaLayerWriter;
import dev.palimpsest.storage.layer.file.DirectorySync;
import dev.palimpsest.storage.layer.file.LayerFile;
import dev.palimpsest.storage.layer.file.LayerIo;
import dev.palimpsest.storage.runtime.Environment;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The layer that takes writes. Values are in an ephemeral file; where each lies is in an index in memory.
 *
 * <pre>
 *   open ── freeze(end) ──► frozen ── close() ──► leaving ── last reader lets go ──► gone, file deleted
 *     │ putBatch, reads       │ reads, writeToDisk
 *     └─ a write fails ──► takes no more writes; can still be read, frozen and written to disk
 * </pre>
 *
 * <p><b>Threads.</b> Safe for use by many. {@link #putBatch} and {@link #freeze} exclude each other by a mutex of the layer,
 * taken once per batch; nothing else takes it. Reads take no lock and never wait for a writer. Once the layer is frozen
 * nobody needs the mutex, so that a flush, however long, blocks nobody.
 *
 * <p><b>A writer that holds a layer while it is frozen.</b> Freezing waits for the batch that is being put, and after it
 * {@link #putBatch} throws {@link InvalidRequestException} at once, before anything is changed and without waiting for a
 * flush. So a batch is in the layer completely, or not at all and may be put into the next one. A timeline that has one
 * writer, who chooses the layer and freezes it under one mutex, never sees that exception; one that does not lets the
 * writer ask for the layer again.
 *
 * <p><b>What readers see of a batch.</b> While it is being put, any part of it. Readers ask for LSNs up to the timeline's
 * last record, which is advanced once the batch is in.
 *
 * <p><b>Lifetime.</b> The owner, that is the timeline, holds the layer until {@link #close}; whoever keeps it in a snapshot
 * beyond that holds it by {@link #tryAcquire} and {@link #release}, and so does everybody who reads it. Nothing here is
 * durable before {@link #writeToDisk} has returned: after a crash the WAL is read again.
 */
public final class InMemoryLayer implements Layer, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(InMemoryLayer.class);

    private final TimelineId timeline;
    private final Lsn start;
    private final EphemeralFile file;
    private final DirtyBytes.Share dirty;
    private final ReadBuffers readBuffers;
    private final Mutex writing;
    private final long openedAtNanos;
    private final MemoryIndex index = new MemoryIndex();
    private final LayerReferences references;

    private volatile @Nullable Lsn end;
    private volatile long size;
    private volatile long highestLsn;
    private volatile long duplicates;
    private volatile @Nullable Throwable writeFailure;
    private volatile boolean gone;
    private final AtomicBoolean closed = new AtomicBoolean();

    /** Whether a layer takes writes, and what it covers. */
    public sealed interface Phase {
        /** Takes writes. */
        record Open(Lsn start) implements Phase {}

        /** Takes no more writes; {@code end} is exclusive. */
        record Frozen(Lsn start, Lsn end) implements Phase {}
    }

    /** That all keys in a range were deleted at an LSN. */
    public record Tombstone(KeyRange keys, Lsn lsn) {}

    /**
     * Where a flush puts the new layer.
     *
     * @param directory of the timeline
     * @param generation that the file's name carries
     * @param directorySync who makes the new name durable
     * @param unique among all layers that are being written in the directory
     */
    public record L0Target(
            LayerIo io,
            Path directory,
            TenantId tenant,
            Generation generation,
            DirectorySync directorySync,
            long unique) {}

    InMemoryLayer(
            TimelineId timeline,
            Lsn start,
            EphemeralFile file,
            DirtyBytes.Share dirty,
            ReadBuffers readBuffers,
            Environment environment) {
        this.timeline = timeline;
        this.start = start;
        this.file = file;
        this.dirty = dirty;
        this.readBuffers = readBuffers;
        this.openedAtNanos = environment.clock().nanos();
        this.references = new LayerReferences(file.name(), _ -> dispose());
        this.writing = new Mutex(
                "the right to write to " + file.name(), environment.tasks().newSignal());
    }

    /**
     * Adds all values of a batch: appends their bytes to the file, then makes them readable. Takes the layer's mutex once.
     *
     * <p>A value whose key has one at the same LSN already, in the layer or earlier in the batch, replaces it; that is
     * logged and counted. LSNs may come in any order.
     *
     * @return how many values replaced another
     * @throws InvalidRequestException if the layer is frozen, closed or full, if an earlier write failed, or if a value is
     *     below the layer's start; then nothing has changed
     * @throws DiskException if the file could not be written; then no value of the batch is in the layer, and it takes no
     *     more writes
     */
    public int putBatch(SerializedBatch batch, RequestContext context) throws StorageException {
        if (!tryAcquire()) {
            throw new InvalidRequestException(this + " is closed and takes no writes");
        }
        try (Mutex.Held _ = writing.acquire(context)) {
            checkWritable(batch);
            return batch.isEmpty() ? 0 : append(batch);
        } finally {
            release();
        }
    }

    private void checkWritable(SerializedBatch batch) throws InvalidRequestException {
        if (closed.get() || end != null) {
            throw new InvalidRequestException(
                    this + " is " + (closed.get() ? "closed" : "frozen") + " and takes no writes");
        }
        Throwable failed = writeFailure;
        if (failed != null) {
            throw new InvalidRequestException(
                    this + " takes no more writes since one to " + file.name() + " failed: " + failed.getMessage(),
                    failed);
        }
        if (batch.lowestLsn().isBefore(start)) {
            throw new InvalidRequestException(
                    "a batch with a value at " + batch.lowestLsn() + " cannot go to " + this + ", which starts later");
        }
        if (file.size() + batch.storedBytes() - 1 > ValueLocation.MAX_POSITION || !index.hasRoomFor(batch.count())) {
            throw new InvalidRequestException(this + " is full: its file has " + file.size() + " bytes and "
                    + index.entryCount() + " values, and cannot take " + batch.storedBytes() + " bytes and "
                    + batch.count() + " values more");
        }
    }

    private int append(SerializedBatch batch) throws DiskException {
        int replaced;
        try {
            long base = file.size();
            file.append(batch.raw());
            replaced = batch.putInto(index, base);
            index.publish();
        } catch (DiskException | RuntimeException | Error e) {
            writeFailure = e;
            throw e;
        }
        highestLsn = Lsn.max(new Lsn(highestLsn), batch.highestLsn()).value();
        long sizeBefore = size;
        size = sizeBefore + batch.sizeBytes();
        dirty.grewTo(size);
        if (replaced > 0) {
            long before = duplicates;
            duplicates = before + replaced;
            LOG.warn(
                    "{} of {} values of a batch up to {} were in {} of timeline {} already, and were replaced",
                    replaced,
                    batch.count(),
                    batch.highestLsn(),
                    this,
                    timeline);
        }
        return replaced;
    }

    /**
     * Checks a deletion of keys and keeps nothing of it: what a deleted key had stays, and reads at earlier LSNs need it.
     * That a key exists at an LSN is said by the directories of relations, which change by values like any other.
     *
     * @throws InvalidRequestException if the layer is frozen or closed, or a deletion is below its start
     */
    public void putTombstones(List<Tombstone> tombstones) throws InvalidRequestException {
        if (closed.get() || end != null) {
            throw new InvalidRequestException(
                    this + " is " + (closed.get() ? "closed" : "frozen") + " and takes no writes");
        }
        for (Tombstone tombstone : tombstones) {
            if (tombstone.lsn().isBefore(start)) {
                throw new InvalidRequestException("the deletion of keys " + tombstone.keys() + " at " + tombstone.lsn()
                        + " cannot go to " + this + ", which starts later");
            }
        }
    }

    /**
     * Ends the layer: from now on it takes no writes. Waits for a batch that is being put; does no I/O.
     *
     * @param end the first LSN it does not cover
     * @throws IllegalArgumentException unless {@code end} is above the start and above every value in the layer
     * @throws IllegalStateException if it was frozen before
     */
    public void freeze(Lsn end, RequestContext context) throws CancelledException, DeadlineExceededException {
        try (Mutex.Held _ = writing.acquire(context)) {
            if (this.end != null) {
                throw new IllegalStateException(this + " was frozen before");
            }
            if (!start.isBefore(end)) {
                throw new IllegalArgumentException(this + " cannot end at " + end + ", where it would be empty");
            }
            if (index.entryCount() > 0 && !new Lsn(highestLsn).isBefore(end)) {
                throw new IllegalArgumentException(
                        this + " cannot end at " + end + ": it has a value at " + new Lsn(highestLsn));
            }
            this.end = end;
        }
    }

    @Override
    public void collect(KeySpace keys, Lsn floor, Lsn end, ReconstructState state, RequestContext context)
            throws StorageException {
        requireThere();
        new MemoryLayerRead(index, file, readBuffers, Lsn.max(floor, start), end).collect(keys, state, context);
    }

    /** Says which files a frozen layer is written as. */
    @FunctionalInterface
    public interface Division {
        /** One L0 layer, of all keys. */
        Division NONE = _ -> List.of(KeyRange.ALL);

        /**
         * Divides the keys.
         *
         * @param keys all that the layer has, at least one
         * @return what each file covers, ascending, without overlaps; every key is in one of them
         */
        List<KeyRange> divide(FrozenKeys keys);
    }

    /** As the other one, as an L0 layer. */
    public Optional<LayerFile> writeToDisk(L0Flush flush, L0Target target, RequestContext context)
            throws StorageException {
        return writeToDisk(Division.NONE, flush, target, context).stream().findFirst();
    }

    /**
     * Writes the frozen layer as delta layers over the layer's LSNs, its values in the order of key and LSN. Waits for its turn,
     * and keeps it until the new files are synced. Others go on reading meanwhile.
     *
     * @param division which keys go to which file; asked once, when it is this layer's turn
     * @return the new layers, in the order of their keys, durable as {@link DeltaLayerWriter#finish} says; none for a range in
     *     which no key has a value
     * @throws IllegalStateException unless the layer is frozen
     * @throws StorageException if any could not be written; then nothing is left of the new files, and this may be tried again
     */
    public List<LayerFile> writeToDisk(Division division, L0Flush flush, L0Target target, RequestContext context)
            throws StorageException {
        Lsn frozenAt = end;
        if (frozenAt == null) {
            throw new IllegalStateException(this + " is written to disk but was not frozen");
        }
        if (!tryAcquire()) {
            throw isGone();
        }
        try (L0Flush.Slot slot = flush.admit(target.tenant(), context)) {
            SortedKeys sorted = index.sorted();
            if (sorted.count() == 0) {
                return List.of();
            }
            LayerCopier copier = new LayerCopier(
                    index,
                    file,
                    slot.buffer(file.size() + Math.min(size, LayerCopier.BLOB_BYTES)),
                    target.io().tasks(),
                    context);
            List<KeyRange> ranges = division.divide(new KeyWalk(index, sorted));
            return new FileSet(timeline, new LsnRange(start, frozenAt), target).write(ranges, sorted, copier);
        } finally {
            release();
        }
    }

    /** Makes plain what went wrong when a reader that does not hold the layer comes too late. */
    private void requireThere() throws CancelledException {
        if (gone) {
            throw isGone();
        }
    }

    private CancelledException isGone() {
        return new CancelledException(this + " of timeline " + timeline + " is gone: it was flushed or dropped");
    }

    /**
     * Makes the accounting know the layer's size; to be called now and then, so that it does not lag behind for long.
     *
     * @return the size, in bytes, from which on a layer should be frozen; empty while dirty bytes are within their limit
     */
    public OptionalLong tick() {
        return dirty.publish(size);
    }

    /** Prints every value: key, LSN, kind and length in bytes, in ascending order of key and LSN. */
    public void dump(Appendable to, RequestContext context) throws IOException, StorageException {
        requireThere();
        new MemoryLayerDump(index, file, to).print(this + " of timeline " + timeline, context);
    }

    @Override
    public boolean tryAcquire() {
        return references.tryAcquire();
    }

    @Override
    public void release() {
        references.release();
    }

    private void dispose() {
        gone = true;
        dirty.release();
        try {
            file.delete();
        } catch (DiskException e) {
            LOG.warn("could not delete {}; it is removed at the next start", file.name(), e);
        }
    }

    /**
     * The owner lets go: the layer takes no more writes, and its file is deleted once nobody reads it. Does not wait. Does
     * nothing the second time.
     */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            references.drop();
        }
    }

    /** Whether it is open or frozen, and what it covers. */
    public Phase info() {
        Lsn frozenAt = end;
        return frozenAt == null ? new Phase.Open(start) : new Phase.Frozen(start, frozenAt);
    }

    /**
     * The bytes that its values take in a layer file, with their blob headers; those that were replaced are counted, too. What
     * decides when a layer is frozen is counted so, that it is the size of the layer file.
     */
    public long size() {
        return size;
    }

    /** How many values it has; one that was replaced counts once. */
    public int valueCount() {
        return index.entryCount();
    }

    /** How many keys have values. */
    public int keyCount() {
        return index.keyCount();
    }

    /** How many values replaced another of the same key at the same LSN. */
    public long duplicates() {
        return duplicates;
    }

    /** The memory that its index takes, in bytes. */
    public long indexBytes() {
        return index.bytes();
    }

    /** When it was opened, as the engine's clock counts nanoseconds. */
    public long openedAtNanos() {
        return openedAtNanos;
    }

    /** The timeline it belongs to. */
    public TimelineId timeline() {
        return timeline;
    }

    @Override
    public LayerKind kind() {
        return LayerKind.IN_MEMORY;
    }

    @Override
    public KeyRange keyRange() {
        return KeyRange.ALL;
    }

    @Override
    public Lsn lsnStart() {
        return start;
    }

    @Override
    public Lsn lsnEnd() {
        Lsn frozenAt = end;
        return frozenAt == null ? Lsn.MAX : frozenAt;
    }

    @Override
    public String toString() {
        return "inmem-" + start.toHex() + "-" + lsnEnd().toHex();
    }
}
