package dev.palimpsest.storage.timeline;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.Gate;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.layer.memory.InMemoryLayer;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.Signal;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes the frozen layers of a timeline out, oldest first, one at a time; there is a task only while there is something
 * to do.
 *
 * <pre>
 *   idle ── request ──► running: flush the oldest frozen layer, again and again ── none left ──► idle
 *                          │ failed, may be tried again: pause, doubling           │ failed for good: the timeline takes
 *                          └───────────────────────────────────────────────        └─ no more writes
 * </pre>
 */
final class FlushLoop {
    private static final Logger LOG = LoggerFactory.getLogger(FlushLoop.class);

    private final Timeline timeline;
    private final Supplier<TimelineConfig> config;
    private final Environment environment;
    private final Cancellation cancellation;
    private final Gate gate;
    private final Signal progress;
    private final AtomicReference<Lsn> requested;
    private final AtomicBoolean running = new AtomicBoolean();
    private volatile @Nullable StorageException failure;

    FlushLoop(
            Timeline timeline,
            Supplier<TimelineConfig> config,
            Environment environment,
            Cancellation cancellation,
            Gate gate,
            Lsn flushed) {
        this.timeline = timeline;
        this.config = config;
        this.environment = environment;
        this.cancellation = cancellation;
        this.gate = gate;
        this.progress = environment.tasks().newSignal();
        this.requested = new AtomicReference<>(flushed);
    }

    /** Asks that everything frozen, up to {@code lsn} inclusive, be flushed. Does not wait. */
    void request(Lsn lsn) {
        requested.accumulateAndGet(lsn, Lsn::max);
        startIfNeeded();
    }

    private void startIfNeeded() {
        if (hasWork() && running.compareAndSet(false, true)) {
            environment.tasks().startOnOwnThread("flush " + timeline.id(), this::run);
        }
    }

    private boolean hasWork() {
        return failure == null
                && !cancellation.isCancelled()
                && timeline.diskConsistentLsn().isBefore(requested.get());
    }

    private void run() {
        RequestContext context = new RequestContext(TaskKind.FLUSH, Clock.NEVER, cancellation);
        try (Gate.Guard _ = gate.enter()) {
            while (hasWork()) {
                flushWithRetries(context);
            }
        } catch (StorageException e) {
            LOG.debug("flush of timeline {} ends: {}", timeline.id(), e.getMessage());
        } finally {
            running.set(false);
        }
        // A request may have come between the last look and the end.
        startIfNeeded();
    }

    private void flushWithRetries(RequestContext context) throws StorageException {
        long pause = config.get().flushRetryPause().toNanos();
        long longestPause = 32 * pause;
        while (true) {
            try {
                flushOldest(context);
                return;
            } catch (StorageException e) {
                context.checkCancelled();
                if (!e.isRetryable()) {
                    giveUp(e);
                    throw e;
                }
                LOG.warn("flush of timeline {} failed and is tried again: {}", timeline.id(), e.getMessage());
                environment.tasks().sleep(pause, cancellation);
                pause = Math.min(longestPause, 2 * pause);
            } catch (RuntimeException e) {
                giveUp(new InvalidRequestException(
                        "flush of timeline " + timeline.id() + " failed unexpectedly: " + e, e));
                throw e;
            }
        }
    }

    private void flushOldest(RequestContext context) throws StorageException {
        awaitFewerL0(context, config.get().l0StallThreshold());
        timeline.publisher().awaitRoom(context);
        long began = environment.clock().nanos();
        InMemoryLayer oldest = timeline.oldestFrozen();
        timeline.flush(
                oldest, oldest == null ? requested.get() : oldest.lsnEnd().minus(1), context);
        timeline.operations().ended(OperationMetrics.Operation.LAYER_FLUSH, began);
        progress.signalAll();
        long flushed = environment.clock().nanos();
        pauseIfManyL0(flushed - began, context);
        timeline.operations().ended(OperationMetrics.Operation.LAYER_FLUSH_DELAY, flushed);
    }

    private void giveUp(StorageException reason) {
        failure = reason;
        timeline.stopWrites(reason);
        progress.signalAll();
    }

    private boolean fewerL0Than(int threshold) {
        return threshold == 0
                || timeline.upkeep().isFailing()
                || timeline.layerSet().snapshot().l0Layers().size() < threshold;
    }

    private void awaitFewerL0(RequestContext context, int threshold)
            throws CancelledException, DeadlineExceededException {
        context.await(progress, () -> fewerL0Than(threshold), () -> "fewer than " + threshold + " L0 layers");
    }

    /** Halves the throughput while there are many L0 layers; ends early when there are fewer. */
    private void pauseIfManyL0(long nanos, RequestContext context) throws CancelledException {
        try {
            awaitFewerL0(
                    context.withDeadline(environment.clock().nanos() + nanos),
                    config.get().l0DelayThreshold());
        } catch (DeadlineExceededException e) {
            LOG.debug("timeline {} has many L0 layers: {}", timeline.id(), e.getMessage());
        }
    }

    /** To be called when there are fewer L0 layers, or fewer frozen ones. */
    void layersChanged() {
        progress.signalAll();
    }

    /** Waits until fewer than the configured number of frozen layers wait. */
    void awaitRoom(RequestContext context) throws StorageException {
        context.await(
                progress,
                () -> failure != null
                        || timeline.layerSet().snapshot().frozenLayers().size()
                                < config.get().maxFrozenLayers(),
                () -> "the flush of frozen layers of timeline " + timeline.id());
    }
}
