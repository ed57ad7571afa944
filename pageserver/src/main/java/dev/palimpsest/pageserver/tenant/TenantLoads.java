package dev.palimpsest.pageserver.tenant;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.StorageException;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.function.BiConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Loads tenants, each in a thread of its own, some at a time. What fails because the store does not answer is tried again, after
 * pauses that grow; what else fails is not.
 */
final class TenantLoads implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(TenantLoads.class);

    private static final int AT_ONCE = 8;
    private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
    private static final Duration LONGEST_PAUSE = Duration.ofMinutes(1);
    private static final Duration LONG = Duration.ofDays(365);

    private final TenantWaits waits;
    private final Semaphore permits = new Semaphore(AT_ONCE, true);
    private final Set<Thread> threads = ConcurrentHashMap.newKeySet();
    private volatile boolean closed;
    private volatile boolean settled;

    /** Loads a tenant once. */
    @FunctionalInterface
    interface Attempt {
        void run(TenantSlot slot) throws StorageException;
    }

    TenantLoads(TenantWaits waits) {
        this.waits = waits;
    }

    private void start(String name, Runnable work) {
        threads.removeIf(thread -> thread.getState() == Thread.State.TERMINATED);
        Thread thread = Thread.ofVirtual().name(name).unstarted(work);
        threads.add(thread);
        thread.start();
    }

    /** Begins to load a tenant that is ATTACHING, and goes on until it is not any more. */
    void begin(TenantSlot slot, Attempt attempt, BiConsumer<TenantSlot, Exception> broken) {
        start("load tenant " + slot.id(), () -> {
            Duration pause = FIRST_PAUSE;
            while (!isDone(slot, attempt, broken)) {
                waits.await(() -> closed, pause);
                pause = pause.multipliedBy(2);
                pause = pause.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : pause;
            }
        });
    }

    private boolean isDone(TenantSlot slot, Attempt attempt, BiConsumer<TenantSlot, Exception> broken) {
        permits.acquireUninterruptibly();
        slot.transition.lock();
        try {
            if (closed || slot.isGone() || slot.state().phase() != TenantState.Phase.ATTACHING) {
                return true;
            }
            attempt.run(slot);
            return true;
        } catch (CancelledException e) {
            return true; // the server ends
        } catch (StorageException e) {
            if (e.isRetryable()) {
                LOG.warn("tenant {} cannot be loaded yet, which is tried again: {}", slot.id(), e.getMessage());
                slot.state(TenantState.attachingAgain(String.valueOf(e.getMessage())));
                return false;
            }
            broken.accept(slot, e);
            return true;
        } catch (RuntimeException e) {
            broken.accept(slot, e);
            return true;
        } finally {
            slot.transition.unlock();
            permits.release();
            waits.changed();
        }
    }

    /** Has something done once each of these was tried to load. */
    void whenAllLookedAt(Collection<TenantSlot> slots, Runnable then) {
        List<TenantSlot> all = List.copyOf(slots);
        start("after loading tenants", () -> {
            waits.await(() -> closed || all.stream().allMatch(TenantSlot::isLookedAt), LONG);
            if (!closed) {
                try {
                    then.run();
                } finally {
                    settled = true;
                    waits.changed();
                }
            }
        });
    }

    /** Whether that is done: before it is, nobody is to be told that something is not there. */
    boolean isSettled() {
        return settled;
    }

    /** Ends, and waits for what is being loaded. */
    @Override
    public void close() {
        closed = true;
        waits.changed();
        for (Thread thread : threads) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }
}
