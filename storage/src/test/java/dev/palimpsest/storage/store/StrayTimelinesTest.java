package dev.palimpsest.storage.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.layer.memory.SerializedBatch;
import dev.palimpsest.storage.remote.ByteRange;
import dev.palimpsest.storage.remote.ListRequest;
import dev.palimpsest.storage.remote.Listing;
import dev.palimpsest.storage.remote.ObjectInfo;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.ObjectSink;
import dev.palimpsest.storage.remote.ObjectSource;
import dev.palimpsest.storage.remote.ObjectStore;
import dev.palimpsest.storage.remote.PutCondition;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.simulation.DiskFaults;
import dev.palimpsest.storage.simulation.ObjectStoreFaults;
import dev.palimpsest.storage.simulation.SimulatedDisk;
import dev.palimpsest.storage.simulation.SimulatedObjectStore;
import dev.palimpsest.storage.simulation.SimulatedProcess;
import dev.palimpsest.storage.simulation.Simulation;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import dev.palimpsest.storage.timeline.StoreSettings;
import dev.palimpsest.storage.timeline.TenantPresence;
import dev.palimpsest.storage.timeline.TenantTimelines;
import dev.palimpsest.storage.timeline.Timeline;
import dev.palimpsest.storage.timeline.TimelineWriter;
import dev.palimpsest.storage.value.Value;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A server that ends while it deletes or creates a timeline, after each change to the object store: the next one tidies up. */
class StrayTimelinesTest {
    private static final RequestContext CONTEXT = RequestContext.of(TaskKind.TOOL);
    private static final TimelineId OTHER = new TimelineId(1, 1);
    private static final TimelineId ID = new TimelineId(1, 2);
    private static final Key KEY = Key.of(0, 1663, 5, 1000, 0, 0);
    private static final long START = 0x1000;
    private static final int LAYERS = 3;

    /** How a crash showed. */
    private enum Outcome {
        NOTHING_HAPPENED,
        THERE,
        TIDIED_UP,
        FINISHED
    }

    private interface Change {
        void make(TenantTimelines tenant) throws StorageException;
    }

    /** A store that changes some more times, once it is told to, and then answers nobody any more. */
    private static final class EndingStore implements ObjectStore {
        private final ObjectStore store;
        private int left = Integer.MAX_VALUE;

        EndingStore(ObjectStore store) {
            this.store = store;
        }

        private void checkThere() throws ObjectStoreException {
            if (left < 0) {
                throw new ObjectStoreException(ObjectStoreException.Kind.REFUSED, "use", "all", "the process is gone");
            }
        }

        private void change() throws ObjectStoreException {
            left = Math.max(-1, left - 1);
            checkThere();
        }

        @Override
        public Set<Capability> capabilities() {
            return store.capabilities();
        }

        @Override
        public ObjectInfo put(ObjectKey key, ObjectSource source, PutCondition condition, RequestContext context)
                throws StorageException {
            change();
            return store.put(key, source, condition, context);
        }

        @Override
        public ObjectInfo copy(ObjectKey from, ObjectKey to, RequestContext context) throws StorageException {
            change();
            return store.copy(from, to, context);
        }

        @Override
        public ObjectInfo get(ObjectKey key, ByteRange range, ObjectSink sink, RequestContext context)
                throws StorageException {
            checkThere();
            return store.get(key, range, sink, context);
        }

        @Override
        public Optional<ObjectInfo> head(ObjectKey key, RequestContext context) throws StorageException {
            checkThere();
            return store.head(key, context);
        }

        @Override
        public Listing list(ListRequest request, RequestContext context) throws StorageException {
            checkThere();
            return store.list(request, context);
        }

        @Override
        public void delete(ObjectKey key, RequestContext context) throws StorageException {
            change();
            store.delete(key, context);
        }

        @Override
        public void deleteAll(Collection<ObjectKey> keys, RequestContext context) throws StorageException {
            for (ObjectKey key : keys) {
                delete(key, context);
            }
        }
    }

    private static void write(Timeline timeline) throws StorageException {
        for (int i = 1; i <= LAYERS; i++) {
            Lsn lsn = new Lsn(START + 8L * i);
            try (TimelineWriter writer = timeline.writer(CONTEXT)) {
                SerializedBatch.Builder batch = new SerializedBatch.Builder();
                batch.put(KEY, lsn, new Value.Image(new byte[] {(byte) i}));
                writer.put(batch.build());
                writer.finish(lsn);
            }
            timeline.freezeAndFlush(CONTEXT);
        }
    }

    private static void assertWhole(Timeline timeline) throws StorageException {
        for (int i = 1; i <= LAYERS; i++) {
            assertThat(timeline.get(KEY, new Lsn(START + 8L * i), CONTEXT)).isEqualTo(new byte[] {(byte) i});
        }
    }

    private static boolean hasObjects(SimulatedObjectStore objects) {
        return objects.keys().stream().anyMatch(key -> key.contains(ID.toString()));
    }

    private interface Life {
        void live(Environment environment, SimulatedDisk disk) throws Exception;
    }

    /** One server, on a machine of its own, to its end. */
    private static void life(Simulation simulation, String name, Life life) throws Exception {
        SimulatedDisk disk = simulation.newDisk(name, DiskFaults.NONE);
        SimulatedProcess process = simulation.start(name, disk, environment -> life.live(environment, disk));
        process.joinSuccessfully();
    }

    private static Outcome run(Change before, Change change, int changes) throws Exception {
        Simulation simulation = new Simulation(1);
        SimulatedObjectStore objects = simulation.newObjectStore("objects", ObjectStoreFaults.NONE);
        Outcome[] outcome = {Outcome.FINISHED};
        simulation.run(() -> {
            life(simulation, "first", (environment, disk) -> {
                TenantTimelines tenant = StoreSimulation.load(environment, disk, objects);
                write(tenant.create(OTHER, new Lsn(START), 17, CONTEXT));
                before.make(tenant);
                tenant.shutdown(CONTEXT);
            });
            List<String> untouched = objects.keys();
            life(simulation, "second", (environment, disk) -> {
                EndingStore ending = new EndingStore(objects);
                TenantTimelines tenant = StoreSimulation.load(environment, disk, ending);
                ending.left = changes;
                try {
                    change.make(tenant);
                } catch (StorageException e) {
                    assertThat(e).hasMessageContaining("the process is gone");
                    outcome[0] = Outcome.NOTHING_HAPPENED;
                }
            });
            boolean hadObjects = hasObjects(objects);
            life(simulation, "third", (environment, disk) -> {
                TenantTimelines tenant = StoreSimulation.load(environment, disk, objects);
                assertWhole(tenant.timeline(OTHER));
                boolean isThere =
                        tenant.all().stream().anyMatch(each -> each.id().equals(ID));
                assertThat(hasObjects(objects))
                        .as("after %s changes: objects of the timeline, if it is there", changes)
                        .isEqualTo(isThere);
                if (isThere && untouched.stream().anyMatch(key -> key.contains(ID.toString()))) {
                    assertWhole(tenant.timeline(ID));
                }
                if (outcome[0] != Outcome.FINISHED) {
                    outcome[0] = isThere ? Outcome.THERE : hadObjects ? Outcome.TIDIED_UP : Outcome.NOTHING_HAPPENED;
                }
                tenant.shutdown(CONTEXT);
            });
        });
        return outcome[0];
    }

    /** How often the next server had to tidy up. */
    private static int crashAfterEachChange(Change before, Change change) throws Exception {
        int tidied = 0;
        for (int changes = 0; ; changes++) {
            Outcome outcome = run(before, change, changes);
            if (outcome == Outcome.FINISHED) {
                return tidied;
            }
            tidied += outcome == Outcome.TIDIED_UP ? 1 : 0;
        }
    }

    @Test
    void aDeletionIsFinishedByTheNextServer() throws Exception {
        int tidied = crashAfterEachChange(
                tenant -> write(tenant.create(ID, new Lsn(START), 17, CONTEXT)), tenant -> tenant.delete(ID, CONTEXT));
        assertThat(tidied).as("crashes that left objects of it").isGreaterThan(LAYERS);
    }

    @Test
    void aTimelineThatNeverCountedGoesAgain() throws Exception {
        int tidied = crashAfterEachChange(tenant -> {}, tenant -> tenant.create(ID, new Lsn(START), 17, CONTEXT));
        assertThat(tidied).isOne();
    }

    @Test
    void whatIsNotOfAnEarlierLifeStays() throws Exception {
        Simulation simulation = new Simulation(1);
        SimulatedObjectStore objects = simulation.newObjectStore("objects", ObjectStoreFaults.NONE);
        String folder = "tenants/00000000000000070000000000000007/timelines/" + ID + "/";
        List<String> others = List.of(
                folder + "index_part.json", folder + "index_part.json-000000ff", folder + "notes", folder + "a/b");
        String own = folder + "index_part.json-00000001";
        simulation.run(() -> {
            life(
                    simulation,
                    "first",
                    (environment, disk) ->
                            StoreSimulation.load(environment, disk, objects).shutdown(CONTEXT));
            for (String key : others) {
                put(objects, key);
            }
            put(objects, own);
            life(
                    simulation,
                    "second",
                    (environment, disk) ->
                            StoreSimulation.load(environment, disk, objects).shutdown(CONTEXT));
            assertThat(objects.keys()).containsAll(others).doesNotContain(own);
        });
    }

    @Test
    void aTenantIsDesertedOnceNothingIsLeft(@TempDir Path directory) throws Exception {
        TenantId id = TenantId.parse("00000000000000070000000000000007");
        Path index;
        byte[] bytes;
        try (EmbeddedStore store = open(directory)) {
            TenantTimelines tenant = store.tenant(id, CONTEXT);
            tenant.create(ID, new Lsn(START), 17, CONTEXT);
            index = indexPart(directory);
            bytes = Files.readAllBytes(index);
            tenant.delete(ID, CONTEXT);
        }
        try (EmbeddedStore store = open(directory)) {
            assertThat(store.presence(id, CONTEXT)).isEqualTo(TenantPresence.DESERTED);
        }
        Files.createDirectories(Objects.requireNonNull(index.getParent()));
        Files.write(index, bytes); // as if its deletion had not come
        try (EmbeddedStore store = open(directory)) {
            assertThat(store.presence(id, CONTEXT)).isEqualTo(TenantPresence.PRESENT);
            assertThat(store.tenant(id, CONTEXT).all()).isEmpty();
            assertThat(index).doesNotExist();
        }
        try (EmbeddedStore store = open(directory)) {
            assertThat(store.presence(id, CONTEXT)).isEqualTo(TenantPresence.DESERTED);
        }
    }

    private static EmbeddedStore open(Path directory) throws StorageException {
        return EmbeddedStore.open(directory, StoreSettings.DEFAULT, new AppendingRedo());
    }

    private static Path indexPart(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            return files.filter(file -> file.endsWith("index_part.json-00000001"))
                    .findFirst()
                    .orElseThrow();
        }
    }

    private static void put(SimulatedObjectStore objects, String key) throws StorageException {
        objects.put(
                new ObjectKey(key),
                ObjectSource.of("{}".getBytes(StandardCharsets.UTF_8)),
                PutCondition.ALWAYS,
                CONTEXT);
    }
}
