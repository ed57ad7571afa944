package dev.palimpsest.storage.simulation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.remote.ListRequest;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.ObjectSource;
import dev.palimpsest.storage.remote.PutCondition;
import dev.palimpsest.storage.runtime.Cancellation;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class SimulatedObjectStoreFaultsTest {
    private static final RequestContext CONTEXT = RequestContext.of(TaskKind.TOOL);
    private static final ObjectKey KEY = new ObjectKey("a");

    private static void put(SimulatedObjectStore store) throws StorageException {
        store.put(KEY, ObjectSource.of(new byte[] {1}), PutCondition.ALWAYS, CONTEXT);
    }

    private static void assertUnavailable(SimulatedObjectStore store) {
        ObjectStoreException failure = catchThrowableOfType(ObjectStoreException.class, () -> put(store));
        assertThat(failure.kind()).isEqualTo(ObjectStoreException.Kind.UNAVAILABLE);
    }

    @Test
    void failedPutHasHappenedOrNot() {
        Set<Boolean> happened = new TreeSet<>();
        for (long seed = 0; seed < 50; seed++) {
            SimulatedObjectStore store = new Simulation(seed).newObjectStore("objects", ObjectStoreFaults.NONE);
            store.failCall(1);
            assertUnavailable(store);
            happened.add(!store.keys().isEmpty());
        }
        assertThat(happened).containsExactly(false, true);
    }

    @Test
    void failedPutMayHappenLater() throws Exception {
        Simulation simulation = new Simulation(1);
        SimulatedObjectStore store = simulation.newObjectStore(
                "objects", ObjectStoreFaults.NONE.withSlow(0, 1_000_000_000).withLateEffects(1));
        simulation.run(() -> {
            assertUnavailable(store);
            assertThat(store.keys()).isEmpty();
            simulation.environment().tasks().sleep(2_000_000_000, Cancellation.NEVER);
            assertThat(store.keys()).containsExactly("a");
        });
    }

    @Test
    void listingsLagAndCatchUpWhileHeadDoesNot() throws Exception {
        Simulation simulation = new Simulation(1);
        SimulatedObjectStore store =
                simulation.newObjectStore("objects", ObjectStoreFaults.NONE.withStaleListings(1, 1_000_000_000));
        simulation.run(() -> {
            List<Integer> sizes = new ArrayList<>();
            put(store);
            assertThat(store.head(KEY, CONTEXT)).isPresent();
            sizes.add(listed(store));
            simulation.environment().tasks().sleep(2_000_000_000, Cancellation.NEVER);
            sizes.add(listed(store));
            store.delete(KEY, CONTEXT);
            assertThat(store.head(KEY, CONTEXT)).isEmpty();
            sizes.add(listed(store));
            simulation.environment().tasks().sleep(2_000_000_000, Cancellation.NEVER);
            sizes.add(listed(store));
            assertThat(sizes).containsExactly(0, 1, 1, 0);
        });
    }

    private static int listed(SimulatedObjectStore store) throws StorageException {
        return store.list(ListRequest.all(""), CONTEXT).objects().size();
    }

    /** A process that dies while it waits for the answer has put the object all the same under some seeds. */
    @Test
    void processMayDieBetweenTheEffectAndTheAnswer() throws Exception {
        Set<String> seen = new TreeSet<>();
        for (long step = 1; step < 8; step++) {
            Simulation simulation = new Simulation(step);
            SimulatedDisk disk = simulation.newDisk("disk", DiskFaults.NONE);
            SimulatedObjectStore store = simulation.newObjectStore("objects", ObjectStoreFaults.NONE);
            boolean[] answered = new boolean[1];
            simulation.crashAtStep(step);
            simulation.run(() -> simulation
                    .start("process", disk, _ -> {
                        put(store);
                        answered[0] = true;
                    })
                    .join());
            seen.add((store.keys().isEmpty() ? "absent" : "there") + (answered[0] ? ", answered" : ""));
        }
        assertThat(seen).containsExactlyInAnyOrder("absent", "there", "there, answered");
    }
}
