package dev.palimpsest.storage.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.remote.RetryPolicy;
import dev.palimpsest.storage.remote.RetryingObjectStore;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.simulation.DiskFaults;
import dev.palimpsest.storage.simulation.ObjectStoreFaults;
import dev.palimpsest.storage.simulation.SimulatedDisk;
import dev.palimpsest.storage.simulation.SimulatedObjectStore;
import dev.palimpsest.storage.simulation.SimulatedProcess;
import dev.palimpsest.storage.simulation.Simulation;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import dev.palimpsest.storage.timeline.Engine;
import dev.palimpsest.storage.timeline.StoreSettings;
import dev.palimpsest.storage.timeline.TenantTimelines;
import dev.palimpsest.storage.timeline.TimelineConfig;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.nio.file.Path;
import java.time.Duration;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The whole store under random use, crashes and faults, each run from one seed. A failure names its seed and world; {@code
 * -Dpalimpsest.seed=N} runs just that seed, in all worlds.
 */
class StoreSimulationTest {
    private static final Logger LOG = LoggerFactory.getLogger(StoreSimulationTest.class);
    private static final TenantId TENANT = new TenantId(7, 7);
    private static final Path WORK = Path.of("/pageserver");

    /** What kind of world a seed is run in. */
    private enum World {
        CALM,
        CRASHES,
        FAULTS
    }

    private record Outcome(long digest, long steps, int reads, int writes) {}

    @Test
    void calmWorlds() {
        runMany(World.CALM, 20);
    }

    @Test
    void crashes() {
        runMany(World.CRASHES, 60);
    }

    @Test
    void crashesAndFaults() {
        runMany(World.FAULTS, 60);
    }

    @Test
    @Tag("long")
    void manyCalmWorlds() {
        runMany(World.CALM, 1_000);
    }

    @Test
    @Tag("long")
    void manyCrashes() {
        runMany(World.CRASHES, 4_000);
    }

    @Test
    @Tag("long")
    void manyCrashesAndFaults() {
        runMany(World.FAULTS, 4_000);
    }

    @Test
    void aSeedAlwaysDoesTheSame() throws Exception {
        for (World world : World.values()) {
            for (long seed = 1; seed <= 5; seed++) {
                assertThat(run(seed, world))
                        .as("seed %d in world %s", seed, world)
                        .isEqualTo(run(seed, world));
            }
        }
    }

    private static void runMany(World world, int seeds) {
        Long only = Long.getLong("palimpsest.seed");
        long began = System.nanoTime();
        long steps = 0;
        long reads = 0;
        for (long seed = only == null ? 1 : only; seed <= (only == null ? seeds : only); seed++) {
            try {
                Outcome outcome = run(seed, world);
                steps += outcome.steps();
                reads += outcome.reads();
            } catch (Exception | AssertionError e) {
                throw new AssertionError("-Dpalimpsest.seed=" + seed + " fails in world " + world + ": " + e, e);
            }
        }
        double minutes = (System.nanoTime() - began) / 60e9;
        LOG.info(
                "{} schedules of {} in {} s: {} a minute, {} steps and {} reads compared in each",
                seeds,
                world,
                Math.round(minutes * 60),
                Math.round(seeds / minutes),
                steps / seeds,
                reads / seeds);
    }

    private static Outcome run(long seed, World world) throws Exception {
        Simulation simulation = new Simulation(seed);
        SplittableRandom random = simulation.random("use");
        SimulatedDisk disk = simulation.newDisk("disk", diskFaults(world));
        SimulatedObjectStore objects = simulation.newObjectStore("objects", objectFaults(world));
        SimulatedStore model = new SimulatedStore(seed, random, world == World.FAULTS);
        simulation.run(() -> {
            int lives = world == World.CALM ? 2 : 4;
            for (int life = 0; life < lives; life++) {
                if (world != World.CALM) {
                    simulation.crashAtStep(simulation.steps() + random.nextLong(20, 3000));
                }
                int operations = random.nextInt(10, 60);
                SimulatedProcess process = simulation.start("life " + life, disk, environment -> {
                    try {
                        TenantTimelines store = load(environment, disk, objects);
                        model.live(environment, store, operations);
                    } catch (StorageException e) {
                        model.tolerate(e);
                    }
                });
                if (process.join() == SimulatedProcess.Ending.FAILED) {
                    process.joinSuccessfully();
                }
            }
            disk.misbehave(DiskFaults.NONE);
            objects.misbehave(ObjectStoreFaults.NONE);
            model.expectNoFaults();
            simulation.crashAtStep(Long.MAX_VALUE);
            simulation
                    .start(
                            "last look",
                            disk,
                            environment -> model.live(environment, load(environment, disk, objects), 20))
                    .joinSuccessfully();
        });
        return new Outcome(simulation.trace().digest(), simulation.steps(), model.reads(), model.writes());
    }

    private static DiskFaults diskFaults(World world) {
        return switch (world) {
            case CALM -> DiskFaults.NONE;
            case CRASHES -> DiskFaults.SLOW;
            case FAULTS ->
                DiskFaults.SLOW
                        .withFailingWrites(0.002, 0.01)
                        .withFailingReads(0.002)
                        .withFailingChanges(0.002);
        };
    }

    private static ObjectStoreFaults objectFaults(World world) {
        return switch (world) {
            case CALM -> ObjectStoreFaults.NONE;
            case CRASHES -> ObjectStoreFaults.SLOW;
            case FAULTS -> ObjectStoreFaults.SLOW.withFailing(0.05, 0.05).withLateEffects(0.05);
        };
    }

    private static TenantTimelines load(Environment environment, SimulatedDisk disk, SimulatedObjectStore objects)
            throws StorageException {
        StoreSettings settings = new StoreSettings(
                StoreSettings.DEFAULT.disk(),
                new TimelineConfig(2000, Duration.ofSeconds(5), 2, 0, 0, 100, Duration.ofMillis(10)),
                20_000,
                64 << 10,
                4,
                8 << 10,
                1 << 20,
                1,
                64 << 10);
        Engine engine = EmbeddedStore.engine(
                environment,
                disk,
                new RetryingObjectStore(objects, new RetryPolicy(3, 10_000_000, 100_000_000), environment),
                new AppendingRedo(),
                settings,
                new PrometheusRegistry());
        return TenantTimelines.load(engine, TENANT, new Generation(1), WORK, RequestContext.of(TaskKind.LIFECYCLE));
    }
}
