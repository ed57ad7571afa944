package dev.palimpsest.storage.day;

import dev.palimpsest.postgres.page.PageLayout;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.blob.BlobCompression;
import dev.palimpsest.storage.compaction.BackgroundCompaction;
import dev.palimpsest.storage.compaction.BackgroundHistory;
import dev.palimpsest.storage.compaction.BackgroundSettings;
import dev.palimpsest.storage.compaction.CompactionSettings;
import dev.palimpsest.storage.compaction.HistoryJobs;
import dev.palimpsest.storage.compaction.HistorySettings;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.eviction.BackgroundEviction;
import dev.palimpsest.storage.eviction.EvictionSettings;
import dev.palimpsest.storage.gc.BackgroundGc;
import dev.palimpsest.storage.jobs.JobPauses;
import dev.palimpsest.storage.remote.RetryPolicy;
import dev.palimpsest.storage.remote.RetryingObjectStore;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.Task;
import dev.palimpsest.storage.simulation.DiskFaults;
import dev.palimpsest.storage.simulation.ObjectStoreFaults;
import dev.palimpsest.storage.simulation.SimulatedDisk;
import dev.palimpsest.storage.simulation.SimulatedObjectStore;
import dev.palimpsest.storage.simulation.Simulation;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import dev.palimpsest.storage.timeline.Engine;
import dev.palimpsest.storage.timeline.StoreSettings;
import dev.palimpsest.storage.timeline.TenantTimelines;
import dev.palimpsest.storage.timeline.Timeline;
import dev.palimpsest.storage.timeline.TimelineConfig;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * Runs a day of {@linkplain DayWork mixed work} in simulated time, on a simulated disk and bucket, with all that works in the
 * background of a server: flushes, uploads, compaction, images, GC and eviction. Layers are of kilobytes and not of megabytes, in
 * the proportions of real ones. Requests to the bucket are slow, and some fail. Each page that is read is compared with the model.
 * The same seed gives the same numbers.
 */
public final class SimulatedDay {
    private static final TenantId TENANT = new TenantId(24, 24);
    private static final Path WORK = Path.of("/pageserver");

    /** Of an L0 layer, for each step of a PITR interval: so that there are some twenty in an interval. */
    private static final long L0_BYTES_PER_STEP = 48;

    private static final long LOCAL_BYTES_PER_STEP = 8192;
    /** How many pages an image layer has, for each step. Each counts as 8192 bytes, though it has 512. */
    private static final double IMAGES_PER_STEP = 0.25;

    /**
     * What is run.
     *
     * @param seed of everything that is drawn
     * @param length of the day
     * @param pitr how far back history is kept; GC, branches and tables have their turns by it
     * @param stepsPerInterval how often something is done in a PITR interval; the sizes of all that there is follow from it
     * @param sampleEvery how often is measured
     */
    public record Parameters(long seed, Duration length, Duration pitr, int stepsPerInterval, Duration sampleEvery) {
        /** Twenty-four hours of which one is kept, with work every ten seconds, measured every ten minutes. */
        public static final Parameters DEFAULT =
                new Parameters(1, Duration.ofHours(24), Duration.ofHours(1), 360, Duration.ofMinutes(10));

        /** The same from another seed. */
        public Parameters withSeed(long other) {
            return new Parameters(other, length, pitr, stepsPerInterval, sampleEvery);
        }

        /** The same for another time. */
        public Parameters withLength(Duration other) {
            return new Parameters(seed, other, pitr, stepsPerInterval, sampleEvery);
        }

        /** How large all layer files on the local disk may be together: less than what the bucket has. */
        public long maxLocalBytes() {
            return LOCAL_BYTES_PER_STEP * stepsPerInterval;
        }

        CompactionSettings compaction() {
            return new CompactionSettings(
                    5,
                    20 * l0Bytes(),
                    (long) (IMAGES_PER_STEP * stepsPerInterval * PageLayout.PAGE_SIZE),
                    5,
                    256,
                    new BlobCompression.Zstd(1));
        }

        HistorySettings history() {
            return new HistorySettings(20 * l0Bytes(), 50, 200 * l0Bytes(), 32);
        }

        long l0Bytes() {
            return L0_BYTES_PER_STEP * stepsPerInterval;
        }
    }

    /**
     * What was done in all.
     *
     * @param records written
     * @param reads compared with the model
     * @param branches made
     * @param dropped branches that were deleted
     * @param layersRemoved by GC
     * @param downloads of layers that were not on the disk
     */
    public record Done(long records, long reads, int branches, int dropped, int layersRemoved, int downloads) {}

    private final Parameters parameters;
    private final Simulation simulation;
    private final SimulatedDisk disk;
    private final SimulatedObjectStore bucket;
    private final PrometheusRegistry metrics = new PrometheusRegistry();
    private final Map<TimelineId, DayModel> models = new TreeMap<>();

    private SimulatedDay(
            Parameters parameters, Simulation simulation, SimulatedDisk disk, SimulatedObjectStore bucket) {
        this.parameters = parameters;
        this.simulation = simulation;
        this.disk = disk;
        this.bucket = bucket;
    }

    /** Runs it, and gives each measurement to {@code out} when it is made. */
    public static Done run(Parameters parameters, Consumer<DaySample> out) throws Exception {
        Simulation simulation = new Simulation(parameters.seed());
        SimulatedDisk disk = simulation.newDisk("disk", DiskFaults.SLOW);
        SimulatedObjectStore bucket =
                simulation.newObjectStore("bucket", ObjectStoreFaults.SLOW.withFailing(0.01, 0.01));
        SimulatedDay day = new SimulatedDay(parameters, simulation, disk, bucket);
        List<Done> done = new ArrayList<>();
        simulation.run(() -> simulation
                .start("day", disk, environment -> done.add(day.live(environment, out)))
                .joinSuccessfully());
        return done.getFirst();
    }

    private Done live(Environment environment, Consumer<DaySample> out) throws Exception {
        Engine engine = engine(environment);
        TenantTimelines tenant = TenantTimelines.load(engine, TENANT, WORK, RequestContext.of(TaskKind.LIFECYCLE));
        DayWork work = new DayWork(parameters, environment, tenant, simulation.random("work"), models);
        Cancellation over = new Cancellation();
        Task housekeeping = environment.tasks().start("housekeeping", () -> keepHouse(environment, tenant, over));
        try (BackgroundCompaction compaction = new BackgroundCompaction(
                        environment,
                        background(),
                        () -> tenant.all().stream().map(Timeline::upkeep).toList(),
                        metrics);
                BackgroundEviction _ = new BackgroundEviction(
                        environment,
                        eviction(),
                        disk,
                        WORK,
                        engine.downloads().resident(),
                        tenant::evictable,
                        metrics);
                BackgroundGc gc = new BackgroundGc(environment, work::collections, compaction::isBehind, metrics);
                BackgroundHistory _ = new BackgroundHistory(
                        environment,
                        Duration.ZERO,
                        Duration.ofSeconds(10),
                        work::histories,
                        compaction::isBehind,
                        new HistoryJobs(environment.clock()))) {
            DayMeasurements measurements = new DayMeasurements(disk, bucket, metrics, tenant, work, compaction, gc);
            long steps = parameters.length().dividedBy(parameters.sampleEvery());
            for (long step = 1; step <= steps; step++) {
                work.until(parameters.sampleEvery().multipliedBy(step));
                out.accept(measurements.take());
            }
            return work.done(measurements.downloads());
        } finally {
            over.cancel();
            housekeeping.join();
            tenant.shutdown(RequestContext.of(TaskKind.LIFECYCLE));
        }
    }

    private static void keepHouse(Environment environment, TenantTimelines tenant, Cancellation over)
            throws StorageException {
        while (!over.isCancelled()) {
            environment.tasks().sleep(Duration.ofSeconds(5).toNanos(), over);
            for (Timeline timeline : tenant.all()) {
                DayWork.unlessGone(tenant, timeline, () -> timeline.tick(RequestContext.of(TaskKind.LIFECYCLE)));
            }
        }
    }

    private BackgroundSettings background() {
        return new BackgroundSettings(
                parameters.compaction(),
                1,
                Duration.ofSeconds(10),
                2 * parameters.l0Bytes(),
                parameters.pitr().dividedBy(6),
                JobPauses.DEFAULT);
    }

    private EvictionSettings eviction() {
        return new EvictionSettings(
                Duration.ofMinutes(1),
                parameters.maxLocalBytes(),
                0,
                Optional.empty(),
                Optional.empty(),
                Duration.ofMinutes(1),
                parameters.l0Bytes(),
                1000);
    }

    private Engine engine(Environment environment) {
        StoreSettings like = StoreSettings.DEFAULT
                .withTimelines(new TimelineConfig(
                        parameters.l0Bytes(), parameters.pitr().dividedBy(6), 4, 0, 0, 256, Duration.ofMillis(100)))
                .withBackground(background())
                .withEviction(Optional.of(eviction()));
        StoreSettings settings = new StoreSettings(
                like.disk(),
                like.timelines(),
                16 * parameters.l0Bytes(),
                64 << 10,
                4,
                16 << 10,
                1 << 20,
                1,
                64 << 10,
                parameters.l0Bytes() / 4,
                like.uploads(),
                like.downloads(),
                like.background(),
                like.eviction());
        return EmbeddedStore.engine(
                environment,
                disk,
                new RetryingObjectStore(bucket, new RetryPolicy(5, 10_000_000, 100_000_000), environment),
                new SlotRedo(),
                settings,
                metrics,
                (timeline, lsn, _) ->
                        Objects.requireNonNull(models.get(timeline.id())).keys(lsn));
    }
}
