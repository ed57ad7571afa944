package dev.palimpsest.pageserver.pageservice;

import dev.palimpsest.storage.TenantId;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * How many clients each tenant has, so that those of one leave room for those of others. A client counts from when it has asked for
 * something of a tenant to its end. Safe for use by many threads.
 */
final class TenantClients {
    private final Map<TenantId, Integer> counts = new ConcurrentHashMap<>();

    /** Counts one more, unless there are {@code most} already; false if there are. */
    boolean enter(TenantId tenant, int most) {
        boolean[] entered = new boolean[1];
        counts.compute(tenant, (_, count) -> {
            int before = count == null ? 0 : count;
            entered[0] = before < most;
            return entered[0] ? Integer.valueOf(before + 1) : count;
        });
        return entered[0];
    }

    /** One that was counted has gone. */
    void leave(TenantId tenant) {
        counts.computeIfPresent(tenant, (_, count) -> count == 1 ? null : count - 1);
    }
}
