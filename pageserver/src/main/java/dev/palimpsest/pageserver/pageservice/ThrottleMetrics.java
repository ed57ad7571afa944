package dev.palimpsest.pageserver.pageservice;

import dev.palimpsest.storage.TenantId;
import io.prometheus.metrics.core.datapoints.CounterDataPoint;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.Comparator;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;

/**
 * What throttles do, under Neon's names: all together, and for each of the hundred tenants that have waited for the longest. Safe
 * for use by many threads.
 */
final class ThrottleMetrics {
    private static final String PREFIX = "pageserver_tenant_throttling_";
    private static final String KIND = "pagestream";
    private static final String UNSHARDED = "0000";
    private static final int MOST_TENANTS = 100;

    private final Map<TenantId, ThrottledTenant> tenants;
    private final CounterDataPoint begun;
    private final CounterDataPoint ended;
    private final CounterDataPoint throttled;
    private final CounterDataPoint waited;

    /** @param tenants those that are known, at any time */
    ThrottleMetrics(Map<TenantId, ThrottledTenant> tenants, PrometheusRegistry registry) {
        this.tenants = tenants;
        begun = all(registry, "count_accounted_start", "Requests that came to a throttle");
        ended = all(registry, "count_accounted_finish", "Requests that a throttle has let through");
        throttled = all(registry, "count", "Requests that a throttle had wait");
        waited = all(registry, "wait_usecs_sum", "How long requests waited in throttles, all together");
        each(registry, "count_accounted_start", "Requests of a tenant that came to its throttle", of -> of.begun);
        each(
                registry,
                "count_accounted_finish",
                "Requests of a tenant that its throttle has let through",
                of -> of.ended);
        each(registry, "count", "Requests of a tenant that its throttle had wait", of -> of.throttled);
        each(registry, "wait_usecs_sum", "How long requests of a tenant waited in its throttle", of -> of.waitedMicros);
    }

    /** A count of a tenant, and how long it has waited at the same time. */
    private record Shown(TenantId tenant, long count, long waitedMicros) {}

    private static CounterDataPoint all(PrometheusRegistry registry, String name, String help) {
        return Counter.builder()
                .name(PREFIX + name + "_global")
                .help(help)
                .labelNames("kind")
                .register(registry)
                .labelValues(KIND);
    }

    private void each(PrometheusRegistry registry, String name, String help, Function<ThrottledTenant, LongAdder> of) {
        CounterWithCallback.builder()
                .name(PREFIX + name)
                .help(help)
                .labelNames("kind", "tenant_id", "shard_id")
                .callback(callback -> tenants.entrySet().stream()
                        .map(entry -> new Shown(
                                entry.getKey(),
                                of.apply(entry.getValue()).sum(),
                                entry.getValue().waitedMicros.sum()))
                        .sorted(Comparator.comparingLong(Shown::waitedMicros).reversed())
                        .limit(MOST_TENANTS)
                        .forEach(one -> callback.call(
                                (double) one.count(), KIND, one.tenant().toString(), UNSHARDED)))
                .register(registry);
    }

    void began(ThrottledTenant tenant, int requests) {
        begun.inc(requests);
        tenant.begun.add(requests);
    }

    void waits(ThrottledTenant tenant, int requests) {
        throttled.inc(requests);
        tenant.throttled.add(requests);
    }

    void waited(ThrottledTenant tenant, long nanos) {
        long micros = TimeUnit.NANOSECONDS.toMicros(nanos);
        waited.inc(micros);
        tenant.waitedMicros.add(micros);
    }

    void ended(ThrottledTenant tenant, int requests) {
        ended.inc(requests);
        tenant.ended.add(requests);
    }
}
