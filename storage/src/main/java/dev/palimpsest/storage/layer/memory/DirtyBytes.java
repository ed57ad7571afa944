package dev.palimpsest.storage.layer.memory;

import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * How many bytes of values all in-memory layers have together, counted as a layer file has them, and which layers to freeze
 * when that is too much: those that are larger than the average.
 *
 * <p>Safe for use by many threads. Every layer has a {@link Share}, and writes to what all layers have in common only when
 * it has grown by more than {@link #MAX_DRIFT} since it last did, or when its timeline ticks. So the total lags behind, by
 * at most that much per layer between ticks, and ingest into many timelines does not contend for one counter.
 */
public final class DirtyBytes {
    /** How much a layer may grow, in bytes, before it says so without being asked. */
    public static final long MAX_DRIFT = 10L << 20;

    private final long maxBytes;
    private final AtomicLong bytes = new AtomicLong();
    private final AtomicInteger layers = new AtomicInteger();

    /**
     * @param maxBytes above which total layers are to be frozen, in bytes; 0 for no limit
     * @param registry where the gauges {@code pageserver_timeline_ephemeral_bytes} and
     *     {@code palimpsest_ephemeral_layers} are registered
     */
    public DirtyBytes(long maxBytes, PrometheusRegistry registry) {
        if (maxBytes < 0) {
            throw new IllegalArgumentException("the limit of dirty bytes is negative: " + maxBytes);
        }
        this.maxBytes = maxBytes;
        GaugeWithCallback.builder()
                .name("pageserver_timeline_ephemeral_bytes")
                .help(
                        "Total number of bytes in ephemeral layers, summed for all timelines. Approximate, lazily updated.")
                .callback(callback -> callback.call((double) bytes.get()))
                .register(registry);
        GaugeWithCallback.builder()
                .name("palimpsest_ephemeral_layers")
                .help("Number of in-memory layers, open or frozen and not yet flushed, of all timelines.")
                .callback(callback -> callback.call(layers.get()))
                .register(registry);
    }

    /** A share for one more layer, of 0 bytes. */
    Share open() {
        layers.incrementAndGet();
        return new Share();
    }

    /** The total that was published, in bytes. */
    public long bytes() {
        return bytes.get();
    }

    /** How many layers have a share. */
    public int layers() {
        return layers.get();
    }

    /** The average size of a layer in bytes, if the total is above the limit. */
    private OptionalLong limitAt(long total) {
        return maxBytes > 0 && total > maxBytes
                ? OptionalLong.of(total / Math.max(1, layers.get()))
                : OptionalLong.empty();
    }

    /** What one layer contributes. Safe for use by many threads. */
    final class Share {
        private static final long RELEASED = -1;

        /** What of this layer is in the total, in bytes. */
        private final AtomicLong published = new AtomicLong();

        private Share() {}

        /** To be called after every batch; only looks at this share unless the drift is exceeded. */
        void grewTo(long size) {
            if (size - published.get() > MAX_DRIFT) {
                publish(size);
            }
        }

        /**
         * Makes the total know the size of the layer now. Does not change it once the share was released.
         *
         * @return the size, in bytes, from which on a layer should be frozen; empty while the total is within its limit
         */
        OptionalLong publish(long size) {
            long before = published.getAndUpdate(known -> known == RELEASED ? RELEASED : size);
            if (before == RELEASED) {
                return OptionalLong.empty();
            }
            return limitAt(before == size ? bytes.get() : bytes.addAndGet(size - before));
        }

        /** Takes the layer out of the total. Does nothing the second time. */
        void release() {
            long before = published.getAndSet(RELEASED);
            if (before != RELEASED) {
                bytes.addAndGet(-before);
                layers.decrementAndGet();
            }
        }
    }
}
