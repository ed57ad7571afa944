package dev.palimpsest.storage.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.Task;
import dev.palimpsest.storage.simulation.DiskFaults;
import dev.palimpsest.storage.simulation.ObjectStoreFaults;
import dev.palimpsest.storage.simulation.SimulatedDisk;
import dev.palimpsest.storage.simulation.SimulatedObjectStore;
import dev.palimpsest.storage.simulation.SimulatedProcess;
import dev.palimpsest.storage.simulation.Simulation;
import dev.palimpsest.storage.timeline.TenantTimelines;
import dev.palimpsest.storage.timeline.Timeline;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Several servers that all believe they own a tenant, on one object store that fails, answers late and lists what is no more:
 * each starts when it likes, is killed or goes on after another has started. They create and delete timelines and note words
 * in their index parts. In the end every word that was acknowledged is there, whoever took it.
 */
final class LivesSimulation {
    private static final int SERVERS = 3;
    private static final long LATEST_EFFECT_NANOS = 60_000_000_000L;

    private final Simulation simulation;
    private final SplittableRandom random;
    private final SimulatedObjectStore objects;
    private final Map<TimelineId, Expected> expected = new TreeMap<>();
    private boolean faults = true;
    private int words;
    private int acknowledged;

    /** What was acknowledged of a timeline. */
    private static final class Expected {
        final TreeSet<String> words = new TreeSet<>();
        boolean created;
        boolean mayBeDeleted;
        boolean deleted;
    }

    private LivesSimulation(long seed) {
        this.simulation = new Simulation(seed);
        this.random = simulation.random("use");
        this.objects = simulation.newObjectStore(
                "objects",
                ObjectStoreFaults.SLOW
                        .withFailing(0.05, 0.05)
                        .withLateEffects(random.nextBoolean() ? 0 : 0.1)
                        .withStaleListings(0.5, 20_000_000_000L));
    }

    /** Runs a seed; how much was acknowledged. */
    static int run(long seed) throws Exception {
        LivesSimulation lives = new LivesSimulation(seed);
        lives.simulation.run(lives::run);
        return lives.acknowledged;
    }

    private void run() throws Exception {
        List<Task> servers = new ArrayList<>();
        for (int i = 0; i < SERVERS; i++) {
            String name = "server " + i;
            servers.add(simulation.environment().tasks().start(name, () -> server(name)));
        }
        for (Task server : servers) {
            server.join();
            if (server.failure().isPresent()) {
                throw new AssertionError(server.failure().get());
            }
        }
        objects.misbehave(ObjectStoreFaults.NONE);
        faults = false;
        simulation.environment().tasks().sleep(LATEST_EFFECT_NANOS, Cancellation.NEVER);
        SimulatedDisk disk = simulation.newDisk("last", DiskFaults.NONE);
        simulation
                .start("last look", disk, environment -> look(load(environment, disk)))
                .joinSuccessfully();
    }

    /** A machine: one life after the other on a disk that is lost between them. */
    private void server(String name) throws Exception {
        for (int life = random.nextInt(1, 4); life > 0; life--) {
            // Often at the same moment, so that they contend for the same generation.
            long pauseNanos = random.nextBoolean() ? 1 : random.nextLong(3_000_000_000L);
            simulation.environment().tasks().sleep(pauseNanos, Cancellation.NEVER);
            SimulatedDisk disk = simulation.newDisk(name + " " + life, DiskFaults.NONE);
            SimulatedProcess process = simulation.start(name + " " + life, disk, environment -> {
                try {
                    use(environment, load(environment, disk));
                } catch (StorageException e) {
                    tolerate(e);
                }
            });
            if (random.nextInt(3) == 0) {
                simulation.environment().tasks().sleep(random.nextLong(4_000_000_000L), Cancellation.NEVER);
                process.kill();
            }
            if (process.join() == SimulatedProcess.Ending.FAILED) {
                process.joinSuccessfully();
            }
        }
    }

    private void tolerate(StorageException failure) throws StorageException {
        if (!faults) {
            throw failure;
        }
    }

    private TenantTimelines load(Environment environment, SimulatedDisk disk) throws StorageException {
        return StoreSimulation.load(environment, disk, objects);
    }

    private static RequestContext context() {
        return RequestContext.of(TaskKind.TOOL);
    }

    private void use(Environment environment, TenantTimelines tenant) throws Exception {
        List<Task> tasks = new ArrayList<>();
        int tasksAtOnce = random.nextInt(1, 4);
        for (int i = 0; i < tasksAtOnce; i++) {
            tasks.add(environment.tasks().start("use " + i, () -> {
                for (int step = random.nextInt(1, 12); step > 0; step--) {
                    environment.tasks().sleep(random.nextLong(400_000_000L), Cancellation.NEVER);
                    try {
                        step(tenant);
                    } catch (StorageException e) {
                        tolerate(e);
                    }
                }
            }));
        }
        for (Task task : tasks) {
            task.join();
            if (task.failure().isPresent()) {
                throw new AssertionError(task.failure().get());
            }
        }
    }

    private void step(TenantTimelines tenant) throws StorageException {
        List<Timeline> all = tenant.all();
        int what = random.nextInt(8);
        if (all.isEmpty() || what == 0) {
            TimelineId id = new TimelineId(simulation.seed(), expected.size() + 1);
            Expected timeline = new Expected();
            expected.put(id, timeline);
            tenant.create(id, new Lsn(0x1000), 17, context());
            timeline.created = true;
        } else if (what == 1) {
            TimelineId id = all.get(random.nextInt(all.size())).id();
            Expected timeline = expected(id);
            timeline.mayBeDeleted = true;
            tenant.delete(id, context());
            timeline.deleted = true;
        } else {
            Timeline timeline = all.get(random.nextInt(all.size()));
            String word = "w" + ++words + ".";
            timeline.updateState(state -> state.withExtension(with(state.extension(), word)), context());
            expected(timeline.id()).words.add(word);
            acknowledged++;
        }
    }

    private Expected expected(TimelineId id) {
        return Objects.requireNonNull(expected.get(id), () -> "timeline " + id + " came from nowhere");
    }

    private static String with(@Nullable String json, String word) {
        return json == null ? "{\"words\":\"" + word + "\"}" : json.replace("\"}", " " + word + "\"}");
    }

    private void look(TenantTimelines tenant) {
        Map<TimelineId, Timeline> found = new TreeMap<>();
        tenant.all().forEach(timeline -> found.put(timeline.id(), timeline));
        assertThat(objects.keys())
                .as("the objects, if there are timelines %s only", found.keySet())
                .allMatch(key -> !key.contains("/timelines/")
                        || found.keySet().stream().anyMatch(id -> key.contains(id.toString())));
        expected.forEach((id, timeline) -> {
            if (timeline.deleted) {
                assertThat(found).as("%s was deleted", id).doesNotContainKey(id);
            } else if (timeline.created && !timeline.mayBeDeleted) {
                assertThat(found).as("%s was created", id).containsKey(id);
            }
            Timeline there = found.get(id);
            if (there != null && !timeline.words.isEmpty()) {
                assertThat(there.indexPart().state().extension())
                        .as("what was noted in %s", id)
                        .contains(timeline.words);
            }
        });
    }
}
