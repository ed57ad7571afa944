package dev.palimpsest.storage.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.simulation.ObjectStoreFaults;
import dev.palimpsest.storage.simulation.Simulation;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class TimeLimitedObjectStoreTest {
    private static final RequestContext CONTEXT = RequestContext.of(TaskKind.FLUSH);
    private static final ObjectKey KEY = new ObjectKey("a");
    private static final long SECOND = 1_000_000_000L;

    private final Simulation simulation = new Simulation(6);
    private final ObjectStore store = new TimeLimitedObjectStore(
            new StoreThatNeverAnswers(simulation.environment()), new TimeLimits(2 * SECOND, 1000), simulation.clock());

    private long elapsed(ThrowingCallable call) {
        long start = simulation.clock().nanos();
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        ObjectStoreException.class,
                        e -> assertThat(e.kind()).isEqualTo(ObjectStoreException.Kind.UNAVAILABLE))
                .hasMessageContaining("not done within");
        return simulation.clock().nanos() - start;
    }

    @Test
    void everyCallEnds() throws Exception {
        List<ThrowingCallable> small = List.of(
                () -> store.head(KEY, CONTEXT),
                () -> store.list(ListRequest.all(""), CONTEXT),
                () -> store.delete(KEY, CONTEXT),
                () -> store.deleteAll(List.of(KEY), CONTEXT));
        simulation.run(() -> {
            for (ThrowingCallable call : small) {
                assertThat(elapsed(call)).isBetween(2 * SECOND, 2 * SECOND + 1_000_000);
            }
        });
    }

    @Test
    void bytesTakeTheirTime() throws Exception {
        ObjectSource source = ObjectSource.of(new byte[3000]);
        simulation.run(() -> {
            assertThat(elapsed(() -> store.put(KEY, source, PutCondition.ALWAYS, CONTEXT)))
                    .isBetween(5 * SECOND, 5 * SECOND + 1_000_000);
            assertThat(elapsed(() -> store.get(KEY, new ByteRange(7, 4000), new BytesSink(1), CONTEXT)))
                    .isBetween(6 * SECOND, 6 * SECOND + 1_000_000);
            assertThat(elapsed(() -> store.read(KEY, 1, CONTEXT)))
                    .isGreaterThanOrEqualTo(ObjectStore.MAX_SIZE / 1000 * SECOND);
        });
    }

    @Test
    void requestsOwnDeadlineAndCancellationStayWhatTheyAre() throws Exception {
        Cancellation cancellation = new Cancellation();
        simulation.run(() -> {
            long deadline = simulation.clock().nanos() + SECOND;
            assertThatThrownBy(() -> store.head(KEY, CONTEXT.withDeadline(deadline)))
                    .isInstanceOf(DeadlineExceededException.class);
            simulation.environment().tasks().start("canceller", () -> {
                simulation.environment().tasks().sleep(SECOND, Cancellation.NEVER);
                cancellation.cancel();
            });
            assertThatThrownBy(() -> store.head(KEY, CONTEXT.withCancellation(cancellation)))
                    .isInstanceOf(CancelledException.class);
        });
    }

    @Test
    void longestTimeIsNoDeadline() throws Exception {
        ObjectStore patient = new TimeLimitedObjectStore(
                simulation.newObjectStore("objects", ObjectStoreFaults.NONE),
                new TimeLimits(Long.MAX_VALUE, 1),
                simulation.clock());
        simulation.run(() -> assertThat(patient.head(KEY, CONTEXT)).isEmpty());
    }
}
