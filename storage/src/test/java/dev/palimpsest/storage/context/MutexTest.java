package dev.palimpsest.storage.context;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.SystemClock;
import dev.palimpsest.storage.runtime.Task;
import dev.palimpsest.storage.runtime.VirtualThreadTasks;
import dev.palimpsest.storage.simulation.Simulation;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Mutex and permits: both bound who is inside, and waiting for them ends when it is cancelled. */
class MutexTest {
    private static final long MILLIS = 1_000_000;

    private final SystemClock clock = new SystemClock();
    private final VirtualThreadTasks tasks = new VirtualThreadTasks(clock);
    private final RequestContext forEver = RequestContext.of(TaskKind.INGEST);

    @Test
    void oneAtATimeAndNoWakeUpIsLost() {
        Mutex mutex = new Mutex("the writer", tasks.newSignal());
        int[] counter = new int[1];
        List<Task> writers = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            writers.add(tasks.start("writer", () -> {
                for (int j = 0; j < 500; j++) {
                    try (Mutex.Held _ = mutex.acquire(forEver)) {
                        counter[0]++;
                    }
                }
            }));
        }
        writers.forEach(Task::join);
        assertThat(writers).allSatisfy(task -> assertThat(task.failure()).isEmpty());
        assertThat(counter[0]).isEqualTo(16 * 500);
    }

    @Test
    void whoGivesWayComesAfterWhoWaits() throws Exception {
        Simulation simulation = new Simulation(1);
        List<String> order = new ArrayList<>();
        simulation.run(() -> {
            Environment environment = simulation.environment();
            Mutex mutex = new Mutex("the layers", environment.tasks().newSignal());
            Task often = environment.tasks().start("often", () -> {
                for (int i = 0; i < 4; i++) {
                    try (Mutex.Held _ = mutex.acquireAfterOthers(forEver)) {
                        environment.tasks().sleep(10 * MILLIS, Cancellation.NEVER);
                        order.add("often");
                    }
                }
            });
            environment.tasks().sleep(5 * MILLIS, Cancellation.NEVER);
            RequestContext soon = forEver.withDeadline(environment.clock().nanos() + MILLIS);
            Task givingUp = environment
                    .tasks()
                    .start("giving up", () -> mutex.acquire(soon).close());
            Task once = environment.tasks().start("once", () -> {
                try (Mutex.Held _ = mutex.acquire(forEver)) {
                    order.add("once");
                }
            });
            often.join();
            once.join();
            givingUp.join();
            assertThat(givingUp.failure()).containsInstanceOf(DeadlineExceededException.class);
        });
        assertThat(order).containsExactly("often", "once", "often", "often", "often");
    }

    @Test
    void nobodyIsWaitedForWhoHasGivenUp() throws Exception {
        Simulation simulation = new Simulation(1);
        simulation.run(() -> {
            Environment environment = simulation.environment();
            Mutex mutex = new Mutex("the layers", environment.tasks().newSignal());
            Mutex.Held owner = mutex.acquire(forEver);
            RequestContext soon = forEver.withDeadline(environment.clock().nanos() + 5 * MILLIS);
            Task givingUp = environment
                    .tasks()
                    .start("giving up", () -> mutex.acquire(soon).close());
            environment.tasks().sleep(10 * MILLIS, Cancellation.NEVER);
            givingUp.join();
            owner.close();
            mutex.acquireAfterOthers(forEver).close();
        });
    }

    @Test
    void waitingEndsAtTheDeadline() throws Exception {
        Mutex mutex = new Mutex("the right to write", tasks.newSignal());
        try (Mutex.Held _ = mutex.acquire(forEver)) {
            assertThatThrownBy(() -> mutex.acquire(forEver.withDeadline(clock.nanos() + 1_000_000)))
                    .isInstanceOf(DeadlineExceededException.class)
                    .hasMessageContaining("the right to write");
        }
        mutex.acquire(forEver).close();
    }

    @Test
    void waitingEndsWhenCancelledByTheParent() throws Exception {
        Mutex mutex = new Mutex("the right to write", tasks.newSignal());
        Cancellation server = new Cancellation();
        RequestContext request = new RequestContext(TaskKind.INGEST, Clock.NEVER, server.child());
        try (Mutex.Held _ = mutex.acquire(forEver)) {
            Task waiter = tasks.start("waiter", () -> mutex.acquire(request).close());
            server.cancel();
            waiter.join();
            assertThat(waiter.failure()).containsInstanceOf(CancelledException.class);
        }
        mutex.acquire(forEver).close();
    }

    @Test
    void releasingTwiceIsReported() throws Exception {
        Mutex mutex = new Mutex("the right to write", tasks.newSignal());
        Mutex.Held held = mutex.acquire(forEver);
        held.close();
        assertThatThrownBy(held::close).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void permitsBoundHowManyAreInside() {
        Permits permits = new Permits("flushing", 3, tasks.newSignal());
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        List<Task> flushes = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            flushes.add(tasks.start("flush", () -> {
                for (int j = 0; j < 50; j++) {
                    try (Permits.Permit _ = permits.acquire(forEver)) {
                        most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                        Thread.onSpinWait();
                        inside.decrementAndGet();
                    }
                }
            }));
        }
        flushes.forEach(Task::join);
        assertThat(flushes).allSatisfy(task -> assertThat(task.failure()).isEmpty());
        assertThat(most.get()).isBetween(1, 3);
        assertThat(permits.inUse()).isZero();
    }

    @Test
    void aPermitIsGivenBackOnce() throws Exception {
        Permits permits = new Permits("flushing", 2, tasks.newSignal());
        Permits.Permit first = permits.acquire(forEver);
        Permits.Permit second = permits.acquire(forEver);
        first.close();
        first.close();
        assertThat(permits.inUse()).isEqualTo(1);
        second.close();
        assertThat(permits.inUse()).isZero();
    }

    @Test
    void noPermitsAtAllMakeNoSense() {
        assertThatThrownBy(() -> new Permits("flushing", 0, tasks.newSignal()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("flushing");
    }
}
