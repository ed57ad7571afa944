package dev.palimpsest.storage.simulation;

import dev.palimpsest.storage.runtime.Signal;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;

/** Signalling makes the waiters ready; each looks at its condition when its turn comes. */
final class SimulatedSignal implements Signal {
    private final Scheduler scheduler;
    private final int number;
    private final List<SimulatedTask> waiters = new ArrayList<>(2);

    SimulatedSignal(Scheduler scheduler) {
        this.scheduler = scheduler;
        this.number = scheduler.nextSignalNumber();
    }

    @Override
    public void signalAll() {
        scheduler.checkCaller();
        wakeWaiters();
    }

    /** As {@link #signalAll}, for the scheduler itself. */
    void wakeWaiters() {
        for (SimulatedTask waiter : waiters) {
            scheduler.makeReady(waiter);
        }
    }

    @Override
    public boolean await(BooleanSupplier condition, long deadlineNanos) {
        SimulatedTask me = scheduler.currentAlive();
        while (!condition.getAsBoolean()) {
            if (scheduler.nanos() >= deadlineNanos) {
                return false;
            }
            waiters.add(me);
            try {
                scheduler.block(me, "await", deadlineNanos);
            } finally {
                waiters.remove(me);
            }
        }
        return true;
    }

    /** Not the identity's, which differs from run to run: what iterates over a set of signals must do so in the same order. */
    @Override
    public int hashCode() {
        return number;
    }

    @Override
    public boolean equals(Object other) {
        return this == other;
    }
}
