package dev.palimpsest.storage.context;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.runtime.Signal;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Bounds how many do something at once, whatever tenants they do it for, as {@link Permits} does, but in turn: a permit that is
 * given back goes to the tenant of those that wait whose turn was the longest ago, and to who has waited for it the longest. So a
 * tenant with much to do takes all permits as long as no other wants one, and an other gets the next but so many as there are
 * tenants that wait. Waiting is cancellable.
 */
public final class TenantPermits {
    private final String name;
    private final Signal signal;
    private final int total;
    /** Who waits. Guarded by this, as are the waiters and the next. */
    private final TenantQueue<Waiter> waiting = new TenantQueue<>();

    /** None is free while anybody waits. */
    private int free;

    private static final class Waiter {
        boolean granted;
    }

    /**
     * @param name what is permitted, for messages
     * @param total how many at once, at least 1
     * @param signal a signal that nobody else uses
     */
    public TenantPermits(String name, int total, Signal signal) {
        if (total < 1) {
            throw new IllegalArgumentException(name + ": at least one permit is needed, got " + total);
        }
        this.name = name;
        this.signal = signal;
        this.total = total;
        this.free = total;
    }

    /** Waits for the turn of the tenant. */
    public Permits.Permit acquire(TenantId tenant, RequestContext context)
            throws CancelledException, DeadlineExceededException {
        Waiter waiter = enter(tenant);
        boolean done = false;
        try {
            context.await(signal, () -> isGranted(waiter), () -> "one of " + total + " permits for " + name);
            done = true;
        } finally {
            if (!done) {
                leave(tenant, waiter);
            }
        }
        AtomicBoolean given = new AtomicBoolean();
        return () -> {
            if (given.compareAndSet(false, true)) {
                giveBack();
            }
        };
    }

    private synchronized Waiter enter(TenantId tenant) {
        Waiter waiter = new Waiter();
        if (free > 0) {
            free--;
            waiter.granted = true;
        } else {
            waiting.add(tenant, waiter);
        }
        return waiter;
    }

    private synchronized boolean isGranted(Waiter waiter) {
        return waiter.granted;
    }

    /** One that waits no more; the permit may have come at the last moment. */
    private void leave(TenantId tenant, Waiter waiter) {
        synchronized (this) {
            if (!waiter.granted) {
                waiting.remove(tenant, waiter);
                return;
            }
        }
        giveBack();
    }

    private void giveBack() {
        synchronized (this) {
            Waiter next = waiting.poll();
            if (next == null) {
                free++;
                return;
            }
            next.granted = true;
        }
        signal.signalAll();
    }

    /** How many are taken now. */
    public synchronized int inUse() {
        return total - free;
    }
}
