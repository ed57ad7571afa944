package dev.palimpsest.storage.timeline;

import dev.palimpsest.storage.context.TenantPermits;
import dev.palimpsest.storage.runtime.Signal;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.concurrent.atomic.AtomicLong;

/** What all timelines of a process share to get their layers into the object store. Safe for use by many threads. */
final class LayerUploads {
    private final UploadSettings settings;
    private final TenantPermits permits;
    private final AtomicLong backlogBytes = new AtomicLong();
    private final Counter started;
    private final Counter finished;
    private final Counter failed;
    private final Counter bytes;

    /**
     * @param signal a signal that nobody else uses
     * @param registry where {@code pageserver_remote_timeline_client_…} and {@code palimpsest_upload_backlog_bytes} are
     *     registered
     */
    LayerUploads(UploadSettings settings, Signal signal, PrometheusRegistry registry) {
        this.settings = settings;
        this.permits = new TenantPermits("uploading a layer", settings.concurrency(), signal);
        this.started = counter(registry, "pageserver_remote_timeline_client_calls_started", "that were begun");
        this.finished = counter(registry, "pageserver_remote_timeline_client_calls_finished", "that came to an end");
        this.failed = counter(registry, "palimpsest_remote_timeline_client_calls_failed", "that failed");
        this.bytes = Counter.builder()
                .name("pageserver_remote_timeline_client_bytes_finished")
                .help("Bytes of layers that were uploaded.")
                .register(registry);
        GaugeWithCallback.builder()
                .name("palimpsest_upload_backlog_bytes")
                .help("Bytes of layers that are not in the object store yet.")
                .callback(callback -> callback.call((double) backlogBytes.get()))
                .register(registry);
    }

    private static Counter counter(PrometheusRegistry registry, String name, String what) {
        return Counter.builder()
                .name(name)
                .help("Operations on the object store " + what + ": of layers or of index parts.")
                .labelNames("file_kind", "op_kind")
                .register(registry);
    }

    UploadSettings settings() {
        return settings;
    }

    TenantPermits permits() {
        return permits;
    }

    /** The bytes of a timeline that wait have become more or fewer. */
    void backlogChanged(long difference) {
        backlogBytes.addAndGet(difference);
    }

    /** Counts an operation; close it when it has ended, in whatever way. */
    Operation begin(String fileKind, String opKind) {
        started.labelValues(fileKind, opKind).inc();
        return new Operation(fileKind, opKind);
    }

    /** An operation on the object store. */
    final class Operation implements AutoCloseable {
        private final String fileKind;
        private final String opKind;
        private boolean done;

        private Operation(String fileKind, String opKind) {
            this.fileKind = fileKind;
            this.opKind = opKind;
        }

        void succeeded(long size) {
            done = true;
            bytes.inc(size);
        }

        @Override
        public void close() {
            finished.labelValues(fileKind, opKind).inc();
            if (!done) {
                failed.labelValues(fileKind, opKind).inc();
            }
        }
    }
}
