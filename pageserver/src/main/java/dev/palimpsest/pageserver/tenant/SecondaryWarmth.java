package dev.palimpsest.pageserver.tenant;

import dev.palimpsest.pageserver.config.StorageSettings;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import dev.palimpsest.storage.timeline.TenantTimelines;
import dev.palimpsest.storage.timeline.WarmProgress;
import java.time.Duration;
import java.util.Collection;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps secondary tenants warm, one after the other, and tells other servers which layers of attached ones are here, as often as
 * {@code heatmap_period} says. In one thread, as long as it runs.
 */
final class SecondaryWarmth implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SecondaryWarmth.class);

    private static final Duration LOOK = Duration.ofSeconds(1);
    private static final Duration WARM_PERIOD = Duration.ofMinutes(1);

    private final EmbeddedStore store;
    private final Supplier<? extends Collection<TenantSlot>> slots;
    private final TenantWaits waits;
    private final Map<TenantSlot, Long> lastNanos = new ConcurrentHashMap<>();
    private final Map<TenantSlot, Cancellation> running = new ConcurrentHashMap<>();
    private final Map<TenantSlot, WarmProgress> progress = new ConcurrentHashMap<>();
    private volatile boolean closed;
    private @Nullable Thread thread;

    SecondaryWarmth(EmbeddedStore store, Supplier<? extends Collection<TenantSlot>> slots, TenantWaits waits) {
        this.store = store;
        this.slots = slots;
        this.waits = waits;
    }

    synchronized void start() {
        thread = Thread.ofVirtual().name("secondary tenants").start(() -> {
            while (!closed) {
                look();
                waits.await(() -> closed, LOOK);
            }
        });
    }

    private void look() {
        Collection<TenantSlot> all = slots.get();
        lastNanos.keySet().retainAll(all);
        progress.keySet().retainAll(all);
        for (TenantSlot slot : all) {
            Duration period = slot.isAttached()
                    ? slot.settings().get(StorageSettings.HEATMAP_PERIOD, Duration.ZERO)
                    : WARM_PERIOD;
            if (!period.isZero() && isDue(slot, period) && !closed) {
                try {
                    if (slot.isAttached()) {
                        tell(slot);
                    } else {
                        warm(slot);
                    }
                } catch (StorageException | RuntimeException e) {
                    LOG.warn(
                            "tenant {}: what is to be warm of it is not, which is tried again: {}",
                            slot.id(),
                            e.getMessage());
                }
            }
        }
    }

    private boolean isDue(TenantSlot slot, Duration period) {
        long now = store.clock().nanos();
        Long last = lastNanos.get(slot);
        boolean due = last == null || now - last >= period.toNanos();
        if (due) {
            lastNanos.put(slot, now);
        }
        return due;
    }

    /** Writes down which layers of an attached tenant are here. */
    void tell(TenantSlot slot) throws StorageException {
        TenantTimelines timelines = slot.timelines();
        if (timelines != null) {
            store.tellResident(timelines, RequestContext.of(TaskKind.LIFECYCLE));
        }
    }

    /** Brings what is to be here of a secondary tenant; returns when it is, or when the tenant is moved. */
    WarmProgress warm(TenantSlot slot) throws StorageException {
        Cancellation own = new Cancellation();
        Cancellation other = running.putIfAbsent(slot, own);
        if (other != null) {
            return progress(slot); // somebody is at it
        }
        try {
            if (slot.isAttached() || slot.isGone() || closed) {
                return progress(slot); // looked at after it was made known that it could be cancelled
            }
            RequestContext context = new RequestContext(TaskKind.COMPACTION, Clock.NEVER, own);
            WarmProgress done = store.warm(slot.id(), now -> progress.put(slot, now), context);
            progress.put(slot, done);
            return done;
        } finally {
            running.remove(slot, own);
        }
    }

    WarmProgress progress(TenantSlot slot) {
        return progress.getOrDefault(slot, WarmProgress.NONE);
    }

    /** A tenant is being moved: what is on its way for it stops. */
    void moved(TenantSlot slot) {
        Cancellation now = running.get(slot);
        if (now != null) {
            now.cancel();
        }
        progress.remove(slot);
    }

    @Override
    public synchronized void close() {
        closed = true;
        running.values().forEach(Cancellation::cancel);
        waits.changed();
        Thread ended = thread;
        if (ended != null) {
            try {
                ended.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
