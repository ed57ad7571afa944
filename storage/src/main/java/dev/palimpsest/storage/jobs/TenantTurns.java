package dev.palimpsest.storage.jobs;

import dev.palimpsest.storage.TenantId;
import java.util.Comparator;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Which tenant had its turn the longest ago, so that one with many timelines does not keep background work from one with few.
 * Safe for use by many threads; never waits.
 */
public final class TenantTurns {
    private final AtomicLong count = new AtomicLong();
    private final Map<TenantId, Long> last = new ConcurrentHashMap<>();

    /** Has none at first. */
    public TenantTurns() {}

    /** It is a tenant's turn now. */
    public void taken(TenantId tenant) {
        last.put(tenant, count.incrementAndGet());
    }

    private long last(TenantId tenant) {
        return last.getOrDefault(tenant, 0L);
    }

    /** Whether a tenant comes before another: its turn was longer ago. */
    public boolean isBefore(TenantId tenant, TenantId other) {
        return last(tenant) < last(other);
    }

    /** Whether neither comes before the other: they are the same, or none had a turn. */
    public boolean isEven(TenantId tenant, TenantId other) {
        return last(tenant) == last(other);
    }

    /** The order of turns: first whose turn was the longest ago, or who had none. */
    public Comparator<TenantId> order() {
        Map<TenantId, Long> now = Map.copyOf(last);
        return Comparator.comparingLong(tenant -> now.getOrDefault(tenant, 0L));
    }

    /** Forgets tenants that are not there any more. */
    public void forgetAllBut(Set<TenantId> known) {
        last.keySet().retainAll(known);
    }
}
