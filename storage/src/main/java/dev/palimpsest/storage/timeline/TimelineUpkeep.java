package dev.palimpsest.storage.timeline;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.blob.BlobCompression;
import dev.palimpsest.storage.compaction.BackgroundCompaction;
import dev.palimpsest.storage.compaction.CompactionReport;
import dev.palimpsest.storage.compaction.CompactionSettings;
import dev.palimpsest.storage.compaction.HistoryPlanner;
import dev.palimpsest.storage.compaction.HistoryReport;
import dev.palimpsest.storage.compaction.HistoryRun;
import dev.palimpsest.storage.compaction.HistorySettings;
import dev.palimpsest.storage.compaction.HistoryTimeline;
import dev.palimpsest.storage.compaction.ImageCreation;
import dev.palimpsest.storage.compaction.L0Compaction;
import dev.palimpsest.storage.compaction.L0Planner;
import dev.palimpsest.storage.compaction.RetainedHistory;
import dev.palimpsest.storage.context.Gate;
import dev.palimpsest.storage.context.Mutex;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.gc.CollectedTimeline;
import dev.palimpsest.storage.gc.GarbageCollection;
import dev.palimpsest.storage.gc.GcInputs;
import dev.palimpsest.storage.gc.GcReport;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.DeltaLayerName;
import dev.palimpsest.storage.layer.ImageLayerName;
import dev.palimpsest.storage.layer.Layer;
import dev.palimpsest.storage.layer.LayerName;
import dev.palimpsest.storage.layer.LsnRange;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layer.ReconstructState;
import dev.palimpsest.storage.layer.delta.DeltaLayerWriter;
import dev.palimpsest.storage.layer.image.ImageLayerWriter;
import dev.palimpsest.storage.layermap.LayerMap;
import dev.palimpsest.storage.layermap.LayerMapEditor;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Compaction and GC of one timeline: one run at a time, whichever it is, and none once the timeline is shut down. Safe for use
 * by many threads. Reads and writes go on meanwhile.
 */
public final class TimelineUpkeep implements BackgroundCompaction.Work {
    /** How many keys with long chains are remembered. */
    private static final int MAX_LONG_CHAINS = 4096;

    private final Timeline timeline;
    private final TimelineFiles files;
    private final Gate gate;
    private final Mutex running;
    private final LiveSettings settings;
    private final Target target = new Target();
    /** Keys with long chains of records, and an LSN after which an image shortens them. */
    private final NavigableMap<Key, Lsn> longChains = new ConcurrentSkipListMap<>();

    private final UsedNames usedNames = new UsedNames();
    /** What is done of the compaction of history; the mutex's. */
    private HistoryRun historyRun = new HistoryRun(target);

    private volatile boolean failing;

    TimelineUpkeep(Timeline timeline, TimelineFiles files, Gate gate, Mutex running, LiveSettings settings) {
        this.timeline = timeline;
        this.files = files;
        this.gate = gate;
        this.running = running;
        this.settings = settings;
    }

    @Override
    public TimelineId id() {
        return timeline.id();
    }

    @Override
    public TenantId tenant() {
        return files.tenant();
    }

    @Override
    public CompactionSettings settings(CompactionSettings ofServer) {
        return settings.compaction(ofServer);
    }

    @Override
    public int l0Layers() {
        return timeline.layers().l0Layers().size();
    }

    @Override
    public Lsn diskConsistentLsn() {
        return timeline.diskConsistentLsn();
    }

    /** Whether the last compaction of L0 layers failed. Then many L0 layers stall no flush: nobody would end the stall. */
    boolean isFailing() {
        return failing;
    }

    /** Replaces the oldest L0 layers by L1 layers; every version is kept. Durable on return. */
    @Override
    public CompactionReport compactL0(CompactionSettings settings, L0Planner.Trigger trigger, RequestContext context)
            throws StorageException {
        boolean done = false;
        try (Gate.Guard _ = gate.enter();
                Mutex.Held _ = exclusively(context);
                Measured _ = new Measured(OperationMetrics.Operation.COMPACT)) {
            L0Compaction.Result result = new L0Compaction(target, settings, context).run(trigger);
            remember(result.longChains());
            done = true;
            return result.report();
        } finally {
            failing = !done;
            timeline.flushLoop().layersChanged();
        }
    }

    /** Makes images of these keys when images are made next: {@link #longChains()}. */
    void remember(SortedMap<Key, Lsn> more) {
        int room = MAX_LONG_CHAINS - longChains.size(); // which goes through all of them
        for (Map.Entry<Key, Lsn> chain : more.entrySet()) {
            boolean isNew = longChains.replace(chain.getKey(), chain.getValue()) == null;
            if (isNew && room-- > 0) {
                longChains.put(chain.getKey(), chain.getValue());
            }
        }
    }

    /**
     * Makes image layers as of {@code disk_consistent_lsn} where they are due. Durable on return.
     *
     * @param yield asked now and then: whether to stop and let more urgent work go first
     */
    public CompactionReport createImages(
            CompactionSettings settings, ImageCreation.DenseKeys keys, BooleanSupplier yield, RequestContext context)
            throws StorageException {
        try (Gate.Guard _ = gate.enter();
                Mutex.Held _ = exclusively(context);
                Measured _ = new Measured(OperationMetrics.Operation.CREATE_IMAGES)) {
            NavigableMap<Key, Lsn> chains = new TreeMap<>(longChains);
            CompactionReport report = new ImageCreation(target, settings, context).run(keys, chains, yield);
            if (report.outcome() != CompactionReport.Outcome.YIELDED) {
                chains.forEach(longChains::remove);
            }
            return report;
        }
    }

    @Override
    public CompactionReport createImages(CompactionSettings settings, BooleanSupplier yield, RequestContext context)
            throws StorageException {
        DenseKeys keys = timeline.denseKeys();
        return createImages(settings, (lsn, inner) -> keys.of(timeline, lsn, inner), yield, context);
    }

    /** How many keys are known to need images, as far as compaction has come by. */
    @Override
    public int longChains() {
        return longChains.size();
    }

    /**
     * As {@link TenantTimelines#collectGarbage}, which has seen to that nothing below the cutoff is read any more. Removes nothing
     * while the index part says that GC is blocked.
     *
     * @param inputs asked once nothing else runs
     */
    GcReport collectGarbage(Supplier<GcInputs> inputs, GarbageCollection.Mode mode, RequestContext context)
            throws StorageException {
        try (Gate.Guard _ = gate.enter();
                Mutex.Held _ = exclusively(context);
                Measured _ = new Measured(OperationMetrics.Operation.GC)) {
            GcInputs retained = inputs.get();
            return timeline.indexPart().state().gcBlocking() == null
                    ? new GarbageCollection(target, context).run(retained, mode)
                    : new GcReport(retained.cutoff(), 0, 0, Map.of());
        }
    }

    /** How long something takes that is not waiting for its turn. */
    private final class Measured implements AutoCloseable {
        private final OperationMetrics.Operation operation;
        private final long begin = timeline.operations().begin();

        Measured(OperationMetrics.Operation operation) {
            this.operation = operation;
        }

        @Override
        public void close() {
            timeline.operations().ended(operation, begin);
        }
    }

    /** Whether so much has come below the cutoff since the last time that its history should be compacted. */
    public boolean isHistoryDue(HistorySettings settings) {
        return HistoryPlanner.isDue(
                timeline.layers(), layer -> ((PersistentLayer) layer).size(), historyCutoff(), compactedTo(), settings);
    }

    /** What is above it, compaction of history leaves alone: the GC cutoff, unless that is not durable yet. Never goes back. */
    public Lsn historyCutoff() {
        return Lsn.min(timeline.gcCutoffLsn(), timeline.diskConsistentLsn());
    }

    private Lsn compactedTo() {
        Lsn lsn = timeline.indexPart().state().gcCompactedLsn();
        return lsn == null ? Lsn.INVALID : lsn;
    }

    /**
     * Rewrites what the timeline has below its GC cutoff, so that it keeps what LSNs need that can be read: by itself, or by those
     * that descend from it. Durable on return; if it throws or stops, what was done so far is, and the next call goes on there.
     *
     * <p>It owns the timeline's layers for one piece at a time. Between two, GC and other compaction of the timeline may come in, and
     * go first if they wait. A piece that follows GC finds the layers that are left then; of what it may give up it looks again at
     * what is retained, and takes that together with what was retained when the call began, when all waited for have come in.
     *
     * @param tenant the timeline's
     * @param yield asked now and then: whether to stop and let more urgent work go first
     * @param done told what each piece did, once it is durable
     */
    public HistoryReport compactHistory(
            TenantTimelines tenant,
            CompactionSettings compaction,
            HistorySettings settings,
            BooleanSupplier yield,
            Consumer<HistoryReport> done,
            RequestContext context)
            throws StorageException {
        RetainedReads reads = tenant.retainedReads();
        HistoryReport report = HistoryReport.NOTHING;
        try (Gate.Guard _ = gate.enter()) {
            reads.publishCutoffs(timeline, context);
            // In this order: what begins to be retained after the cutoff was looked at is above it.
            Lsn cutoff = historyCutoff();
            RetainedHistory before = reads.of(timeline);
            timeline.history().awaitReaders(context);
            reads.awaitDescendants(timeline, context);
            Lsn upTo = null;
            while (upTo == null) {
                try (Mutex.Held _ = alone(running.acquireAfterOthers(context), context);
                        Measured _ = new Measured(OperationMetrics.Operation.COMPACT_HISTORY)) {
                    if (timeline.indexPart().state().gcBlocking() != null) {
                        historyRun = new HistoryRun(target); // layers of ancestors may come
                        return report.ended(CompactionReport.Outcome.YIELDED);
                    }
                    // What is not retained any more since then may still be read.
                    RetainedHistory retained = before.and(reads.of(timeline));
                    HistoryReport piece = historyRun.next(compaction, settings, cutoff, retained, context);
                    report = report.plus(piece);
                    done.accept(piece);
                    if (historyRun.isDone()) {
                        usedNames.forgetUpTo(
                                retained.spans().isEmpty()
                                        ? cutoff
                                        : Lsn.min(
                                                cutoff,
                                                retained.spans().getFirst().from()));
                        upTo = historyRun.upTo();
                        historyRun = new HistoryRun(target);
                    }
                }
                if (upTo == null && yield.getAsBoolean()) {
                    return report.ended(CompactionReport.Outcome.YIELDED);
                }
            }
            Lsn reached = upTo;
            if (reached.isAfter(compactedTo())) {
                timeline.updateState(state -> state.gcCompactedTo(reached), context);
            }
            return report;
        } finally {
            timeline.flushLoop().layersChanged();
        }
    }

    /** Waits until what runs now has ended. */
    void awaitIdle(RequestContext context) throws StorageException {
        exclusively(context).close();
    }

    /** Keeps compaction and GC from running, until it is closed. */
    Mutex.Held exclusively(RequestContext context) throws StorageException {
        return alone(running.acquire(context), context);
    }

    private Mutex.Held alone(Mutex.Held alone, RequestContext context) throws StorageException {
        boolean done = false;
        try {
            target.endReplacement(context);
            done = true;
            return alone;
        } finally {
            if (!done) {
                alone.close();
            }
        }
    }

    /** The timeline, as those who work on its layers see it. */
    private final class Target implements HistoryTimeline, CollectedTimeline {
        @Override
        public TimelineId id() {
            return timeline.id();
        }

        @Override
        public LayerMap<Layer> layers() {
            return timeline.layers();
        }

        @Override
        public Lsn diskConsistentLsn() {
            return timeline.diskConsistentLsn();
        }

        @Override
        public Lsn gcCutoffLsn() {
            return timeline.gcCutoffLsn();
        }

        @Override
        public DeltaLayerWriter newDeltaLayer(Key keyStart, LsnRange lsns) throws StorageException {
            return files.deltaWriter(keyStart, lsns);
        }

        @Override
        public PersistentLayer finish(DeltaLayerWriter writer, Key keyStart, Key keyEnd, LsnRange lsns)
                throws StorageException {
            DeltaLayerName name = new DeltaLayerName(new KeyRange(keyStart, keyEnd), lsns);
            removeStray(name);
            return files.finish(writer, name);
        }

        @Override
        public ImageLayerWriter newImageLayer(ImageLayerName name, BlobCompression compression)
                throws StorageException {
            return files.imageWriter(name, compression);
        }

        @Override
        public PersistentLayer finish(ImageLayerWriter writer, ImageLayerName name) throws StorageException {
            removeStray(name);
            return files.finish(writer, name.keyRange().end());
        }

        @Override
        public Lsn inheritedUpTo() {
            Timeline.@Nullable BranchPoint branch = timeline.branchPoint();
            return branch == null ? Lsn.INVALID : branch.lsn();
        }

        @Override
        public boolean isTaken(LayerName name) {
            return timeline.layers().contains(name) || timeline.isObsolete(name) || usedNames.contains(name);
        }

        @Override
        public @Nullable LsnRange unused(LsnRange wanted) {
            Stream<LayerName> present =
                    timeline.layers().historicLayers().map(layer -> ((PersistentLayer) layer).name());
            return usedNames.unused(wanted, inheritedUpTo(), present);
        }

        @Override
        public byte[] rebuild(Key key, List<ReconstructState.Version> versions) throws StorageException {
            ReconstructState state = new ReconstructState();
            for (ReconstructState.Version version : versions.reversed()) {
                state.add(key, version.lsn(), version.value());
            }
            return new Reconstruction(
                            files.engine().redo(),
                            timeline.pgVersion(),
                            versions.getLast().lsn(),
                            () -> "what compaction has read",
                            Reconstruction.Images.SHARED,
                            byte[]::new,
                            null)
                    .value(key, state.keys().get(key));
        }

        @Override
        public void replaceHistory(List<PersistentLayer> added, List<PersistentLayer> removed, RequestContext context)
                throws StorageException {
            usedNames.add(removed);
            timeline.layerSet().beginReplacement(added, removed);
            added.forEach(timeline.publisher()::added);
            timeline.publisher().request(); // flushes may have to wait for their upload, and it for nobody who reads
            endReplacement(context);
            timeline.flushLoop().layersChanged();
        }

        /** Waits for those who read what was replaced, if anybody may, and gives it up. */
        void endReplacement(RequestContext context) throws StorageException {
            if (timeline.layerSet().isReplacing()) {
                timeline.history().awaitReaders(context);
                timeline.becomeObsolete(timeline.layerSet().endReplacement());
            }
        }

        /** Deletes what an earlier run that failed has left under this name and could not delete. */
        private void removeStray(LayerName name) throws DiskException {
            if (timeline.layers().contains(name) || timeline.isObsolete(name)) {
                throw new IllegalStateException("timeline " + timeline.id() + " has a layer " + name + " already");
            }
            files.deleteLayer(name);
        }

        @Override
        public void readImages(KeySpace keys, Lsn lsn, ImageSink sink, RequestContext context) throws StorageException {
            for (Map.Entry<Key, KeyResult> entry :
                    timeline.getVectored(keys, lsn, context).entrySet()) {
                switch (entry.getValue()) {
                    case KeyResult.Found(byte[] bytes) -> sink.put(entry.getKey(), bytes);
                    case KeyResult.Failed(StorageException reason) -> throw reason;
                }
            }
        }

        @Override
        public int maxKeysPerRead() {
            return timeline.config().maxGetVectoredKeys();
        }

        @Override
        public void syncDirectory() throws DiskException {
            files.syncDirectory();
        }

        @Override
        public void swap(List<PersistentLayer> added, List<PersistentLayer> removed) {
            timeline.layerSet().update(map -> {
                LayerMapEditor<Layer> edit = map.edit();
                removed.forEach(edit::remove);
                added.forEach(edit::add);
                return edit.apply();
            });
            usedNames.add(removed);
            timeline.becomeObsolete(removed);
            added.forEach(timeline.publisher()::added);
            timeline.flushLoop().layersChanged();
        }

        @Override
        public void remove(List<PersistentLayer> layers) {
            historyRun.layersRemoved();
            swap(List.of(), layers);
        }

        @Override
        public void publish(RequestContext context) throws StorageException {
            timeline.publisher().publish(context);
        }

        @Override
        public void awaitReaders(RequestContext context) throws StorageException {
            timeline.history().awaitReaders(context);
        }

        @Override
        public void checkRunning(RequestContext context) throws CancelledException {
            context.checkCancelled();
            timeline.checkRunning();
        }
    }
}
