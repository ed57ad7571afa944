package dev.palimpsest.storage.layer.residency;

import dev.palimpsest.storage.context.TaskKind;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.Locale;
import java.util.function.Supplier;

/** What is told of downloads. */
final class DownloadMetrics {
    private static final double NANOS = 1e9;

    private final Counter started;
    private final Counter layers;
    private final Counter failed;
    private final Counter bytes;
    private final Histogram waited;
    private final Histogram took;

    /** What is going on now; {@code bytes} is the size of the layers that are on their way. */
    record Load(int running, int waiting, long bytes) {}

    DownloadMetrics(PrometheusRegistry registry, Supplier<Load> load) {
        this.started = Counter.builder()
                .name("pageserver_ondemand_download_count")
                .help("Downloads of layers that were asked for, by the kind of task that did first.")
                .labelNames("task_kind")
                .register(registry);
        this.layers = Counter.builder()
                .name("pageserver_remote_ondemand_downloaded_layers_total")
                .help("Layers that were downloaded because they were read.")
                .register(registry);
        this.failed = Counter.builder()
                .name("palimpsest_layer_downloads_failed_total")
                .help("Downloads of layers that failed or were cancelled.")
                .register(registry);
        this.bytes = Counter.builder()
                .name("pageserver_remote_ondemand_downloaded_bytes_total")
                .help("Bytes of layers that have come from the object store, those of failed downloads included.")
                .register(registry);
        this.waited = Histogram.builder()
                .name("palimpsest_layer_download_wait_seconds")
                .help("How long downloads waited for their turn.")
                .register(registry);
        this.took = Histogram.builder()
                .name("palimpsest_layer_download_seconds")
                .help("How long downloads took once it was their turn.")
                .register(registry);
        GaugeWithCallback.builder()
                .name("palimpsest_layer_downloads")
                .help("Downloads of layers: state running or waiting.")
                .labelNames("state")
                .callback(callback -> {
                    Load now = load.get();
                    callback.call(now.running(), "running");
                    callback.call(now.waiting(), "waiting");
                })
                .register(registry);
        GaugeWithCallback.builder()
                .name("palimpsest_layer_download_in_flight_bytes")
                .help("Size of the layers that are on their way from the object store.")
                .callback(callback -> callback.call((double) load.get().bytes()))
                .register(registry);
    }

    void asked(TaskKind kind) {
        started.labelValues(kind.name().toLowerCase(Locale.ROOT)).inc();
    }

    void began(long waitedNanos) {
        waited.observe(waitedNanos / NANOS);
    }

    void received(long count) {
        bytes.inc(count);
    }

    void ended(boolean succeeded, long tookNanos) {
        (succeeded ? layers : failed).inc();
        took.observe(tookNanos / NANOS);
    }
}
