package dev.palimpsest.pageserver.http;

import io.prometheus.metrics.expositionformats.ExpositionFormatWriter;
import io.prometheus.metrics.expositionformats.ExpositionFormats;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What those ask who run the server, and their tools: probes, metrics, reload. */
final class OperationsResource {
    private static final int OK = 200;

    private final ServerOperations operations;
    private final PrometheusRegistry metrics;
    private final ExpositionFormats formats = ExpositionFormats.init();

    OperationsResource(ServerOperations operations, PrometheusRegistry metrics) {
        this.operations = operations;
        this.metrics = metrics;
    }

    /** @param metricsAccess who may see the metrics */
    void addTo(Router router, Access metricsAccess) {
        router.add("GET", "/healthz", Router.ANY, Access.OPEN, _ -> Reply.ok(Map.of("status", "ok")));
        router.add("GET", "/readyz", Router.ANY, Access.OPEN, _ -> ready());
        router.add("GET", "/metrics", Router.ANY, metricsAccess, this::metrics);
        router.add("POST", "/palimpsest/v1/reload", Set.of(), _ -> reload());
        router.add("POST", "/v1/reload_auth_validation_keys", Router.ANY, _ -> reload());
    }

    private Reply ready() {
        List<String> problems = operations.problems();
        return new Reply.Json(
                problems.isEmpty() ? OK : HttpFailure.UNAVAILABLE,
                new Responses.Ready(problems.isEmpty(), problems, operations.tenantsNotServed()));
    }

    private Reply metrics(Call call) {
        ExpositionFormatWriter writer = formats.findWriter(call.accept());
        ByteArrayOutputStream out = new ByteArrayOutputStream(1 << 16);
        try {
            writer.write(out, metrics.scrape());
        } catch (IOException e) {
            throw new IllegalStateException("memory takes every byte", e);
        }
        return new Reply.Bytes(writer.getContentType(), Map.of(), out.toByteArray());
    }

    private Reply reload() throws HttpFailure {
        try {
            return Reply.ok(operations.reload());
        } catch (IOException e) {
            throw HttpFailure.badRequest(String.valueOf(e.getMessage()));
        }
    }
}
