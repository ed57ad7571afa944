package dev.palimpsest.storage.layer.residency;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.Gate;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.runtime.Signal;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One download of one layer, and those who wait for it: as many as like, each with its own deadline and cancellation. It
 * belongs to none of them and runs to its end whoever goes; only if all have gone before its turn has come, it is withdrawn.
 */
final class Download implements Residence, DownloadQueue.Job {
    private static final Logger LOG = LoggerFactory.getLogger(Download.class);

    /** Instead of a number of waiters: it is being withdrawn, and nobody may count on it. */
    private static final int WITHDRAWING = -1;

    private final StoredLayer layer;
    private final PersistentLayers owner;
    private final Gate.Guard guard;
    private final Signal signal;
    private final AtomicInteger waiters = new AtomicInteger();
    /** The most urgent of those who have asked. */
    private volatile TaskKind kind;

    private volatile boolean urgent;
    private volatile @Nullable Exception failure;

    /**
     * @param kind on behalf of which kind of task it is asked for first
     * @param guard being inside the gate of the owner, given up at the end
     */
    Download(StoredLayer layer, PersistentLayers owner, TaskKind kind, Gate.Guard guard) {
        this.layer = layer;
        this.owner = owner;
        this.kind = kind;
        this.guard = guard;
        this.signal = owner.newSignal();
        this.urgent = DownloadQueue.isUrgent(kind);
    }

    /** Gets in line; called once. */
    void begin() {
        owner.queue().enqueue(this, kind);
    }

    /**
     * Waits until it is over, however it ends.
     *
     * @throws StorageException why it failed, or why this request waits no longer
     */
    void await(RequestContext context) throws StorageException {
        boolean joined = join(context.taskKind());
        try {
            context.await(signal, this::isOver, () -> "the download of layer " + layer.remote());
        } finally {
            if (joined) {
                leave();
            }
        }
        Exception why = failure;
        if (joined && why != null) {
            throw failed(why);
        }
    }

    private boolean isOver() {
        return !layer.isAt(this);
    }

    private boolean join(TaskKind by) {
        boolean joined = waiters.getAndUpdate(n -> n == WITHDRAWING ? n : n + 1) != WITHDRAWING;
        if (joined && DownloadQueue.isUrgent(by)) {
            if (!urgent || by == TaskKind.PAGE_SERVICE) {
                kind = by;
            }
            if (!urgent) {
                urgent = true;
                owner.queue().raise(this);
            }
        }
        return joined;
    }

    private void leave() {
        if (waiters.decrementAndGet() == 0 && !isOver() && waiters.compareAndSet(0, WITHDRAWING)) {
            if (owner.queue().withdraw(this)) {
                over(AWAY);
            } else {
                waiters.set(0);
            }
        }
    }

    @Override
    public RemoteLayer layer() {
        return layer.remote();
    }

    @Override
    public PersistentLayers owner() {
        return owner;
    }

    @Override
    public boolean isCancelled() {
        return owner.cancellation().isCancelled();
    }

    @Override
    public boolean run(LongConsumer progress) {
        failure = new IllegalStateException("its task has ended before its time");
        Residence next = AWAY;
        try {
            RequestContext context = RequestContext.of(kind).withCancellation(owner.cancellation());
            owner.downloads().fetch(layer.remote(), layer.path(), progress, context);
            next = layer.fileHere();
            failure = null;
        } catch (CancelledException e) {
            failure = e;
        } catch (StorageException | RuntimeException e) {
            LOG.warn("download of layer {} to {}: {}", layer.remote(), layer.path(), e.getMessage());
            failure = e;
        } finally {
            over(next);
        }
        return next instanceof Here;
    }

    @Override
    public void dropped() {
        failure = new CancelledException("the timeline is shut down");
        over(AWAY);
    }

    private void over(Residence next) {
        try {
            layer.downloaded(this, next);
            signal.signalAll();
        } finally {
            guard.close();
        }
    }

    /** Says once more, to one of those who waited, what has happened. */
    private StorageException failed(Exception why) {
        String message = "layer " + layer.remote() + " could not be downloaded: " + why.getMessage();
        return switch (why) {
            case CorruptionException e -> new CorruptionException(e.resource(), e.offset(), message, e);
            case ObjectStoreException e ->
                new ObjectStoreException(
                        e.kind(), "download", layer.remote().toString(), String.valueOf(e.getMessage()), e);
            case DiskException e ->
                new DiskException(e.kind(), "download", layer.path().toString(), -1, -1, message, e);
            case CancelledException e -> new CancelledException(message, e);
            case DeadlineExceededException e -> new DeadlineExceededException(message, e);
            default -> throw new IllegalStateException(message, why);
        };
    }
}
