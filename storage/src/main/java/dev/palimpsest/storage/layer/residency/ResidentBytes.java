package dev.palimpsest.storage.layer.residency;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.runtime.Signal;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.concurrent.atomic.AtomicLong;

/**
 * How large the layer files on the local disk are, those of all timelines of a process together, and the bell that rings when
 * that is more than it may be: whoever evicts waits for it ({@link #awaitDemand}), looks, and says which ring it has answered
 * ({@link #answer}). Counts whole files under their names: not those that are being written or downloaded. Safe for use by
 * many threads.
 */
public final class ResidentBytes {
    private final long limit;
    private final Signal changed;
    private final AtomicLong bytes = new AtomicLong();
    private final AtomicLong demands = new AtomicLong();
    private final AtomicLong answered = new AtomicLong();

    /**
     * @param limit how much it may be, in bytes; {@link Long#MAX_VALUE} for any amount
     * @param changed a signal that nobody else uses
     * @param registry where {@code pageserver_resident_physical_size_global} is registered
     */
    public ResidentBytes(long limit, Signal changed, PrometheusRegistry registry) {
        this.limit = limit;
        this.changed = changed;
        GaugeWithCallback.builder()
                .name("pageserver_resident_physical_size_global")
                .help("Size of the layer files on the local disk.")
                .callback(callback -> callback.call((double) bytes.get()))
                .register(registry);
    }

    /** As of now. */
    public long bytes() {
        return bytes.get();
    }

    /** A file is here. */
    void came(long size) {
        bytes.addAndGet(size);
        demandIfAbove();
    }

    /** A file is here no more, or not this process's any more. */
    void went(long size) {
        bytes.addAndGet(-size);
    }

    /** A file that is here may be evicted from now on. */
    void mayGo() {
        demandIfAbove();
    }

    private void demandIfAbove() {
        if (bytes.get() > limit) {
            demands.incrementAndGet();
            changed.signalAll();
        }
    }

    /** How often somebody was asked to evict, so far. */
    public long demands() {
        return demands.get();
    }

    /** Waits until somebody is asked to evict, and has not been answered. */
    public void awaitDemand(RequestContext context) throws CancelledException, DeadlineExceededException {
        context.await(changed, () -> answered.get() < demands.get(), () -> "layer files above their limit");
    }

    /** What could be evicted is, as of when {@link #demands} was {@code demand}. */
    public void answer(long demand) {
        answered.accumulateAndGet(demand, Math::max);
        changed.signalAll();
    }

    /** Waits until there is room again, or all that could be done for it now has been. */
    void awaitRoom(RequestContext context) throws CancelledException, DeadlineExceededException {
        long mine = demands.get();
        context.await(
                changed,
                () -> bytes.get() <= limit || answered.get() >= mine,
                () -> "the eviction of layer files, which have " + bytes.get() + " bytes and may have " + limit);
    }
}
