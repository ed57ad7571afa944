package dev.palimpsest.storage.simulation;

import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.runtime.Signal;
import dev.palimpsest.storage.runtime.Task;
import dev.palimpsest.storage.runtime.Tasks;
import org.jspecify.annotations.Nullable;

/** Tasks that run in turn. All that one of these starts belong to one process, or to none. */
public final class SimulatedTasks implements Tasks {
    private final Scheduler scheduler;
    private final @Nullable SimulatedProcess process;

    SimulatedTasks(Scheduler scheduler, @Nullable SimulatedProcess process) {
        this.scheduler = scheduler;
        this.process = process;
    }

    @Override
    public Task start(String name, Body body) {
        scheduler.checkAlive();
        Task task = scheduler.start(process, name, body);
        scheduler.step("start", name);
        return task;
    }

    @Override
    public Signal newSignal() {
        scheduler.checkAlive();
        return new SimulatedSignal(scheduler);
    }

    @Override
    public void sleep(long nanos, Cancellation cancellation) {
        SimulatedSignal cancelled = new SimulatedSignal(scheduler);
        long now = scheduler.nanos();
        long wakeNanos = nanos < Clock.NEVER - now ? now + Math.max(nanos, 0) : Clock.NEVER;
        cancellation.wake(cancelled);
        try {
            cancelled.await(cancellation::isCancelled, wakeNanos);
        } finally {
            cancellation.forget(cancelled);
        }
    }
}
