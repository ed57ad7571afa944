package dev.palimpsest.pageserver.http;

import io.prometheus.metrics.core.metrics.Gauge;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.registry.PrometheusRegistry;

/** What the management API counts. Safe for use by many threads. */
final class HttpMetrics {
    private static final double NANOS = 1e9;

    private final Histogram seconds;
    private final Gauge connections;

    HttpMetrics(PrometheusRegistry registry) {
        seconds = Histogram.builder()
                .name("palimpsest_http_request_seconds")
                .help(
                        "Time from a request's arrival to its answer's end, by route; requests for none have route \"none\"")
                .labelNames("method", "route", "status")
                .classicOnly()
                .classicUpperBounds(0.001, 0.01, 0.1, 1, 10, 100)
                .register(registry);
        connections = Gauge.builder()
                .name("palimpsest_http_connections")
                .help("Connections of the management API")
                .register(registry);
    }

    /** @param method of a route that there is, or {@code other}: never what somebody made up, which would be without end */
    void answered(String method, String route, int status, long nanos) {
        seconds.labelValues(method, route, Integer.toString(status)).observe(nanos / NANOS);
    }

    void connections(int change) {
        connections.inc(change);
    }
}
