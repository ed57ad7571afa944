package dev.palimpsest.storage.timeline;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.Gate;
import dev.palimpsest.storage.context.Mutex;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.index.IndexPart;
import dev.palimpsest.storage.index.TimelineMetadata;
import dev.palimpsest.storage.jobs.JobState;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.Layer;
import dev.palimpsest.storage.layer.LayerName;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layer.ReconstructState;
import dev.palimpsest.storage.layer.memory.InMemoryLayer;
import dev.palimpsest.storage.layer.residency.DownloadQueue;
import dev.palimpsest.storage.layermap.LayerMap;
import dev.palimpsest.storage.layermap.LayerMapEditor;
import dev.palimpsest.storage.runtime.Cancellation;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * One history of a tenant's keys: a branch. Takes versions in at growing LSNs, gives any key back at any LSN it retains,
 * through its ancestors below the LSN where it branched off.
 *
 * <p>Its LSNs, each inclusive:
 *
 * <ul>
 *   <li>{@link #lastRecordLsn() last_record_lsn}: every value up to it was put and can be read. Lost by a crash, as far as it
 *       is beyond the next one.
 *   <li>{@link #prevRecordLsn() prev_record_lsn}: the end of the record before that one.
 *   <li>{@link #diskConsistentLsn() disk_consistent_lsn}: every value up to it is in layer files that were synced. What waits
 *       for its upload is lost all the same if the process ends.
 *   <li>{@link #remoteConsistentLsn() remote_consistent_lsn}: every value up to it is in layers in the object store, and those
 *       are named in an index part that is in force there. This is what nothing can take away, neither a crash nor the loss of
 *       the local disk nor another server, and where the timeline is after one.
 * </ul>
 *
 * <p>Safe for use by many threads. One writer at a time ({@link #writer}); readers never wait for it, nor for a flush.
 */
public final class Timeline {
    /** Where a timeline branched off; {@code lsn} is the last one that it shares with the ancestor. */
    public record BranchPoint(Timeline ancestor, Lsn lsn) {}

    /** Read together, so that one is never paired with another's. */
    private record RecordLsns(Lsn last, Lsn previous) {}

    private final TimelineId id;
    private final Engine engine;
    private final Descent descent;
    private final TimelineFiles files;
    private final TimelineIndex index;
    private final LayerSet layers;
    private final Cancellation cancellation = new Cancellation();
    private final Gate gate;
    private final ReadableHistory history;
    private final ObsoleteLayers obsolete = new ObsoleteLayers();
    private final TimelineUpkeep upkeep;
    private final Mutex writeMutex;
    private final WritePath writePath;
    private final FlushLoop flushLoop;
    private final LsnProgress lastRecord;
    private final LsnProgress diskConsistent;
    private final LsnProgress remoteConsistent;
    private final Publisher publisher;

    private volatile RecordLsns records;
    private volatile @Nullable StorageException writesStopped;

    Timeline(
            Engine engine,
            TimelineFiles files,
            TimelineIndex index,
            RemoteLayers remote,
            LayerMap<Layer> layers,
            @Nullable BranchPoint branchPoint) {
        IndexPart part = index.current();
        this.id = files.timeline();
        this.engine = engine;
        this.files = files;
        this.index = index;
        this.descent = new Descent(part.metadata(), part.lineage(), branchPoint);
        this.layers = new LayerSet(layers);
        Lsn flushed = part.diskConsistentLsn();
        Lsn previous = part.metadata().prevRecordLsn();
        this.lastRecord = new LsnProgress("last_record_lsn of timeline " + id, flushed, engine.newSignal());
        this.diskConsistent = new LsnProgress("disk_consistent_lsn of timeline " + id, flushed, engine.newSignal());
        this.remoteConsistent = new LsnProgress("remote_consistent_lsn of timeline " + id, flushed, engine.newSignal());
        this.records = new RecordLsns(flushed, previous == null ? Lsn.INVALID : previous);
        this.gate = new Gate("timeline " + id, engine.newSignal());
        this.writeMutex = new Mutex("the right to write to timeline " + id, engine.newSignal());
        this.history = new ReadableHistory(
                "timeline " + id,
                part.metadata().latestGcCutoffLsn(),
                engine.environment().tasks());
        Mutex running = new Mutex("compaction of timeline " + id, engine.newSignal());
        this.upkeep = new TimelineUpkeep(this, files, gate, running, engine.settings());
        Lsn openAt = flushed.isValid() ? flushed.plus(1) : part.metadata().initdbLsn();
        this.writePath =
                new WritePath(this, engine::config, engine.environment().clock(), openAt);
        this.publisher = new Publisher(this, engine, index, remote, cancellation, gate);
        this.flushLoop = new FlushLoop(this, engine::config, engine.environment(), cancellation, gate, flushed);
    }

    /** Which timeline. */
    public TimelineId id() {
        return id;
    }

    /** Where it branched off; null for one that has no ancestor, or not any more. */
    public @Nullable BranchPoint branchPoint() {
        return descent.branchPoint();
    }

    /** Every value up to here was put and can be read. */
    public Lsn lastRecordLsn() {
        return lastRecord.reached();
    }

    /** The end of the record before the last one; 0/0 if it is not known, as after a restart in the middle of history. */
    public Lsn prevRecordLsn() {
        return records.previous();
    }

    /** Every value up to here is in synced local files. */
    public Lsn diskConsistentLsn() {
        return diskConsistent.reached();
    }

    /** Every value up to here survives: this is what may be acknowledged. */
    public Lsn remoteConsistentLsn() {
        return remoteConsistent.reached();
    }

    /** How many bytes of layers are not in the object store yet. */
    public long uploadBacklogBytes() {
        return publisher.backlogBytes();
    }

    /** How large those of its own layers are together whose files are on the local disk, in bytes. */
    public long residentBytes() {
        return layers.snapshot()
                .historicLayers()
                .map(PersistentLayer.class::cast)
                .filter(layer -> layer.residency().resident())
                .mapToLong(PersistentLayer::size)
                .sum();
    }

    /** Its own layers that are on their way from the object store, or wait for their turn. */
    public List<DownloadQueue.Progress> downloads() {
        return files.persistent().inProgress();
    }

    /** How many of its layers wait for their upload, as far as compaction and flushes are done with them. */
    public int layersToUpload() {
        return publisher.missingLayers();
    }

    /** How its uploads fare. */
    public JobState uploadState() {
        return publisher.state();
    }

    /** Reads below this LSN are refused. The index part may name an earlier one, until a layer is removed for it. */
    public Lsn gcCutoffLsn() {
        return history.cutoff();
    }

    /** Compaction of its layers. */
    public TimelineUpkeep upkeep() {
        return upkeep;
    }

    /** The durable state as it is now in the object store. */
    public IndexPart indexPart() {
        return index.current();
    }

    /** The major version of the PostgreSQL whose history it is, 14 to 18. */
    public int pgVersion() {
        return index.current().metadata().pgVersion();
    }

    /** The layers, as of now. */
    public LayerMap<Layer> layers() {
        return layers.snapshot();
    }

    /** Waits until {@code last_record_lsn} has reached {@code lsn}. */
    public void awaitLsn(Lsn lsn, RequestContext context) throws StorageException {
        engine.operations().await(lastRecord, lsn, context);
    }

    /** Waits until {@code remote_consistent_lsn} has reached {@code lsn}. Does not start a flush. */
    public void awaitDurable(Lsn lsn, RequestContext context) throws StorageException {
        remoteConsistent.await(lsn, context);
    }

    /**
     * Takes the right to write, waiting for whoever has it.
     *
     * @throws CancelledException if the timeline is shut down
     * @throws InvalidRequestException if the timeline has stopped taking writes because one failed; the message says why
     */
    public TimelineWriter writer(RequestContext context) throws StorageException {
        Gate.Guard inside = gate.enter();
        Mutex.Held held;
        try {
            held = writeMutex.acquire(context);
        } catch (CancelledException | DeadlineExceededException e) {
            inside.close();
            throw e;
        }
        TimelineWriter writer = new TimelineWriter(writePath, context, () -> {
            held.close();
            inside.close();
        });
        StorageException stopped = writesStopped;
        if (stopped != null) {
            writer.close();
            throw new InvalidRequestException(
                    "timeline " + id + " takes no more writes until it is loaded again: " + stopped.getMessage(),
                    stopped);
        }
        return writer;
    }

    /**
     * The value of a key as of {@code lsn}; waits until {@code last_record_lsn} has reached it.
     *
     * @return for a relation key 8192 bytes; not to be changed
     * @throws InvalidRequestException if {@code lsn} is 0/0 or below the GC cutoff
     * @throws MissingKeyException if the key has no value at or below {@code lsn}; says what was searched
     */
    public byte[] get(Key key, Lsn lsn, RequestContext context) throws StorageException {
        try (Gate.Guard _ = gate.enter()) {
            Gathered gathered = gather(KeySpace.of(key), lsn, context);
            return gathered.reconstruction().value(key, gathered.state().keys().get(key));
        }
    }

    /**
     * The values of many keys as of {@code lsn}, each found or failed on its own; waits as {@link #get}.
     *
     * @param keys at most {@link TimelineConfig#maxGetVectoredKeys()} of them
     * @return an entry for each of the keys
     * @throws InvalidRequestException if there are too many keys, or the LSN cannot be read
     */
    public SortedMap<Key, KeyResult> getVectored(KeySpace keys, Lsn lsn, RequestContext context)
            throws StorageException {
        if (keys.pageCount() > engine.config().maxGetVectoredKeys()) {
            throw new InvalidRequestException("a vectored get of " + keys.pageCount() + " keys is over the limit of "
                    + engine.config().maxGetVectoredKeys());
        }
        try (Gate.Guard _ = gate.enter()) {
            checkReadable(lsn, context);
            long begin = engine.operations().begin();
            Gathered gathered = gather(keys, lsn, context);
            SortedMap<Key, KeyResult> results = new TreeMap<>();
            for (KeyRange range : keys.ranges()) {
                for (Key key = range.start(); key.compareTo(range.end()) < 0; key = key.next()) {
                    results.put(key, gathered.value(key));
                }
            }
            engine.operations().read(context.taskKind(), begin);
            return results;
        }
    }

    /**
     * The values of whatever keys of a key space have one as of {@code lsn}; what is absent is not in the result. As big as
     * what it finds: not for key spaces of relations.
     */
    public SortedMap<Key, KeyResult> scan(KeySpace keys, Lsn lsn, RequestContext context) throws StorageException {
        try (Gate.Guard _ = gate.enter()) {
            return gather(keys, lsn, context).values();
        }
    }

    /**
     * What would be read to make the value of a key as of {@code lsn}: from there back to the version that needs nothing
     * older, the newest first; empty if there is nothing. Waits as {@link #get}. For older ones, ask again as of just before
     * the last of these.
     */
    public List<ReconstructState.Version> versions(Key key, Lsn lsn, RequestContext context) throws StorageException {
        try (Gate.Guard _ = gate.enter()) {
            ReconstructState.KeyState found =
                    gather(KeySpace.of(key), lsn, context).state().keys().get(key);
            if (found == null) {
                return List.of();
            }
            StorageException failure = found.failure();
            if (failure != null) {
                throw failure;
            }
            return List.copyOf(found.versions());
        }
    }

    private Gathered gather(KeySpace keys, Lsn lsn, RequestContext context) throws StorageException {
        checkReadable(lsn, context);
        Gate.Guard reading = history.enter(lsn);
        if (reading == null) {
            throw notReadable(lsn);
        }
        return gather(reading, keys, lsn, context);
    }

    /** For somebody who is in to read a branch: what there is below it, whatever the cutoff. Waits for the LSN. */
    Gathered gatherForBranch(KeySpace keys, Lsn lsn, RequestContext context) throws StorageException {
        awaitLsn(lsn, context);
        return gather(history.enterAnywhere(), keys, lsn, context);
    }

    private Gathered gather(Gate.Guard reading, KeySpace keys, Lsn lsn, RequestContext context)
            throws StorageException {
        ReconstructState state = new ReconstructState();
        ReadPath path = new ReadPath(state, context);
        try (reading) {
            path.collect(this, keys, lsn);
            engine.layerGauges().visited(path.layersVisited());
        }
        return new Gathered(state, Reconstruction.of(path, engine.redo(), pgVersion(), lsn, context));
    }

    private void checkReadable(Lsn lsn, RequestContext context) throws StorageException {
        if (!lsn.isValid() || lsn.equals(Lsn.MAX) || !history.isReadable(lsn)) {
            throw notReadable(lsn);
        }
        awaitLsn(lsn, context);
    }

    InvalidRequestException notReadable(Lsn lsn) {
        return new InvalidRequestException("timeline " + id + " cannot be read at " + lsn + ": its history begins at "
                + gcCutoffLsn() + " and is at " + lastRecordLsn());
    }

    /**
     * Holds an LSN while somebody needs to read there more than once, or to branch off: GC lets it be read, and keeps what it
     * needs, until the hold is closed. It does not outlive the process.
     *
     * @throws InvalidRequestException if it cannot be read any more
     */
    public Hold hold(Lsn lsn) throws InvalidRequestException {
        if (!history.hold(lsn)) {
            throw notReadable(lsn);
        }
        return new Hold(history, lsn);
    }

    /** The LSNs that are held, in ascending order. */
    public List<Lsn> heldLsns() {
        return history.held();
    }

    /**
     * Freezes what was put so far and waits until it is durable: on return {@code remote_consistent_lsn} has reached what
     * {@code last_record_lsn} was at the call, which is returned.
     */
    public Lsn freezeAndFlush(RequestContext context) throws StorageException {
        Lsn at;
        try (TimelineWriter writer = writer(context)) {
            at = lastRecordLsn();
            writer.freeze();
        }
        awaitDurable(at, context);
        return at;
    }

    /**
     * Housekeeping, to be called every few seconds: freezes the open layer if it is old or big enough, or if all layers
     * together take more than they may.
     */
    public void tick(RequestContext context) throws StorageException {
        publisher.tick();
        if (layers.snapshot().openLayer() == null) {
            return;
        }
        try (TimelineWriter writer = writer(context)) {
            writer.tick();
        }
    }

    /**
     * Stops: refuses newcomers, ends waits, waits for those inside, gives back memory and ephemeral files. What was not
     * durable is lost; flush before, to keep it.
     */
    public void shutdown(RequestContext context) throws CancelledException, DeadlineExceededException {
        gate.closeToNewcomers();
        cancellation.cancel();
        CancelledException reason = new CancelledException("timeline " + id + " is shut down");
        lastRecord.stop(reason);
        diskConsistent.stop(reason);
        remoteConsistent.stop(reason);
        publisher.wake();
        files.persistent().shutdown(context);
        gate.close(context);
        publisher.close();
        layers.closeAll();
        obsolete.retireAll();
    }

    /**
     * Begins to give a timeline that has nothing yet everything it has at its first LSN. Nobody else writes to it meanwhile.
     *
     * @param at the LSN, a multiple of 8, not before the one it was created with
     * @param targetLayerBytes about how large image layers become
     * @throws InvalidRequestException if there is something already
     */
    public TimelineImport beginImport(Lsn at, long targetLayerBytes) throws StorageException {
        if (!isVirgin() || !at.isAligned() || at.isBefore(indexPart().metadata().initdbLsn())) {
            throw new InvalidRequestException("timeline " + id + " cannot be filled at " + at + ": it is at "
                    + lastRecordLsn() + " and was created at "
                    + indexPart().metadata().initdbLsn());
        }
        return new TimelineImport(this, files, at, targetLayerBytes);
    }

    /** Makes these layers the timeline's, and {@code at} its last record. Durable on return. */
    void adopt(List<PersistentLayer> adopted, Lsn at, RequestContext context) throws StorageException {
        try (Gate.Guard _ = gate.enter();
                Mutex.Held _ = writeMutex.acquire(context)) {
            layers.update(map -> {
                LayerMapEditor<Layer> edit = map.edit();
                adopted.forEach(edit::add);
                return edit.apply();
            });
            adopted.forEach(publisher::added);
            writePath.startAfter(at);
            advanceLastRecord(at, Lsn.INVALID);
            flushed(at, null);
            publisher.publish(context);
        }
    }

    /**
     * Replaces what applies to the timeline for a time, {@link IndexPart.State}. Durable on return.
     *
     * @param change is given what applies now; may be called again
     */
    public void updateState(UnaryOperator<IndexPart.State> change, RequestContext context) throws StorageException {
        try (Gate.Guard _ = gate.enter()) {
            index.publish(part -> part.with(change.apply(part.state())), context);
        }
    }

    /** Whether there was never a value on it, nor could one be inherited. */
    boolean isVirgin() {
        return branchPoint() == null && !lastRecordLsn().isValid();
    }

    LayerSet layerSet() {
        return layers;
    }

    FlushLoop flushLoop() {
        return flushLoop;
    }

    Descent descent() {
        return descent;
    }

    TimelineFiles files() {
        return files;
    }

    /** Comes in, as every request does: who is inside is waited for by {@link #shutdown}. */
    Gate.Guard enter() throws CancelledException {
        return gate.enter();
    }

    /** Ends the work of those inside once the timeline is shut down. */
    void checkRunning() throws CancelledException {
        if (cancellation.isCancelled()) {
            throw new CancelledException("timeline " + id + " is shut down");
        }
    }

    TimelineIndex index() {
        return index;
    }

    OperationMetrics operations() {
        return engine.operations();
    }

    InMemoryLayer openLayer(Lsn start) throws StorageException {
        InMemoryLayer layer = files.createInMemoryLayer(start);
        layers.update(map -> map.edit().open(layer).apply());
        return layer;
    }

    void advanceLastRecord(Lsn lsn, Lsn previous) {
        records = new RecordLsns(lsn, previous);
        engine.operations().applied(lastRecord.reached(), lsn);
        lastRecord.advance(lsn);
    }

    void stopWrites(StorageException reason) {
        writesStopped = reason;
        diskConsistent.stop(reason);
        remoteConsistent.stop(reason);
    }

    @Nullable
    InMemoryLayer oldestFrozen() {
        List<Layer> frozen = layers.snapshot().frozenLayers();
        return frozen.isEmpty() ? null : (InMemoryLayer) frozen.getFirst();
    }

    /**
     * Writes a frozen layer out, if there is one, and has that uploaded. On return everything up to {@code upTo} is in local
     * files. May be called again after it failed.
     */
    void flush(@Nullable InMemoryLayer frozen, Lsn upTo, RequestContext context) throws StorageException {
        if (frozen != null) {
            new LayerFlush(this, frozen).run(files, context);
        }
        RecordLsns now = records;
        flushed(upTo, upTo.equals(now.last()) && now.previous().isValid() ? now.previous() : null);
        publisher.request();
    }

    /** Everything up to {@code lsn} is in local files that are in the layer map. */
    private void flushed(Lsn lsn, @Nullable Lsn previous) {
        descent.flushedTo(lsn, previous);
        diskConsistent.advance(lsn);
    }

    /**
     * What the object store is to have: layers, and how far they reach, that belong together. What was compacted since {@code
     * disk_consistent_lsn} moved may reach beyond an older one, so both are taken without a move in between.
     */
    Publisher.Snapshot toPublish() {
        while (true) {
            Descent.Described before = descent.described();
            TimelineMetadata metadata = before.metadata();
            TimelineMetadata next = metadata.withGcCutoff(Lsn.max(metadata.latestGcCutoffLsn(), history.cutoff()));
            // Before the layers: what becomes obsolete after this may still be among them.
            List<PersistentLayer> unnamed = obsolete.all();
            LayerMap<Layer> map = layers.snapshot();
            if (descent.described().equals(before)) {
                List<PersistentLayer> named = TimelineFiles.upTo(next.diskConsistentLsn(), map);
                return new Publisher.Snapshot(named, next, before.lineage(), unnamed);
            }
        }
    }

    /** An index part with this is in force. */
    void published(Publisher.Snapshot snapshot) {
        remoteConsistent.advance(snapshot.metadata().diskConsistentLsn());
        obsolete.drop(snapshot.unnamed());
    }

    Publisher publisher() {
        return publisher;
    }

    /** These layers are not in the layer map any more. */
    void becomeObsolete(List<PersistentLayer> removed) {
        obsolete.add(removed);
    }

    /** Whether a layer of this name was removed and may still be named in the index part. */
    boolean isObsolete(LayerName name) {
        return obsolete.all().stream().anyMatch(layer -> layer.name().equals(name));
    }

    /** The names of layers that were removed and may still be named in the index part. */
    List<LayerName> obsoleteNames() {
        return obsolete.all().stream().map(PersistentLayer::name).toList();
    }

    ReadableHistory history() {
        return history;
    }

    TimelineConfig config() {
        return engine.config();
    }

    DenseKeys denseKeys() {
        return engine.denseKeys();
    }
}
