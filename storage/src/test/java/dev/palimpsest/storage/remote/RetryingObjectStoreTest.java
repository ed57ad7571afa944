package dev.palimpsest.storage.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.simulation.ObjectStoreFaults;
import dev.palimpsest.storage.simulation.SimulatedObjectStore;
import dev.palimpsest.storage.simulation.Simulation;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class RetryingObjectStoreTest {
    private static final RequestContext CONTEXT = RequestContext.of(TaskKind.FLUSH);
    private static final ObjectKey KEY = new ObjectKey("tenants/a/index_part.json-00000001");
    private static final RetryPolicy POLICY = new RetryPolicy(5, 100_000_000, 1_000_000_000);

    private final Simulation simulation = new Simulation(4);
    private final SimulatedObjectStore objects = simulation.newObjectStore("objects", ObjectStoreFaults.NONE);
    private final RetryingObjectStore store = new RetryingObjectStore(objects, POLICY, simulation.environment());

    private static ObjectSource bytes(int content) {
        return ObjectSource.of(new byte[] {(byte) content, 1, 2, 3});
    }

    @Test
    void givesUpAfterItsAttempts() throws Exception {
        objects.misbehave(ObjectStoreFaults.NONE.withFailing(1, 0));
        simulation.run(() -> assertThatThrownBy(() -> store.head(KEY, CONTEXT))
                .isInstanceOf(ObjectStoreException.class)
                .hasMessageContaining("gave up after 5 attempts"));
        assertThat(objects.calls()).isEqualTo(5);
        long pauses = 100_000_000 + 200_000_000 + 400_000_000 + 800_000_000;
        assertThat(simulation.clock().nanos()).isBetween(pauses / 2, pauses + 1_000_000);
    }

    @Test
    void retriesOnlyWhatMayPass() throws Exception {
        simulation.run(() -> assertThatThrownBy(() -> store.read(KEY, 10, CONTEXT))
                .isInstanceOfSatisfying(
                        ObjectStoreException.class,
                        e -> assertThat(e.kind()).isEqualTo(ObjectStoreException.Kind.NOT_FOUND)));
        assertThat(objects.calls()).isEqualTo(1);
    }

    @Test
    void lostAcknowledgementOfAConditionalPutIsASuccess() throws Exception {
        for (PutCondition condition : conditions()) {
            objects.misbehave(ObjectStoreFaults.NONE.withFailing(0, 1));
            AtomicInteger attempts = new AtomicInteger();
            ObjectSource counted = new ObjectSource() {
                @Override
                public long size() {
                    return 4;
                }

                @Override
                public void read(long offset, java.nio.ByteBuffer target) throws StorageException {
                    if (attempts.getAndIncrement() == 1) {
                        objects.misbehave(ObjectStoreFaults.NONE);
                    }
                    bytes(7).read(offset, target);
                }
            };
            simulation.run(() -> {
                ObjectInfo info = store.put(KEY, counted, condition, CONTEXT);
                assertThat(objects.head(KEY, CONTEXT)).contains(info);
                assertThat(objects.read(KEY, 10, CONTEXT).bytes()).startsWith(7);
            });
            assertThat(attempts.get())
                    .as("the first put, its retry, the comparison")
                    .isEqualTo(3);
        }
    }

    /** If-absent first; then if-match on what that has left. */
    private Iterable<PutCondition> conditions() {
        return () -> new java.util.Iterator<>() {
            private int next;

            @Override
            public boolean hasNext() {
                return next < 2;
            }

            @Override
            public PutCondition next() {
                if (next++ == 0) {
                    return PutCondition.IF_ABSENT;
                }
                try {
                    return new PutCondition.IfMatch(
                            objects.head(KEY, CONTEXT).orElseThrow().version().orElseThrow());
                } catch (StorageException e) {
                    throw new AssertionError(e);
                }
            }
        };
    }

    @Test
    void conditionThatFailsForAnotherReasonStaysAFailure() throws Exception {
        simulation.run(() -> {
            objects.put(KEY, bytes(1), PutCondition.ALWAYS, CONTEXT);
            objects.failCall(objects.calls() + 1);
            assertThatThrownBy(() -> store.put(KEY, bytes(2), PutCondition.IF_ABSENT, CONTEXT))
                    .isInstanceOfSatisfying(
                            ObjectStoreException.class,
                            e -> assertThat(e.kind()).isEqualTo(ObjectStoreException.Kind.PRECONDITION_FAILED));
            assertThat(objects.read(KEY, 10, CONTEXT).bytes()).startsWith(1);
        });
    }

    @Test
    void sameBytesOfSomebodyElseAreNoSuccessWithoutALostAnswer() throws Exception {
        simulation.run(() -> {
            store.put(KEY, bytes(1), PutCondition.IF_ABSENT, CONTEXT);
            assertThatThrownBy(() -> store.put(KEY, bytes(1), PutCondition.IF_ABSENT, CONTEXT))
                    .isInstanceOf(ObjectStoreException.class);
        });
    }

    @Test
    void cancellationEndsThePause() throws Exception {
        objects.misbehave(ObjectStoreFaults.NONE.withFailing(1, 0));
        RetryingObjectStore patient = new RetryingObjectStore(
                objects,
                new RetryPolicy(Integer.MAX_VALUE, 3_600_000_000_000L, 3_600_000_000_000L),
                simulation.environment());
        Cancellation cancellation = new Cancellation();
        simulation.run(() -> {
            simulation.environment().tasks().start("canceller", () -> {
                simulation.environment().tasks().sleep(1_000_000_000, Cancellation.NEVER);
                cancellation.cancel();
            });
            assertThatThrownBy(() -> patient.delete(KEY, CONTEXT.withCancellation(cancellation)))
                    .isInstanceOf(CancelledException.class)
                    .hasRootCauseInstanceOf(ObjectStoreException.class);
            assertThat(simulation.clock().nanos()).isLessThan(2_000_000_000);
        });
    }

    @Test
    void deadlineIsNotSleptThrough() throws Exception {
        objects.misbehave(ObjectStoreFaults.NONE.withFailing(1, 0));
        simulation.run(() -> {
            assertThatThrownBy(() -> store.head(KEY, CONTEXT.withDeadline(120_000_000)))
                    .isInstanceOf(DeadlineExceededException.class);
            assertThat(simulation.clock().nanos()).isLessThan(120_000_000);
        });
    }

    @Test
    void pausesGrowToTheLongest() {
        RetryPolicy policy = new RetryPolicy(Integer.MAX_VALUE, 100, 1_000);
        assertThat(policy.pauseNanos(1, 0)).isEqualTo(50);
        assertThat(policy.pauseNanos(1, 0.999_999)).isBetween(98L, 100L);
        assertThat(policy.pauseNanos(4, 0)).isEqualTo(400);
        assertThat(policy.pauseNanos(5, 0)).isEqualTo(500);
        assertThat(policy.pauseNanos(Integer.MAX_VALUE, 0)).isEqualTo(500);
        RetryPolicy endless = new RetryPolicy(2, Long.MAX_VALUE, Long.MAX_VALUE);
        assertThat(endless.pauseNanos(9, 0.5)).isPositive();
    }
}
