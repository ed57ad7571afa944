package dev.palimpsest.storage.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Tasks;
import dev.palimpsest.storage.simulation.Simulation;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class CallSlotsTest {
    private static final long SECOND = 1_000_000_000L;

    private final Simulation simulation = new Simulation(8);
    private final Tasks tasks = simulation.environment().tasks();

    private void pause(long nanos) {
        tasks.sleep(nanos, Cancellation.NEVER);
    }

    /** All wait behind one that holds the only slot; the order in which they get it. */
    private List<TaskKind> order(List<TaskKind> arrivals) throws Exception {
        CallSlots slots = new CallSlots("calls", 1, 0, tasks);
        List<TaskKind> order = new ArrayList<>();
        simulation.run(() -> {
            CallSlots.Slot first = slots.acquire(RequestContext.of(TaskKind.GC));
            for (TaskKind kind : arrivals) {
                tasks.start(kind.name(), () -> {
                    try (CallSlots.Slot _ = slots.acquire(RequestContext.of(kind))) {
                        order.add(kind);
                        pause(1000);
                    }
                });
                pause(SECOND);
            }
            assertThat(slots.waiting()).isEqualTo(arrivals.size());
            first.close();
            first.close();
        });
        assertThat(slots.inUse()).isZero();
        assertThat(slots.waiting()).isZero();
        return order;
    }

    @Test
    void mostUrgentGoesFirst() throws Exception {
        assertThat(order(List.of(
                        TaskKind.GC,
                        TaskKind.COMPACTION,
                        TaskKind.TOOL,
                        TaskKind.FLUSH,
                        TaskKind.LIFECYCLE,
                        TaskKind.INGEST,
                        TaskKind.PAGE_SERVICE)))
                .containsExactly(
                        TaskKind.PAGE_SERVICE,
                        TaskKind.INGEST,
                        TaskKind.LIFECYCLE,
                        TaskKind.FLUSH,
                        TaskKind.TOOL,
                        TaskKind.COMPACTION,
                        TaskKind.GC);
    }

    @Test
    void eachEighthTurnIsTheOldest() throws Exception {
        List<TaskKind> arrivals = new ArrayList<>(List.of(TaskKind.GC));
        arrivals.addAll(Collections.nCopies(20, TaskKind.PAGE_SERVICE));
        assertThat(order(arrivals).indexOf(TaskKind.GC)).isEqualTo(7);
    }

    @Test
    void reservedSlotsAreForSessionsOnly() throws Exception {
        CallSlots slots = new CallSlots("calls", 3, 1, tasks);
        RequestContext compaction = RequestContext.of(TaskKind.COMPACTION);
        simulation.run(() -> {
            CallSlots.Slot one = slots.acquire(compaction);
            try (CallSlots.Slot _ = slots.acquire(compaction)) {
                assertThatThrownBy(() -> slots.acquire(
                                compaction.withDeadline(simulation.clock().nanos() + SECOND)))
                        .isInstanceOf(DeadlineExceededException.class)
                        .hasMessageContaining("one of 3 calls");
                slots.acquire(RequestContext.of(TaskKind.PAGE_SERVICE)).close();
                one.close();
                slots.acquire(compaction).close();
            }
            assertThat(slots.inUse()).isZero();
        });
    }

    /** However acquiring, giving up and giving back interleave: never too many, none lost, and all end. */
    @Test
    void slotsAreNeitherLostNorMultiplied() throws Exception {
        for (long seed = 0; seed < 200; seed++) {
            Simulation world = new Simulation(seed);
            Tasks own = world.environment().tasks();
            CallSlots slots = new CallSlots("calls", 3, 1, own);
            SplittableRandom random = world.random("callers");
            int[] got = new int[1];
            world.run(() -> {
                for (int i = 0; i < 30; i++) {
                    TaskKind kind = TaskKind.values()[random.nextInt(TaskKind.values().length)];
                    long delay = random.nextLong(1000);
                    long patience = random.nextLong(1, 5000);
                    long work = random.nextLong(1000);
                    own.start("caller", () -> {
                        own.sleep(delay, Cancellation.NEVER);
                        long deadline = world.clock().nanos() + patience;
                        try (CallSlots.Slot _ =
                                slots.acquire(RequestContext.of(kind).withDeadline(deadline))) {
                            got[0]++;
                            assertThat(slots.inUse()).isBetween(1, 3);
                            own.sleep(work, Cancellation.NEVER);
                        }
                    });
                }
            });
            assertThat(slots.inUse()).as("seed %d", seed).isZero();
            assertThat(slots.waiting()).as("seed %d", seed).isZero();
            assertThat(got[0]).as("seed %d", seed).isPositive();
        }
    }

    @Test
    void impossibleNumbersAreRefused() {
        assertThatThrownBy(() -> new CallSlots("calls", 0, 0, tasks)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new CallSlots("calls", 2, 2, tasks)).isInstanceOf(IllegalArgumentException.class);
    }
}
