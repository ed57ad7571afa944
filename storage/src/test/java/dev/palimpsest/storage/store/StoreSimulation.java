package dev.palimpsest.storage.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.ShardIndex;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.compaction.FlushSettings;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.layer.residency.DownloadSettings;
import dev.palimpsest.storage.remote.ObjectStore;
import dev.palimpsest.storage.remote.RemotePaths;
import dev.palimpsest.storage.remote.RetryPolicy;
import dev.palimpsest.storage.remote.RetryingObjectStore;
import dev.palimpsest.storage.runtime.Cancellation;
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
import dev.palimpsest.storage.timeline.Timeline;
import dev.palimpsest.storage.timeline.TimelineConfig;
import dev.palimpsest.storage.timeline.UploadSettings;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;

/** One schedule of the whole store: several lives of a process, from one seed, and a last look without faults. */
final class StoreSimulation {
    private static final TenantId TENANT = new TenantId(7, 7);
    private static final Path WORK = Path.of("/pageserver");

    /** What kind of world a seed is run in. */
    enum World {
        /** Nothing goes wrong. */
        CALM,
        /** Everything is slow, and the power fails at any step. */
        CRASHES,
        /** The same, and disk and object store fail too. */
        FAULTS,
        /** The same, and a process goes on after the next one has started on a disk of its own. */
        SERVERS
    }

    /** What came of a schedule; equal for equal seeds. */
    record Outcome(
            long digest,
            long steps,
            int reads,
            int writes,
            int evictions,
            int detached,
            int archived,
            int leasedReads,
            int renewedLeases,
            int backgroundPieces,
            SimulatedUpkeep.Done upkeep) {}

    private StoreSimulation() {}

    /**
     * Runs seeds 1 to the number given, in every world, with several servers and with uploads that are not answered, until one
     * fails: then it prints which and why, and exits with 1. For a JVM of its own, in which some class is not what it should
     * be.
     */
    public static void main(String[] arguments) {
        for (long seed = 1; seed <= Long.parseLong(arguments[0]); seed++) {
            for (World world : World.values()) {
                orExit(seed, "in world " + world, each -> run(each, world));
            }
            orExit(seed, "with several servers", LivesSimulation::run);
            orExit(seed, "with unanswered uploads", UnansweredUploads::run);
        }
        System.out.println("nothing found");
    }

    private interface Schedule {
        void run(long seed) throws Exception;
    }

    private static void orExit(long seed, String where, Schedule schedule) {
        try {
            schedule.run(seed);
        } catch (Exception | Error e) {
            System.out.println("seed " + seed + " " + where + ": " + e);
            System.exit(1);
        }
    }

    static Outcome run(long seed, World world) throws Exception {
        Simulation simulation = new Simulation(seed);
        SplittableRandom random = simulation.random("use");
        SimulatedObjectStore objects = simulation.newObjectStore("objects", objectFaults(world));
        SimulatedStore model = new SimulatedStore(seed, random, hasFaults(world), world == World.SERVERS);
        simulation.run(() -> {
            SimulatedDisk disk = simulation.newDisk("disk", diskFaults(world));
            List<SimulatedProcess> processes = new ArrayList<>();
            int lives = world == World.CALM ? 1 : 3;
            for (int life = 0; life < lives; life++) {
                if (world != World.CALM) {
                    simulation.crashAtStep(simulation.steps() + random.nextLong(20, 1000));
                }
                if (life > 0 && (world == World.SERVERS || random.nextInt(3) == 0)) {
                    disk = simulation.newDisk("disk " + life, diskFaults(world)); // the machine is lost
                }
                processes.add(start(simulation, "life " + life, disk, objects, model, random.nextInt(5, 30)));
                if (world == World.SERVERS && life < lives - 1) {
                    simulation.environment().tasks().sleep(random.nextLong(5_000_000_000L), Cancellation.NEVER);
                } else {
                    join(processes);
                }
            }
            SimulatedDisk last = random.nextBoolean() ? disk : simulation.newDisk("last disk", DiskFaults.NONE);
            last.misbehave(DiskFaults.NONE);
            objects.misbehave(ObjectStoreFaults.NONE);
            model.expectNoFaults();
            simulation.crashAtStep(Long.MAX_VALUE);
            simulation
                    .start("last look", last, environment -> {
                        Map<TimelineId, Lsn> acknowledged = model.acknowledged();
                        model.live(environment, last, load(environment, last, objects), acknowledged, 20);
                    })
                    .joinSuccessfully();
            if (!hasFaults(world)) {
                simulation
                        .start("settle", last, environment -> {
                            TenantTimelines store = load(environment, last, objects);
                            model.settle(environment, store);
                            checkNothingUnneeded(store, objects.keys());
                        })
                        .joinSuccessfully();
            }
        });
        return new Outcome(
                simulation.trace().digest(),
                simulation.steps(),
                model.reads(),
                model.writes(),
                model.evictions(),
                model.detached(),
                model.archived(),
                model.leases.belowCutoff(),
                model.leases.renewed(),
                model.backgroundPieces(),
                model.upkeep());
    }

    /** The object store has the layers that index parts name, and no others; and of each timeline one index part. */
    private static void checkNothingUnneeded(TenantTimelines store, List<String> keys) {
        for (Timeline timeline : store.all()) {
            List<String> expected = new ArrayList<>();
            timeline.indexPart()
                    .layers()
                    .forEach((name, layer) ->
                            expected.add(name + layer.generation().suffix()));
            String prefix = RemotePaths.timeline(TENANT, ShardIndex.UNSHARDED, timeline.id());
            List<String> found = keys.stream()
                    .filter(key -> key.startsWith(prefix))
                    .map(key -> key.substring(prefix.length()))
                    .toList();
            assertThat(found)
                    .as("objects of %s", timeline.id())
                    .containsAll(expected)
                    .hasSize(expected.size() + 1);
        }
    }

    private static SimulatedProcess start(
            Simulation simulation,
            String name,
            SimulatedDisk disk,
            SimulatedObjectStore objects,
            SimulatedStore model,
            int operations) {
        return simulation.start(name, disk, environment -> {
            Map<TimelineId, Lsn> acknowledged = model.acknowledged();
            try {
                model.live(environment, disk, load(environment, disk, objects), acknowledged, operations);
            } catch (StorageException e) {
                model.tolerate(e);
            }
        });
    }

    private static void join(List<SimulatedProcess> processes) throws Exception {
        for (SimulatedProcess process : processes) {
            if (process.join() == SimulatedProcess.Ending.FAILED) {
                process.joinSuccessfully();
            }
        }
        processes.clear();
    }

    private static boolean hasFaults(World world) {
        return world == World.FAULTS || world == World.SERVERS;
    }

    private static DiskFaults diskFaults(World world) {
        return switch (world) {
            case CALM -> DiskFaults.NONE;
            case CRASHES -> DiskFaults.SLOW;
            case FAULTS, SERVERS ->
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
            case FAULTS, SERVERS ->
                ObjectStoreFaults.SLOW
                        .withFailing(0.05, 0.05)
                        .withLateEffects(0.05)
                        .withStaleListings(0.3, 20_000_000_000L)
                        .withDamagedLayers(0.05);
        };
    }

    /** Each life its own: never, of any layer, cut after few bytes, or where that is better. */
    private static Optional<FlushSettings> l1Flush(Environment environment) {
        return switch (environment.random().nextInt(4)) {
            case 0 -> Optional.empty();
            case 1 -> Optional.of(new FlushSettings(1, 1, 40_000, 50, 50, 1, 2));
            case 2 -> Optional.of(new FlushSettings(1, 2, 300, 50, 50, 1, 2));
            default -> Optional.of(new FlushSettings(300, 2, 40_000, 4, 6, 20, 4));
        };
    }

    static TenantTimelines load(Environment environment, SimulatedDisk disk, ObjectStore objects)
            throws StorageException {
        StoreSettings settings = new StoreSettings(
                StoreSettings.DEFAULT.disk(),
                new TimelineConfig(2000, Duration.ofSeconds(5), 2, 0, 0, 100, Duration.ofMillis(10))
                        .withL1Flush(l1Flush(environment)),
                20_000,
                64 << 10,
                4,
                8 << 10,
                1 << 20,
                1,
                64 << 10,
                4 << 10,
                new UploadSettings(3, 10_000, Duration.ofMillis(10)),
                new DownloadSettings(3, 2, 40_000),
                Optional.empty(),
                Optional.empty());
        Engine engine = EmbeddedStore.engine(
                environment,
                disk,
                new RetryingObjectStore(objects, new RetryPolicy(3, 10_000_000, 100_000_000), environment),
                new AppendingRedo(),
                settings,
                new PrometheusRegistry());
        return TenantTimelines.load(engine, TENANT, WORK, RequestContext.of(TaskKind.LIFECYCLE));
    }
}
