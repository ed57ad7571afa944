package dev.palimpsest.storage.blob;

import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.function.LongSupplier;

/** What is told of a block cache, besides its size. */
public final class BlockCacheMetrics {
    private BlockCacheMetrics() {}

    /** Registers {@code palimpsest_block_cache_…_total}. */
    public static void register(BlockCache cache, PrometheusRegistry registry) {
        counter(registry, "hits", "Index blocks that were found in memory.", cache::hits);
        counter(registry, "misses", "Index blocks that had to be read.", cache::misses);
        counter(registry, "evictions", "Index blocks that made room for others.", cache::evictions);
    }

    private static void counter(PrometheusRegistry registry, String what, String help, LongSupplier value) {
        CounterWithCallback.builder()
                .name("palimpsest_block_cache_" + what + "_total")
                .help(help)
                .callback(callback -> callback.call((double) value.getAsLong()))
                .register(registry);
    }
}
