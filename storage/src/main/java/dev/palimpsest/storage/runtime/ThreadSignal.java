package dev.palimpsest.storage.runtime;

import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/**
 * A signal among real threads. To signal costs a fence while nobody waits.
 *
 * <p>No wake-up is lost: a waiter counts itself before it looks at its condition, a signaller makes its change before it
 * looks at the count, and full fences keep both in that order. So either the waiter sees the change or the signaller sees
 * the waiter; in the latter case the lock, which the waiter holds from looking to sleeping, makes the signal come after.
 */
@OutsideWorld
final class ThreadSignal implements Signal {
    private final Clock clock;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final AtomicInteger waiters = new AtomicInteger();

    ThreadSignal(Clock clock) {
        this.clock = clock;
    }

    @Override
    public void signalAll() {
        VarHandle.fullFence();
        if (waiters.get() == 0) {
            return;
        }
        lock.lock();
        try {
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean await(BooleanSupplier condition, long deadlineNanos) {
        if (condition.getAsBoolean()) {
            return true;
        }
        boolean interrupted = false;
        waiters.incrementAndGet();
        VarHandle.fullFence();
        lock.lock();
        try {
            while (!condition.getAsBoolean()) {
                long left = deadlineNanos == Clock.NEVER ? Clock.NEVER : deadlineNanos - clock.nanos();
                if (left <= 0) {
                    return false;
                }
                try {
                    changed.awaitNanos(left);
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            return true;
        } finally {
            lock.unlock();
            waiters.decrementAndGet();
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
