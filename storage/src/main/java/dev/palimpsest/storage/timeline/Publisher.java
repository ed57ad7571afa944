package dev.palimpsest.storage.timeline;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.Gate;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.index.IndexPart;
import dev.palimpsest.storage.index.TimelineMetadata;
import dev.palimpsest.storage.jobs.JobState;
import dev.palimpsest.storage.layer.LayerFileName;
import dev.palimpsest.storage.layer.LayerName;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.runtime.Signal;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the object store have what a timeline has: takes a snapshot of its layers and of how far they reach, uploads those that
 * are not there, makes an index part that names them the one in force, and only then says that it is so and deletes what no
 * index part names any more. What comes meanwhile is in the next snapshot, so one index part stands for any number of
 * requests. There is a task only while there is something to do.
 *
 * <pre>
 *   request ──► snapshot ─ upload layers ─ put index part ─ check the generation ─ acknowledge ─ delete ──► again, or idle
 *                  ▲            │ failed, may be tried again: pause, doubling             │ failed for good: the timeline
 *                  └────────────┴──────────────────────────────────────────               └─ takes no more writes
 * </pre>
 *
 * <p>Safe for use by many threads.
 */
final class Publisher {
    private static final Logger LOG = LoggerFactory.getLogger(Publisher.class);

    /** How many times the first pause the longest one is. */
    private static final int LONGEST_PAUSE = 64;

    /** How many failures in a row are told as a warning, the first time. */
    private static final int REPEATED = 3;

    /**
     * What is to be in the store.
     *
     * @param layers that the index part names; it names all of them and no others
     * @param metadata how far they reach
     * @param lineage what became of the ancestors
     * @param unnamed layers that it does not name, though the one before may
     */
    record Snapshot(
            List<PersistentLayer> layers,
            TimelineMetadata metadata,
            IndexPart.Lineage lineage,
            List<PersistentLayer> unnamed) {}

    private final Timeline timeline;
    private final Engine engine;
    private final TimelineIndex index;
    private final RemoteLayers remote;
    private final Cancellation cancellation;
    private final Gate gate;
    private final Signal progress;
    private final AtomicLong requested = new AtomicLong();
    private final AtomicBoolean running = new AtomicBoolean();
    private volatile long published;
    private volatile long backlogBytes;
    private volatile JobState state = JobState.WELL;
    private volatile @Nullable StorageException failure;

    Publisher(
            Timeline timeline,
            Engine engine,
            TimelineIndex index,
            RemoteLayers remote,
            Cancellation cancellation,
            Gate gate) {
        this.timeline = timeline;
        this.engine = engine;
        this.index = index;
        this.remote = remote;
        this.cancellation = cancellation;
        this.gate = gate;
        this.progress = engine.newSignal();
    }

    RemoteLayers remote() {
        return remote;
    }

    /** Asks that the store have what the timeline has now. Does not wait. */
    void request() {
        requested.incrementAndGet();
        startIfNeeded();
    }

    /**
     * Asks that the store have what the timeline has now, and waits for it.
     *
     * @throws InvalidRequestException if that will never be; the cause says why
     */
    void publish(RequestContext context) throws StorageException {
        long mine = requested.incrementAndGet();
        startIfNeeded();
        context.await(
                progress,
                () -> published >= mine || failure != null || cancellation.isCancelled(),
                () -> "the upload of timeline " + timeline.id());
        if (published >= mine) {
            return;
        }
        StorageException reason = failure;
        if (reason == null) {
            throw new CancelledException("timeline " + timeline.id() + " is shut down");
        }
        throw new InvalidRequestException(
                "timeline " + timeline.id() + " cannot be uploaded any more: " + reason.getMessage(), reason);
    }

    /** A layer was added that is not in the store yet. */
    void added(PersistentLayer layer) {
        changeBacklog(layer.size());
    }

    /** Waits while more bytes wait for their upload than may. */
    void awaitRoom(RequestContext context) throws StorageException {
        long most = engine.uploads().settings().maxBacklogBytes();
        context.await(
                progress,
                () -> backlogBytes < most || failure != null,
                () -> "the upload of " + backlogBytes + " bytes of timeline " + timeline.id());
    }

    /** How many bytes of layers are not in the store yet. */
    long backlogBytes() {
        return backlogBytes;
    }

    /** How uploads fare. */
    JobState state() {
        return state;
    }

    /** How many layers of those that the index part is to name are not in the store. */
    int missingLayers() {
        return remote.missing(timeline.toPublish().layers());
    }

    /** Housekeeping: goes on with deletions that had to wait. */
    void tick() {
        if (!running.get() && remote.hasUnneeded()) {
            request();
        }
    }

    /** Makes those who wait see that the timeline is shut down. */
    void wake() {
        progress.signalAll();
    }

    /** To be called once no task runs any more. */
    void close() {
        changeBacklog(-backlogBytes);
    }

    private synchronized void changeBacklog(long difference) {
        backlogBytes += difference;
        engine.uploads().backlogChanged(difference);
    }

    private void startIfNeeded() {
        if (hasWork() && running.compareAndSet(false, true)) {
            engine.environment().tasks().startOnOwnThread("upload " + timeline.id(), this::run);
        }
    }

    private boolean hasWork() {
        return failure == null && !cancellation.isCancelled() && published < requested.get();
    }

    private void run() {
        RequestContext context = new RequestContext(TaskKind.FLUSH, Clock.NEVER, cancellation);
        try (Gate.Guard _ = gate.enter()) {
            while (hasWork()) {
                long target = requested.get();
                publishWithRetries(context);
                published = target;
                progress.signalAll();
                deleteUnneeded(context);
            }
        } catch (StorageException e) {
            LOG.debug("upload of timeline {} ends: {}", timeline.id(), e.getMessage());
        } finally {
            running.set(false);
            progress.signalAll();
        }
        // A request may have come between the last look and the end.
        startIfNeeded();
    }

    private void publishWithRetries(RequestContext context) throws StorageException {
        long pause = engine.uploads().settings().retryPause().toNanos();
        long longestPause = LONGEST_PAUSE * pause;
        for (int failures = 1; ; failures++) {
            try {
                publishOnce(context);
                state = JobState.WELL;
                return;
            } catch (StorageException e) {
                context.checkCancelled();
                if (!e.isRetryable()) {
                    giveUp(e);
                    throw e;
                }
                tell(failures, e);
                engine.environment().tasks().sleep(pause, cancellation);
                pause = Math.min(longestPause, 2 * pause);
            } catch (RuntimeException e) {
                giveUp(new InvalidRequestException(
                        "upload of timeline " + timeline.id() + " failed unexpectedly: " + e, e));
                throw e;
            }
        }
    }

    private void tell(int failures, StorageException failure) {
        state = state.failed(String.valueOf(failure.getMessage()));
        if (failures >= REPEATED) {
            LOG.warn(
                    "upload of timeline {} has failed {} times in a row and is tried again; {} bytes wait: {}",
                    timeline.id(),
                    failures,
                    backlogBytes,
                    failure.getMessage());
        } else {
            LOG.info("upload of timeline {} failed and is tried again: {}", timeline.id(), failure.getMessage());
        }
    }

    private void giveUp(StorageException reason) {
        failure = reason;
        state = new JobState(state.failures() + 1, true, String.valueOf(reason.getMessage()));
        timeline.stopWrites(reason);
        progress.signalAll();
    }

    private void publishOnce(RequestContext context) throws StorageException {
        remote.look(named(index.current()), context);
        Snapshot snapshot = timeline.toPublish();
        remote.upload(snapshot.layers(), context);
        try (LayerUploads.Operation operation = engine.uploads().begin("index", "upload")) {
            index.publish(
                    part -> part.with(
                            TimelineFiles.metadataOf(snapshot.layers()), snapshot.metadata(), snapshot.lineage()),
                    context);
            operation.succeeded(0);
        }
        timeline.published(snapshot);
        snapshot.layers().forEach(PersistentLayer::uploaded);
        remote.forget(snapshot.unnamed());
        long missing = remote.missingBytes(timeline.toPublish().layers());
        changeBacklog(missing - backlogBytes);
    }

    private static List<LayerFileName> named(IndexPart part) {
        return part.layers().entrySet().stream()
                .map(layer -> new LayerFileName(
                        LayerName.parse(layer.getKey()), layer.getValue().generation()))
                .toList();
    }

    /** What cannot be deleted now costs space and nothing else: it is tried again after the next index part. */
    private void deleteUnneeded(RequestContext context) throws StorageException {
        try {
            remote.deleteUnneeded(context);
        } catch (StorageException e) {
            context.checkCancelled();
            LOG.info("objects of timeline {} are not deleted yet: {}", timeline.id(), e.getMessage());
        }
    }
}
