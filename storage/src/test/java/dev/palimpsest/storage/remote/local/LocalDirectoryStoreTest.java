package dev.palimpsest.storage.remote.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.file.Disk;
import dev.palimpsest.storage.file.ForwardingDisk;
import dev.palimpsest.storage.file.ReadableFile;
import dev.palimpsest.storage.file.WritableFile;
import dev.palimpsest.storage.remote.ListRequest;
import dev.palimpsest.storage.remote.Listing;
import dev.palimpsest.storage.remote.ObjectInfo;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.ObjectSource;
import dev.palimpsest.storage.remote.ObjectStore;
import dev.palimpsest.storage.remote.ObjectStoreContract;
import dev.palimpsest.storage.remote.PutCondition;
import dev.palimpsest.storage.remote.RetryPolicy;
import dev.palimpsest.storage.remote.RetryingObjectStore;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.simulation.DiskFaults;
import dev.palimpsest.storage.simulation.InSimulation;
import dev.palimpsest.storage.simulation.SimulatedDisk;
import dev.palimpsest.storage.simulation.SimulatedProcess;
import dev.palimpsest.storage.simulation.Simulation;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class LocalDirectoryStoreTest extends ObjectStoreContract {
    private static final RequestContext CONTEXT = RequestContext.of(TaskKind.FLUSH);
    private static final Path ROOT = Path.of("/data/objects");
    private static final int CLIENTS = 3;
    private static final int CALLS = 6;

    @RegisterExtension
    private final InSimulation world = new InSimulation(13);

    private final SimulatedDisk disk = world.simulation().newDisk("disk", DiskFaults.SLOW);
    private @Nullable ObjectStore store;

    @Override
    protected ObjectStore store() throws StorageException {
        if (store == null) {
            store = LocalDirectoryStore.open(disk, ROOT);
        }
        return store;
    }

    @Test
    void aDurableFileIsLinked() throws Exception {
        Path file = Path.of("/data/layer");
        disk.createDirectories(Path.of("/data"));
        try (WritableFile written = disk.create(file)) {
            written.write(0, ByteBuffer.wrap(new byte[] {1, 2, 3}));
            written.sync();
        }
        long free = disk.usedBytes();
        ObjectKey key = new ObjectKey("a/layer");
        try (ReadableFile read = disk.open(file)) {
            for (int i = 0; i < 2; i++) { // a second put of the same finds it there
                store().put(key, ObjectSource.ofDurable(read, 3), PutCondition.ALWAYS, CONTEXT);
                assertThat(disk.usedBytes()).isEqualTo(free);
                assertThat(disk.list(ROOT.resolve(".tmp"))).isEmpty();
            }
        }
        disk.delete(file);
        disk.syncDirectory(Path.of("/data"));
        assertThat(store().read(key, 10, CONTEXT).bytes()).containsExactly(1, 2, 3);
    }

    @Test
    void aListingReadsADirectoryOnceHoweverManyPagesItHas() throws Exception {
        for (int i = 0; i < 60; i++) {
            putByte("a/b/" + i);
            putByte("a/c-" + i);
        }
        for (ListRequest request : List.of(ListRequest.all(""), ListRequest.all("a/c"), ListRequest.one("a/"))) {
            assertThat(readsOfDirectories(request.withLimit(3)))
                    .as("%s", request)
                    .isEqualTo(readsOfDirectories(request))
                    .isLessThan(5);
        }
    }

    @Test
    void aListingThatOthersCrowdOutGoesOnAllTheSame() throws Exception {
        for (int i = 10; i < 30; i++) {
            putByte("a/" + i);
        }
        List<Listing> first = new ArrayList<>();
        for (int limit = 1; limit <= 8; limit++) {
            first.add(store().list(ListRequest.all("").withLimit(limit), CONTEXT));
        }
        for (Listing page : first) {
            Listing next =
                    store().list(ListRequest.all("").withAfter(page.next().orElseThrow()), CONTEXT);
            assertThat(page.objects().size() + next.objects().size()).isEqualTo(20);
        }
    }

    private void putByte(String key) throws Exception {
        store().put(new ObjectKey(key), ObjectSource.of(new byte[1]), PutCondition.ALWAYS, CONTEXT);
    }

    private long readsOfDirectories(ListRequest first) throws Exception {
        long before = world.simulation().steps();
        Optional<String> after = Optional.empty();
        do {
            after = store().list(after.map(first::withAfter).orElse(first), CONTEXT)
                    .next();
        } while (after.isPresent());
        return world.simulation().steps() - before;
    }

    /** The first attempt gives the object its name and fails to sync it; the retry finds it there. */
    @Test
    void retriedConditionalPutIsDurableThoughASyncFailed() throws Exception {
        for (long seed = 1; seed < 100; seed++) {
            Simulation simulation = new Simulation(seed);
            SimulatedDisk disk = simulation.newDisk("disk", DiskFaults.NONE.withFailingWrites(0, 0.5));
            Environment environment = simulation.environment();
            ObjectStore store = new RetryingObjectStore(
                    LocalDirectoryStore.open(disk, ROOT), new RetryPolicy(100, 1, 1), environment);
            ObjectKey key = new ObjectKey("a");
            simulation.run(() -> {
                store.put(key, ObjectSource.of(new byte[] {1}), PutCondition.IF_ABSENT, CONTEXT);
                disk.crash();
                assertThat(store.head(key, CONTEXT))
                        .as("seed %d", simulation.seed())
                        .isPresent();
            });
        }
    }

    /** Somebody who cleans up takes the file of a put away before it has its name: that is no answer about the object. */
    @Test
    void aPutThatLostItsFileDoesNotSayThatTheObjectIsThere() throws Exception {
        Disk losing = new ForwardingDisk(disk) {
            @Override
            public void renameNoReplace(Path from, Path to) throws DiskException {
                delete(from);
                super.renameNoReplace(from, to);
            }
        };
        ObjectStore store = LocalDirectoryStore.open(losing, ROOT);
        ObjectKey key = new ObjectKey("a");
        assertThatThrownBy(() -> store.put(key, ObjectSource.of(new byte[1]), PutCondition.IF_ABSENT, CONTEXT))
                .isInstanceOfSatisfying(
                        ObjectStoreException.class,
                        failure -> assertThat(failure.kind()).isEqualTo(ObjectStoreException.Kind.UNAVAILABLE));
        assertThat(store().head(key, CONTEXT)).isEmpty();
    }

    /** What a key may have after a crash: exactly this content, or none. */
    private record Content(int first, int length) {
        byte[] bytes() {
            byte[] bytes = new byte[length];
            Arrays.fill(bytes, (byte) first);
            return bytes;
        }
    }

    /** What one key must be: what was last acknowledged, or what was asked for since and may have happened. */
    private static final class Expected {
        private @Nullable Content acknowledged;
        private @Nullable Content asked;
        private boolean isOpen;

        boolean allows(@Nullable Content found) {
            return java.util.Objects.equals(found, acknowledged) || (isOpen && java.util.Objects.equals(found, asked));
        }
    }

    @Test
    void acknowledgedSurvivesACrashAtAnyStepAndNothingIsHalf() throws Exception {
        int crashes = 0;
        for (long step = 1; step < 130; step++) {
            for (long seed = 1; seed <= 3; seed++) {
                crashes += crashAndVerify(seed * 1_000 + step, step, DiskFaults.NONE) ? 1 : 0;
            }
        }
        assertThat(crashes).isGreaterThan(200);
    }

    @Test
    void acknowledgedSurvivesACrashWithFailingDisk() throws Exception {
        DiskFaults faults = DiskFaults.SLOW.withFailingWrites(0.05, 0.1).withFailingChanges(0.05);
        for (long seed = 1; seed < 300; seed++) {
            crashAndVerify(seed, 20 + seed, faults);
        }
    }

    @Test
    @Tag("long")
    void acknowledgedSurvivesManyCrashes() throws Exception {
        DiskFaults faults = DiskFaults.SLOW.withFailingWrites(0.05, 0.1).withFailingChanges(0.05);
        for (long seed = 1; seed < 20_000; seed++) {
            crashAndVerify(seed, 1 + seed % 600, seed % 2 == 0 ? faults : DiskFaults.NONE);
        }
    }

    private static boolean crashAndVerify(long seed, long step, DiskFaults faults) throws Exception {
        Simulation simulation = new Simulation(seed);
        SimulatedDisk disk = simulation.newDisk("disk", faults);
        Map<ObjectKey, Expected> expected = new TreeMap<>();
        boolean[] crashed = new boolean[1];
        simulation.crashAtStep(step);
        simulation.run(() -> {
            SimulatedProcess process =
                    simulation.start("first", disk, environment -> work(environment, disk, expected));
            crashed[0] = process.join() == SimulatedProcess.Ending.CRASHED;
            disk.misbehave(DiskFaults.NONE);
            simulation.crashNoMore();
            simulation
                    .start("second", disk, _ -> verify(disk, expected, seed, simulation))
                    .joinSuccessfully();
        });
        return crashed[0];
    }

    private static void work(Environment environment, Disk disk, Map<ObjectKey, Expected> expected)
            throws StorageException {
        ObjectStore store;
        try {
            store = LocalDirectoryStore.open(disk, ROOT);
        } catch (StorageException e) {
            return;
        }
        for (int i = 0; i < CLIENTS; i++) {
            ObjectKey[] keys = {
                new ObjectKey("shared/dir/" + i), new ObjectKey("own" + i + "/a"), new ObjectKey("top" + i)
            };
            SplittableRandom random = new SplittableRandom(environment.random().nextLong());
            environment.tasks().start("client" + i, () -> {
                for (int call = 0; call < CALLS; call++) {
                    callOnce(store, keys[random.nextInt(keys.length)], random, expected);
                }
            });
        }
    }

    private static void callOnce(
            ObjectStore store, ObjectKey key, SplittableRandom random, Map<ObjectKey, Expected> expected)
            throws StorageException {
        Expected state = expected.computeIfAbsent(key, _ -> new Expected());
        boolean isDelete = random.nextInt(4) == 0;
        PutCondition condition = random.nextInt(3) == 0 ? PutCondition.IF_ABSENT : PutCondition.ALWAYS;
        @Nullable Content content = isDelete ? null : new Content(random.nextInt(1, 100), random.nextInt(1, 3_000));
        if (state.isOpen) {
            // One open question a key, so that the oracle stays simple.
            return;
        }
        state.asked = content;
        state.isOpen = true;
        try {
            if (content == null) {
                store.delete(key, CONTEXT);
            } else {
                store.put(key, ObjectSource.of(content.bytes()), condition, CONTEXT);
            }
            state.acknowledged = content;
            state.isOpen = false;
        } catch (ObjectStoreException e) {
            state.isOpen = e.kind() == ObjectStoreException.Kind.UNAVAILABLE;
            if (e.kind() == ObjectStoreException.Kind.PRECONDITION_FAILED) {
                assertThat(state.acknowledged).isNotNull();
            }
        }
    }

    private static void verify(Disk disk, Map<ObjectKey, Expected> expected, long seed, Simulation simulation)
            throws StorageException {
        ObjectStore store = LocalDirectoryStore.open(disk, ROOT);
        assertThat(disk.list(ROOT.resolve(".tmp"))).isEmpty();
        Map<ObjectKey, Content> found = new TreeMap<>();
        for (ObjectInfo info : store.list(ListRequest.all(""), CONTEXT).objects()) {
            byte[] bytes = store.read(info.key(), 1 << 20, CONTEXT).bytes();
            Content content = new Content(bytes[0], bytes.length);
            assertThat(bytes)
                    .as("seed %d: %s is in one piece", seed, info.key())
                    .isEqualTo(content.bytes());
            found.put(info.key(), content);
        }
        assertThat(expected.keySet()).containsAll(found.keySet());
        expected.forEach((key, state) -> assertThat(state.allows(found.get(key)))
                .as(
                        "seed %d: %s is %s, acknowledged %s, asked %s%n%s",
                        seed,
                        key,
                        found.get(key),
                        state.acknowledged,
                        state.asked,
                        simulation.trace().tail(80))
                .isTrue());
    }
}
