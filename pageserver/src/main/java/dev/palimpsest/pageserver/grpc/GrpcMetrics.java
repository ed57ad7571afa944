package dev.palimpsest.pageserver.grpc;

import io.grpc.Status;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.model.registry.PrometheusRegistry;

/** What is counted of calls; of the requests in them the page service's metrics count. Safe for use by many threads. */
final class GrpcMetrics {
    private final Counter started;
    private final Counter finished;

    GrpcMetrics(PrometheusRegistry registry) {
        started = Counter.builder()
                .name("palimpsest_grpc_calls_started_total")
                .help("Calls of the gRPC page API that began")
                .labelNames("method")
                .register(registry);
        finished = Counter.builder()
                .name("palimpsest_grpc_calls_finished_total")
                .help("Calls of the gRPC page API that ended, by their status")
                .labelNames("method", "code")
                .register(registry);
    }

    /** @param method one that there is, or this would grow without bound */
    void started(String method) {
        started.labelValues(method).inc();
    }

    void finished(String method, Status.Code code) {
        finished.labelValues(method, code.name()).inc();
    }
}
