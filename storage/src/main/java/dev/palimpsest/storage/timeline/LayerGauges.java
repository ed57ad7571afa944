package dev.palimpsest.storage.timeline;

import dev.palimpsest.storage.layer.Layer;
import dev.palimpsest.storage.layer.LayerKind;
import dev.palimpsest.storage.layer.PersistentLayer;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.Iterator;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Tells how many layers of each level all timelines together have, counted when it is asked, and how many a read visits. Safe
 * for use by many threads.
 */
final class LayerGauges {
    private static final double[] UPPER_BOUNDS = {1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 30, 50, 100};

    private static final int LEVELS = 3;

    private final Set<Timeline> timelines = ConcurrentHashMap.newKeySet();
    private final Histogram visited;

    /**
     * @param registry where {@code palimpsest_layers} and {@code palimpsest_layer_bytes}, with the label {@code level}, and {@code palimpsest_layers_per_read} are
     *     registered
     */
    LayerGauges(PrometheusRegistry registry) {
        GaugeWithCallback.builder()
                .name("palimpsest_layers")
                .help("Number of layer files of all timelines: level l0, l1 or image.")
                .labelNames("level")
                .callback(callback -> {
                    double[] counts = counts();
                    callback.call(counts[0], "l0");
                    callback.call(counts[1], "l1");
                    callback.call(counts[2], "image");
                })
                .register(registry);
        GaugeWithCallback.builder()
                .name("palimpsest_layer_bytes")
                .help("Size of the layer files of all timelines, here or not: level l0, l1 or image.")
                .labelNames("level")
                .callback(callback -> {
                    double[] counts = counts();
                    callback.call(counts[3], "l0");
                    callback.call(counts[4], "l1");
                    callback.call(counts[5], "image");
                })
                .register(registry);
        GaugeWithCallback.builder()
                .name("palimpsest_timelines")
                .help("Timelines that are loaded.")
                .callback(callback -> callback.call(timelines.size()))
                .register(registry);
        visited = Histogram.builder()
                .name("palimpsest_layers_per_read")
                .help("How many layers a read has visited, in memory ones and those of ancestors included.")
                .classicOnly()
                .classicUpperBounds(UPPER_BOUNDS)
                .register(registry);
    }

    /** A read, of one key or several, has visited so many layers. */
    void visited(int layers) {
        visited.observe(layers);
    }

    void add(Timeline timeline) {
        timelines.add(timeline);
    }

    void remove(Timeline timeline) {
        timelines.remove(timeline);
    }

    /** Layers of L0, L1 and with images, and then their bytes. */
    private double[] counts() {
        double[] counts = new double[2 * LEVELS];
        for (Timeline timeline : timelines) {
            Iterator<Layer> layers = timeline.layers().historicLayers().iterator();
            while (layers.hasNext()) {
                Layer layer = layers.next();
                int level = layer.isL0() ? 0 : layer.kind() == LayerKind.DELTA ? 1 : 2;
                counts[level]++;
                counts[LEVELS + level] += layer instanceof PersistentLayer file ? file.size() : 0;
            }
        }
        return counts;
    }
}
