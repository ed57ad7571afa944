package dev.palimpsest.storage.remote;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.runtime.Signal;
import dev.palimpsest.storage.runtime.Tasks;
import java.util.Comparator;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Bounds how many calls run at once. Who waits goes in the order of urgency, and among equals of arrival; but each eighth slot
 * goes to whoever has waited longest, so that nobody waits for ever. Some slots are kept for reads that a session waits for.
 * Safe for use by many threads.
 */
final class CallSlots {
    private static final int OLDEST_EVERY = 8;

    private final String name;
    private final int total;
    private final int reserved;
    private final Tasks tasks;
    /** The same waiters in two orders. Guarded by this, as is all that follows. */
    private final TreeSet<Waiter> byUrgency =
            new TreeSet<>(Comparator.comparingInt(Waiter::rank).thenComparingLong(Waiter::arrival));

    private final TreeSet<Waiter> byArrival = new TreeSet<>(Comparator.comparingLong(Waiter::arrival));
    private int used;
    private long arrivals;
    private long grants;

    private record Waiter(int rank, long arrival, Signal signal, AtomicBoolean granted) {}

    /** The right to make a call; closing it gives it back, closing it again does nothing. */
    @FunctionalInterface
    interface Slot extends AutoCloseable {
        @Override
        void close();
    }

    /**
     * @param name what runs in them, for messages
     * @param total how many calls at once, at least 1
     * @param reserved how many of them only {@link TaskKind#PAGE_SERVICE} may take, less than {@code total}
     */
    CallSlots(String name, int total, int reserved, Tasks tasks) {
        if (total < 1 || reserved < 0 || reserved >= total) {
            throw new IllegalArgumentException(
                    name + ": " + reserved + " of " + total + " calls at once cannot be reserved");
        }
        this.name = name;
        this.total = total;
        this.reserved = reserved;
        this.tasks = tasks;
    }

    /** How urgent, the most urgent 0. */
    private static int rank(TaskKind kind) {
        return switch (kind) {
            case PAGE_SERVICE -> 0;
            case INGEST -> 1;
            case LIFECYCLE -> 2;
            case FLUSH -> 3;
            case TOOL -> 4;
            case COMPACTION -> 5;
            case GC -> 6;
        };
    }

    /** Takes a slot, waiting for one if need be. */
    Slot acquire(RequestContext context) throws CancelledException, DeadlineExceededException {
        Waiter waiter;
        synchronized (this) {
            int rank = rank(context.taskKind());
            if (fits(rank)) { // then it fits nobody who waits: else they had it
                used++;
                return slot();
            }
            waiter = new Waiter(rank, arrivals++, tasks.newSignal(), new AtomicBoolean());
            byUrgency.add(waiter);
            byArrival.add(waiter);
        }
        boolean taken = false;
        try {
            context.await(waiter.signal(), waiter.granted()::get, () -> "one of " + total + " " + name);
            taken = true;
            return slot();
        } finally {
            if (!taken) {
                giveUp(waiter);
            }
        }
    }

    private Slot slot() {
        AtomicBoolean held = new AtomicBoolean(true);
        return () -> {
            if (held.compareAndSet(true, false)) {
                release();
            }
        };
    }

    private void giveUp(Waiter waiter) {
        synchronized (this) {
            if (byUrgency.remove(waiter)) {
                byArrival.remove(waiter);
                return;
            }
        }
        release();
    }

    private void release() {
        Waiter next;
        synchronized (this) {
            used--;
            if (byUrgency.isEmpty()) {
                return;
            }
            next = byUrgency.first();
            Waiter oldest = byArrival.first();
            if (++grants % OLDEST_EVERY == 0 && fits(oldest.rank())) {
                next = oldest;
            }
            if (!fits(next.rank())) {
                return;
            }
            byUrgency.remove(next);
            byArrival.remove(next);
            used++;
        }
        next.granted().set(true);
        next.signal().signalAll();
    }

    private boolean fits(int rank) {
        return used < (rank == 0 ? total : total - reserved);
    }

    /** How many are taken now. */
    synchronized int inUse() {
        return used;
    }

    /** How many wait for one now. */
    synchronized int waiting() {
        return byUrgency.size();
    }
}
