package dev.palimpsest.storage.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.context.Mutex;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.file.WritableFile;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.ObjectSource;
import dev.palimpsest.storage.remote.PutCondition;
import dev.palimpsest.storage.remote.RetryPolicy;
import dev.palimpsest.storage.remote.RetryingObjectStore;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.Task;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The same seed gives the same run, whatever threads and the machine do. */
class DeterminismTest {
    private static final int WRITERS = 5;
    private static final int APPENDS = 20;

    @Test
    void sameSeedSameTrace() throws Exception {
        Set<Long> digests = new HashSet<>();
        for (long seed = 0; seed < 60; seed++) {
            Simulation first = run(seed);
            Simulation second = run(seed);
            assertThat(second.trace().digest())
                    .as("seed %d:%n%s", seed, first.trace().tail(20))
                    .isEqualTo(first.trace().digest());
            assertThat(second.steps()).isEqualTo(first.steps());
            digests.add(first.trace().digest());
        }
        assertThat(digests).as("different seeds differ").hasSize(60);
    }

    /** Two hundred times what the normal suite does, and the price of it: a thousand schedules are to take well under a minute. */
    @Test
    @Tag("long")
    void manySeeds() throws Exception {
        for (long seed = 0; seed < 2_000; seed++) {
            Simulation first = run(seed);
            assertThat(run(seed).trace().digest())
                    .as("seed %d", seed)
                    .isEqualTo(first.trace().digest());
        }
    }

    @Test
    void anotherFaultLeavesTheStreamsOfOthersAlone() {
        Simulation simulation = new Simulation(7);
        long schedule = simulation.random("schedule").nextLong();
        simulation.random("disk writes").nextLong();
        assertThat(simulation.random("schedule").nextLong()).isEqualTo(schedule);
        assertThat(new Simulation(8).random("schedule").nextLong()).isNotEqualTo(schedule);
    }

    /** Tasks that append, wait for each other, sleep, upload and die, twice, on one disk. */
    private static Simulation run(long seed) throws Exception {
        Simulation simulation = new Simulation(seed);
        DiskFaults faults = DiskFaults.SLOW.withFailingWrites(0.01, 0.01).withFailingChanges(0.01);
        SimulatedDisk disk = simulation.newDisk("disk", faults);
        SimulatedObjectStore objects =
                simulation.newObjectStore("objects", ObjectStoreFaults.SLOW.withFailing(0.1, 0.1));
        simulation.crashAtStep(50 + seed * 5);
        simulation.run(() -> {
            for (int life = 0; life < 3; life++) {
                Path directory = Path.of("/life" + life);
                SimulatedProcess process = simulation.start(
                        "life" + life, disk, environment -> work(environment, disk, directory, objects));
                assertThat(process.join()).isNotEqualTo(SimulatedProcess.Ending.FAILED);
            }
        });
        return simulation;
    }

    private static void work(
            Environment environment, SimulatedDisk disk, Path directory, SimulatedObjectStore objects) {
        RequestContext context = RequestContext.of(TaskKind.INGEST);
        Mutex mutex = new Mutex("turn", environment.tasks().newSignal());
        RetryingObjectStore store =
                new RetryingObjectStore(objects, new RetryPolicy(10, 1_000_000, 1_000_000_000), environment);
        List<Task> writers = new ArrayList<>();
        for (int i = 0; i < WRITERS; i++) {
            int writer = i;
            writers.add(environment.tasks().start("writer" + i, () -> {
                disk.createDirectories(directory);
                Path path = directory.resolve("file" + writer);
                try (WritableFile file = disk.create(path)) {
                    for (int n = 0; n < APPENDS; n++) {
                        try (Mutex.Held _ = mutex.acquire(context)) {
                            file.write(
                                    n * 100L,
                                    ByteBuffer.allocate(100)
                                            .putLong(environment.random().nextLong())
                                            .clear());
                        }
                        environment.tasks().sleep(environment.random().nextLong(1_000_000), Cancellation.NEVER);
                    }
                    file.sync();
                    disk.syncDirectory(directory);
                }
                store.put(
                        new ObjectKey(directory.getFileName() + "/file" + writer),
                        ObjectSource.of(disk.open(path), APPENDS * 100L),
                        PutCondition.ALWAYS,
                        context);
            }));
        }
        for (Task writer : writers) {
            writer.join();
            assertThat(writer.failure())
                    .satisfiesAnyOf(
                            failure -> assertThat(failure).isEmpty(),
                            failure -> assertThat(failure).get().isInstanceOf(DiskException.class));
        }
    }
}
