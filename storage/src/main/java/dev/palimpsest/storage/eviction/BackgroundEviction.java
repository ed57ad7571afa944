package dev.palimpsest.storage.eviction;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.file.Disk;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layer.residency.ResidentBytes;
import dev.palimpsest.storage.layermap.LayerVisibility;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.Task;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Gauge;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the local disk below its limits as long as it runs: looks at all layers of all timelines from time to time, and at once
 * when a layer that comes exceeds {@link EvictionSettings#maxLocalBytes}; has {@link EvictionPlanner} decide, and evicts. A
 * layer that is being read goes when that is over, if at all. A disk that cannot say how much room it has is taken to have
 * enough until it can. Safe for use by many threads.
 */
public final class BackgroundEviction implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(BackgroundEviction.class);

    /** A timeline whose layers may go. */
    public interface EvictableTimeline {
        /** Which timeline. */
        TimelineId id();

        /** Its layers that are files, here or not, by whether reads of the present, and of branches, may need them. */
        LayerVisibility<PersistentLayer> persistentLayers();
    }

    /**
     * What one look has brought.
     *
     * @param layers how many layers are gone
     * @param bytes how large they were
     * @param postponed how many go when they are read no more
     * @param missingBytes by how much limits are exceeded when all of these are gone; 0 if they are kept
     */
    public record Outcome(int layers, long bytes, int postponed, long missingBytes) {}

    private final Environment environment;
    private final EvictionSettings settings;
    private final Disk disk;
    private final Path directory;
    private final ResidentBytes resident;
    private final Supplier<? extends Collection<? extends EvictableTimeline>> timelines;
    private final Cancellation cancellation = new Cancellation();
    private final Counter evictions;
    private final Counter pressureLayers;
    private final Counter pressureBytes;
    private final Gauge missingBytes;
    private volatile long toldNanos;
    private final Task task;

    /**
     * Starts.
     *
     * @param directory whose file system is to have room
     * @param resident rings when there is more than {@link EvictionSettings#maxLocalBytes}
     * @param timelines those of the moment, whenever it is asked
     * @param registry where metrics are registered
     */
    public BackgroundEviction(
            Environment environment,
            EvictionSettings settings,
            Disk disk,
            Path directory,
            ResidentBytes resident,
            Supplier<? extends Collection<? extends EvictableTimeline>> timelines,
            PrometheusRegistry registry) {
        this.environment = environment;
        this.settings = settings;
        this.disk = disk;
        this.directory = directory;
        this.resident = resident;
        this.timelines = timelines;
        this.toldNanos = environment.clock().nanos() - settings.period().toNanos();
        this.evictions = Counter.builder()
                .name("pageserver_evictions")
                .help("Layers that were evicted from the local disk, by why.")
                .labelNames("reason")
                .register(registry);
        this.pressureLayers = Counter.builder()
                .name("pageserver_disk_usage_based_eviction_evicted_layers_total")
                .help("Layers that were evicted because the disk, or what they may take of it, was full.")
                .register(registry);
        this.pressureBytes = Counter.builder()
                .name("pageserver_disk_usage_based_eviction_evicted_bytes_total")
                .help("Size of the layers that were evicted because the disk, or what they may take of it, was full.")
                .register(registry);
        this.missingBytes = Gauge.builder()
                .name("palimpsest_eviction_missing_bytes")
                .help("By how much limits of the local disk are exceeded by what cannot be evicted.")
                .register(registry);
        this.task = environment.tasks().start("eviction", this::work);
    }

    private void work() {
        while (!cancellation.isCancelled()) {
            awaitTurn();
            if (!cancellation.isCancelled()) {
                try {
                    evictOnce();
                } catch (RuntimeException e) {
                    LOG.error("eviction has failed, and is tried again in {}", settings.period(), e);
                }
            }
        }
    }

    private void awaitTurn() {
        long deadline = environment.clock().nanos() + settings.period().toNanos();
        try {
            resident.awaitDemand(new RequestContext(TaskKind.LIFECYCLE, deadline, cancellation));
        } catch (DeadlineExceededException | CancelledException e) {
            LOG.trace("nobody has asked for eviction: {}", e.getMessage());
        }
    }

    /** Looks once, and evicts what is due; stops between two layers when this is closed. May be called beside the task. */
    public Outcome evictOnce() {
        long demand = resident.demands();
        try {
            return look();
        } finally {
            resident.answer(demand);
        }
    }

    private Outcome look() {
        List<EvictionPlanner.Candidate<PersistentLayer>> candidates = candidates();
        EvictionPlanner.Situation situation =
                new EvictionPlanner.Situation(usableBytes(), environment.clock().nanos());
        EvictionPlan<PersistentLayer> plan = EvictionPlanner.plan(candidates, situation, settings);
        int layers = 0;
        long bytes = 0;
        int postponed = 0;
        for (EvictionPlan.Step<PersistentLayer> step : plan.steps()) {
            if (cancellation.isCancelled()) {
                break;
            }
            switch (step.layer().evict()) {
                case EVICTED -> {
                    layers++;
                    bytes += step.bytes();
                    count(step);
                }
                case WHEN_IDLE -> postponed++;
                case NOT_RESIDENT, NOT_UPLOADED -> LOG.debug("layer {} changed before its eviction", step.layer());
            }
        }
        missingBytes.set((double) plan.missingBytes());
        tell(plan.missingBytes());
        return new Outcome(layers, bytes, postponed, plan.missingBytes());
    }

    /** Not at every look: they may come with every layer. */
    private void tell(long missing) {
        long now = environment.clock().nanos();
        if (missing > 0 && now - toldNanos >= settings.period().toNanos()) {
            toldNanos = now;
            LOG.warn(
                    "layer files exceed their limits by {} bytes that cannot be evicted now: they are not in the object"
                            + " store yet, or too many for one time",
                    missing);
        }
    }

    private void count(EvictionPlan.Step<PersistentLayer> step) {
        evictions.labelValues(step.reason().toString()).inc();
        if (step.reason() == EvictionPlan.Reason.PRESSURE) {
            pressureLayers.inc();
            pressureBytes.inc(step.bytes());
        }
    }

    private List<EvictionPlanner.Candidate<PersistentLayer>> candidates() {
        List<EvictionPlanner.Candidate<PersistentLayer>> candidates = new ArrayList<>();
        for (EvictableTimeline timeline : timelines.get()) {
            LayerVisibility<PersistentLayer> layers = timeline.persistentLayers();
            layers.visible().forEach(layer -> add(candidates, timeline, layer, true));
            layers.covered().forEach(layer -> add(candidates, timeline, layer, false));
        }
        return candidates;
    }

    private static void add(
            List<EvictionPlanner.Candidate<PersistentLayer>> candidates,
            EvictableTimeline timeline,
            PersistentLayer layer,
            boolean visible) {
        PersistentLayer.Residency residency = layer.residency();
        if (residency.resident()) {
            candidates.add(new EvictionPlanner.Candidate<>(
                    layer,
                    timeline.id(),
                    layer.size(),
                    layer.kind(),
                    visible,
                    residency.uploaded(),
                    residency.usedNanos()));
        }
    }

    private long usableBytes() {
        if (settings.minFreeBytes() == 0) {
            return Long.MAX_VALUE;
        }
        try {
            return disk.space(directory).usableBytes();
        } catch (DiskException e) {
            LOG.warn("it is not known how much room there is on the disk: {}", e.getMessage());
            return Long.MAX_VALUE;
        }
    }

    /** Stops, and waits for what is running; it stops at the next opportunity. */
    @Override
    public void close() {
        cancellation.cancel();
        task.join();
    }
}
