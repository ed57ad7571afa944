package dev.palimpsest.storage.blob;

import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.function.LongSupplier;

/** What is told of a block cache, besides its size. */
public final class BlockCacheMetrics {
    private BlockCacheMetrics() {}

    /** Registers {@code palimpsest_block_cache_…_total}, and {@code palimpsest_value_block_cache_…_total} if it has one. */
    public static void register(BlockCache cache, PrometheusRegistry registry) {
        counter(registry, "block_cache_hits", "Index blocks that were found in memory.", cache::hits);
        counter(registry, "block_cache_misses", "Index blocks that had to be read.", cache::misses);
        counter(registry, "block_cache_evictions", "Index blocks that made room for others.", cache::evictions);
        BlockCache values = cache.values();
        if (values != null) {
            counter(
                    registry,
                    "value_block_cache_hits",
                    "Blocks of small values that were found in memory.",
                    values::hits);
            counter(
                    registry,
                    "value_block_cache_misses",
                    "Blocks of small values that had to be read, for one value or several in one block.",
                    values::misses);
            counter(
                    registry,
                    "value_block_cache_evictions",
                    "Blocks of small values that made room for others.",
                    values::evictions);
        }
    }

    private static void counter(PrometheusRegistry registry, String what, String help, LongSupplier value) {
        CounterWithCallback.builder()
                .name("palimpsest_" + what + "_total")
                .help(help)
                .callback(callback -> callback.call((double) value.getAsLong()))
                .register(registry);
    }
}
