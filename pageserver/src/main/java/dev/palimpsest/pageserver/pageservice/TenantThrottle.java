package dev.palimpsest.pageserver.pageservice;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.runtime.Tasks;
import io.prometheus.metrics.core.datapoints.CounterDataPoint;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/**
 * Has clients wait whose tenant asks for more than it may. Each tenant has a bucket of its own, so none waits for another.
 * Counts under Neon's names. Safe for use by many threads.
 */
final class TenantThrottle {
    private static final int MANY_BUCKETS = 1024;

    private final Clock clock;
    private final Tasks tasks;
    private final Map<TenantId, TokenBucket> buckets = new ConcurrentHashMap<>();
    private final CounterDataPoint accountedStart;
    private final CounterDataPoint accountedFinish;
    private final CounterDataPoint throttled;
    private final CounterDataPoint waited;

    TenantThrottle(Clock clock, Tasks tasks, PrometheusRegistry registry) {
        this.clock = clock;
        this.tasks = tasks;
        accountedStart = counter(
                registry,
                "pageserver_tenant_throttling_count_accounted_start_global",
                "Requests that came to a throttle");
        accountedFinish = counter(
                registry,
                "pageserver_tenant_throttling_count_accounted_finish_global",
                "Requests that a throttle has let through");
        throttled = counter(registry, "pageserver_tenant_throttling_count_global", "Requests that a throttle had wait");
        waited = counter(
                registry,
                "pageserver_tenant_throttling_wait_usecs_sum_global",
                "How long requests waited in throttles, all together");
    }

    private static CounterDataPoint counter(PrometheusRegistry registry, String name, String help) {
        return Counter.builder()
                .name(name)
                .help(help)
                .labelNames("kind")
                .register(registry)
                .labelValues("pagestream");
    }

    /**
     * Waits until a tenant may make so many more requests.
     *
     * @throws CancelledException if the server is being shut down
     */
    void await(TenantId tenant, int requests, ThrottleSettings settings, Cancellation cancellation)
            throws CancelledException {
        if (!settings.enabled()) {
            return;
        }
        accountedStart.inc(requests);
        long nanos = bucket(tenant, settings).take(requests, clock.nanos());
        if (nanos > 0) {
            throttled.inc(requests);
            waited.inc((double) TimeUnit.NANOSECONDS.toMicros(nanos));
            tasks.sleep(nanos, cancellation);
            if (cancellation.isCancelled()) {
                throw new CancelledException("cancelled while waiting for a throttle");
            }
        }
        accountedFinish.inc(requests);
    }

    private TokenBucket bucket(TenantId tenant, ThrottleSettings settings) {
        TokenBucket known = buckets.get(tenant);
        if (known != null && known.settings().equals(settings)) {
            return known;
        }
        if (buckets.size() >= MANY_BUCKETS) {
            buckets.values().removeIf(bucket -> bucket.isFull(clock.nanos()));
        }
        return buckets.compute(
                tenant,
                (_, there) -> there != null && there.settings().equals(settings)
                        ? there
                        : new TokenBucket(settings, clock.nanos()));
    }
}
