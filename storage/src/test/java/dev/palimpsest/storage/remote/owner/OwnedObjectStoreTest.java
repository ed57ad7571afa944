package dev.palimpsest.storage.remote.owner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.SupersededException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.remote.ListRequest;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.ObjectSource;
import dev.palimpsest.storage.remote.ObjectStore;
import dev.palimpsest.storage.remote.PutCondition;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.Task;
import dev.palimpsest.storage.simulation.ObjectStoreFaults;
import dev.palimpsest.storage.simulation.SimulatedObjectStore;
import dev.palimpsest.storage.simulation.Simulation;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Two servers, one store that cannot tell them apart, and simulated time. */
class OwnedObjectStoreTest {
    private static final RequestContext CONTEXT = RequestContext.of(TaskKind.TOOL);
    private static final OwnerSettings SETTINGS =
            new OwnerSettings(Duration.ofSeconds(5), Duration.ofSeconds(20), Duration.ofSeconds(90));
    private static final ObjectKey KEY = new ObjectKey("tenants/a");
    private static final ObjectSource BYTES = ObjectSource.of(new byte[1]);

    private final Simulation simulation = new Simulation(11);
    private final Environment environment = simulation.environment();
    private final SimulatedObjectStore objects = simulation.newObjectStore("objects", ObjectStoreFaults.NONE);

    private OwnedObjectStore take(ObjectStore store, String name) throws Exception {
        return OwnedObjectStore.take(store, environment, SETTINGS, name, CONTEXT);
    }

    private StoreWithoutConditions way() {
        return new StoreWithoutConditions(objects);
    }

    private void sleep(Duration time) {
        environment.tasks().sleep(time.toNanos(), Cancellation.NEVER);
    }

    private Duration now() {
        return Duration.ofNanos(environment.clock().nanos());
    }

    @Test
    void theNextOneStartsAtOnceAfterAProperEnd() throws Exception {
        simulation.run(() -> {
            take(way(), "first").close();
            Duration before = now();
            try (OwnedObjectStore second = take(way(), "second")) {
                assertThat(now().minus(before)).isLessThan(SETTINGS.lease());
                second.put(KEY, BYTES, PutCondition.IF_ABSENT, CONTEXT);
                assertThatThrownBy(() -> second.put(KEY, BYTES, PutCondition.IF_ABSENT, CONTEXT))
                        .isInstanceOfSatisfying(
                                ObjectStoreException.class,
                                e -> assertThat(e.kind()).isEqualTo(ObjectStoreException.Kind.PRECONDITION_FAILED));
                assertThat(second.list(ListRequest.all("").withLimit(1), CONTEXT)
                                .objects())
                        .extracting(info -> info.key())
                        .containsExactly(KEY);
            }
        });
    }

    @Test
    void whoShowsThatItIsThereIsLeftAlone() throws Exception {
        simulation.run(() -> {
            try (OwnedObjectStore first = take(way(), "the first one")) {
                assertThatThrownBy(() -> take(way(), "second"))
                        .isInstanceOf(InvalidRequestException.class)
                        .hasMessageContaining("the first one");
                sleep(Duration.ofHours(1));
                first.put(KEY, BYTES, PutCondition.ALWAYS, CONTEXT);
            }
        });
    }

    @Test
    void whoIsCutOffStopsWritingBeforeItIsSucceeded() throws Exception {
        simulation.run(() -> {
            StoreWithoutConditions cut = way();
            OwnedObjectStore first = take(cut, "first");
            sleep(Duration.ofMinutes(1));
            cut.cutOff(true);
            Task starting = environment.tasks().start("second server", () -> {
                try (OwnedObjectStore second = take(way(), "second")) {
                    second.put(KEY, BYTES, PutCondition.IF_ABSENT, CONTEXT);
                }
            });
            sleep(SETTINGS.lease().plus(SETTINGS.heartbeat()));
            // It is reached again, but has not yet had the time to look who has the store.
            assertThat(starting.isDone()).isFalse();
            cut.cutOff(false);
            assertThatThrownBy(() -> first.put(KEY, BYTES, PutCondition.ALWAYS, CONTEXT))
                    .isInstanceOfSatisfying(
                            ObjectStoreException.class,
                            e -> assertThat(e.kind()).isEqualTo(ObjectStoreException.Kind.UNAVAILABLE));
            cut.cutOff(true);
            starting.join();
            assertThat(starting.failure()).isEmpty();
            assertThat(now()).isGreaterThan(Duration.ofMinutes(1).plus(SETTINGS.takeover()));
            cut.cutOff(false);
            sleep(SETTINGS.heartbeat().multipliedBy(3));
            assertThatThrownBy(() -> first.put(KEY, BYTES, PutCondition.ALWAYS, CONTEXT))
                    .isInstanceOf(SupersededException.class)
                    .hasMessageContaining("second");
            assertThatThrownBy(() -> first.delete(KEY, CONTEXT)).isInstanceOf(SupersededException.class);
            assertThatThrownBy(() -> first.deleteAll(List.of(KEY), CONTEXT)).isInstanceOf(SupersededException.class);
            first.close();
        });
    }

    @Test
    void ofTwoThatStartTogetherOneRemains() throws Exception {
        for (int seed = 0; seed < 50; seed++) {
            Simulation world = new Simulation(seed);
            Environment theirs = world.environment();
            SimulatedObjectStore store = world.newObjectStore("objects", ObjectStoreFaults.SLOW);
            List<OwnedObjectStore> owners = new ArrayList<>();
            world.run(() -> {
                List<Task> tasks = new ArrayList<>();
                for (String name : List.of("a", "b")) {
                    tasks.add(theirs.tasks().start(name, () -> {
                        try {
                            owners.add(OwnedObjectStore.take(
                                    new StoreWithoutConditions(store), theirs, SETTINGS, name, CONTEXT));
                        } catch (InvalidRequestException e) {
                            assertThat(e).hasMessageContaining("another one is using it");
                        }
                    }));
                }
                tasks.forEach(Task::join);
                tasks.forEach(task -> assertThat(task.failure()).isEmpty());
                owners.forEach(OwnedObjectStore::close);
            });
            assertThat(owners).as("seed %d", seed).hasSize(1);
        }
    }

    @Test
    void settingsAreInOrder() {
        Duration second = Duration.ofSeconds(1);
        assertThatThrownBy(() -> new OwnerSettings(second, second, second.multipliedBy(2)))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new OwnerSettings(second, second.multipliedBy(2), second))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
