package dev.palimpsest.pageserver.pageservice;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.runtime.Tasks;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/**
 * Has clients wait whose tenant asks for more than it may. Each tenant has a bucket of its own, so none waits for another. What a
 * tenant may is asked again for each request, and each second while one waits: who is let off need not wait to the end. Safe for
 * use by many threads.
 */
final class TenantThrottle {
    private static final int MANY_TENANTS = 1024;
    private static final long LOOK_AGAIN_NANOS = 1_000_000_000;

    private final Function<TenantId, ThrottleSettings> settings;
    private final Clock clock;
    private final Tasks tasks;
    private final Map<TenantId, ThrottledTenant> tenants = new ConcurrentHashMap<>();
    private final ThrottleMetrics metrics;

    /** @param settings what a tenant may, now */
    TenantThrottle(
            Function<TenantId, ThrottleSettings> settings, Clock clock, Tasks tasks, PrometheusRegistry registry) {
        this.settings = settings;
        this.clock = clock;
        this.tasks = tasks;
        this.metrics = new ThrottleMetrics(tenants, registry);
    }

    /**
     * Waits until a tenant may make so many more requests.
     *
     * @throws CancelledException if the server is being shut down
     */
    void await(TenantId id, int requests, Cancellation cancellation) throws CancelledException {
        ThrottleSettings now = settings.apply(id);
        if (!now.enabled()) {
            return;
        }
        ThrottledTenant tenant = tenant(id);
        metrics.began(tenant, requests);
        long began = clock.nanos();
        long nanos = tenant.take(now, requests, began);
        if (nanos > 0) {
            metrics.waits(tenant, requests);
            try {
                sleep(id, tenant, requests, now, after(began, nanos), cancellation);
            } finally {
                metrics.waited(tenant, clock.nanos() - began);
            }
        }
        metrics.ended(tenant, requests);
    }

    /** Until tokens have come, or as long as it takes by what the tenant may meanwhile. */
    private void sleep(
            TenantId id,
            ThrottledTenant tenant,
            int requests,
            ThrottleSettings first,
            long firstEnd,
            Cancellation cancellation)
            throws CancelledException {
        ThrottleSettings by = first;
        long end = firstEnd;
        for (long left = end - clock.nanos(); left > 0; left = end - clock.nanos()) {
            tasks.sleep(Math.min(left, LOOK_AGAIN_NANOS), cancellation);
            if (cancellation.isCancelled()) {
                throw new CancelledException("cancelled while waiting for a throttle");
            }
            ThrottleSettings now = settings.apply(id);
            if (!now.enabled()) {
                return;
            }
            if (!now.equals(by)) {
                by = now;
                long since = clock.nanos();
                end = after(since, tenant.take(now, requests, since));
            }
        }
    }

    private static long after(long since, long nanos) {
        return nanos > Clock.NEVER - since ? Clock.NEVER : since + nanos;
    }

    private ThrottledTenant tenant(TenantId id) {
        ThrottledTenant known = tenants.get(id);
        if (known != null) {
            return known;
        }
        if (tenants.size() >= MANY_TENANTS) {
            tenants.values().removeIf(tenant -> tenant.isFull(clock.nanos()));
        }
        return tenants.computeIfAbsent(id, _ -> new ThrottledTenant());
    }
}
