package dev.palimpsest.storage.runtime;

import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.LongSupplier;

/**
 * Tells of every queue, cache and buffer how much of it is in use, and how much there may be: {@code palimpsest_resource_used}
 * and {@code palimpsest_resource_limit} by {@code resource}. What is counted in bytes says so in its name. Asks when it is asked.
 * Safe for use by many threads.
 */
public final class ResourceGauges {
    private record Resource(LongSupplier used, long limit) {}

    private final Map<String, Resource> resources = new ConcurrentSkipListMap<>();

    /** @param registry where both gauges are registered */
    public ResourceGauges(PrometheusRegistry registry) {
        GaugeWithCallback.builder()
                .name("palimpsest_resource_used")
                .help("How much of a queue, cache or buffer is in use; in bytes if its name says so.")
                .labelNames("resource")
                .callback(gauge ->
                        resources.forEach((name, resource) -> gauge.call((double) resource.used.getAsLong(), name)))
                .register(registry);
        GaugeWithCallback.builder()
                .name("palimpsest_resource_limit")
                .help("How much of a queue, cache or buffer there may be; +Inf for any amount.")
                .labelNames("resource")
                .callback(gauge -> resources.forEach((name, resource) -> gauge.call(
                        resource.limit == Long.MAX_VALUE ? Double.POSITIVE_INFINITY : (double) resource.limit, name)))
                .register(registry);
    }

    /**
     * Tells of one more.
     *
     * @param limit {@link Long#MAX_VALUE} for any amount
     */
    public ResourceGauges watch(String name, LongSupplier used, long limit) {
        resources.put(name, new Resource(used, limit));
        return this;
    }
}
