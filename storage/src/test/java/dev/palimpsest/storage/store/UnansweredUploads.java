package dev.palimpsest.storage.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.layer.memory.SerializedBatch;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.Task;
import dev.palimpsest.storage.simulation.DiskFaults;
import dev.palimpsest.storage.simulation.ObjectStoreFaults;
import dev.palimpsest.storage.simulation.SimulatedDisk;
import dev.palimpsest.storage.simulation.SimulatedObjectStore;
import dev.palimpsest.storage.simulation.Simulation;
import dev.palimpsest.storage.timeline.TenantTimelines;
import dev.palimpsest.storage.timeline.Timeline;
import dev.palimpsest.storage.timeline.TimelineWriter;
import dev.palimpsest.storage.value.Value;

/**
 * What random use hardly ever does: the object store answers no call for a while, so that every attempt at an upload fails,
 * whether it has had its effect or not. Then it answers again, and what is said to be durable must be there: another machine
 * reads it.
 */
final class UnansweredUploads {
    private static final TimelineId TIMELINE = new TimelineId(3, 3);
    private static final RequestContext CONTEXT = RequestContext.of(TaskKind.TOOL);
    private static final int LAYERS = 4;

    private UnansweredUploads() {}

    /** Plays it once. */
    static void run(long seed) throws Exception {
        Simulation simulation = new Simulation(seed);
        SimulatedObjectStore objects = simulation.newObjectStore("objects", ObjectStoreFaults.NONE);
        SimulatedDisk disk = simulation.newDisk("disk", DiskFaults.NONE);
        SimulatedDisk other = simulation.newDisk("other disk", DiskFaults.NONE);
        simulation.run(() -> {
            Environment environment = simulation.environment();
            TenantTimelines tenant = StoreSimulation.load(environment, disk, objects);
            Timeline timeline = tenant.create(TIMELINE, SimulatedStore.START, 17, CONTEXT);
            write(timeline, 0);
            timeline.freezeAndFlush(CONTEXT);
            for (int layer = 1; layer < LAYERS; layer++) {
                Lsn before = timeline.remoteConsistentLsn();
                objects.misbehave(ObjectStoreFaults.NONE.withFailing(1, 0));
                write(timeline, layer);
                Task flush = environment.tasks().start("flush", () -> timeline.freezeAndFlush(CONTEXT));
                environment.tasks().sleep(20_000_000_000L, Cancellation.NEVER);
                assertThat(timeline.diskConsistentLsn()).isEqualTo(lsn(layer));
                assertThat(timeline.remoteConsistentLsn()).as("seed %d", seed).isEqualTo(before);
                objects.misbehave(ObjectStoreFaults.NONE);
                flush.join();
                assertThat(flush.failure()).as("seed %d", seed).isEmpty();
                assertThat(timeline.remoteConsistentLsn()).isEqualTo(lsn(layer));
            }
            tenant.shutdown(CONTEXT);
            check(StoreSimulation.load(environment, other, objects), seed);
        });
    }

    private static Lsn lsn(int layer) {
        return SimulatedStore.START.plus(0x100L * layer);
    }

    private static Key key(int layer) {
        return Key.of(0, 1663, 5, 1000, 0, layer);
    }

    private static byte[] value(int layer) {
        return new byte[] {(byte) layer, 1, 2, 3};
    }

    private static void write(Timeline timeline, int layer) throws StorageException {
        SerializedBatch.Builder batch = new SerializedBatch.Builder();
        batch.put(key(layer), lsn(layer), new Value.Image(value(layer)));
        try (TimelineWriter writer = timeline.writer(CONTEXT)) {
            writer.put(batch.build());
            writer.finish(lsn(layer));
        }
    }

    private static void check(TenantTimelines tenant, long seed) throws StorageException {
        Timeline timeline = tenant.timeline(TIMELINE);
        for (int layer = 0; layer < LAYERS; layer++) {
            assertThat(timeline.get(key(layer), lsn(LAYERS - 1), CONTEXT))
                    .as("seed %d: layer %d", seed, layer)
                    .isEqualTo(value(layer));
        }
    }
}
