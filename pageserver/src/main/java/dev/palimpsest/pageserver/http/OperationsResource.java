package dev.palimpsest.pageserver.http;

import io.prometheus.metrics.expositionformats.ExpositionFormatWriter;
import io.prometheus.metrics.expositionformats.ExpositionFormats;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.List;
import java.util.Map;

/** What those ask who run the server, and their tools: probes, metrics, reload. */
final class OperationsResource {
    private static final int OK = 200;

    private record Health(String status) {}

    private final ServerOperations operations;
    private final PrometheusRegistry metrics;
    private final ExpositionFormats formats = ExpositionFormats.init();

    OperationsResource(ServerOperations operations, PrometheusRegistry metrics) {
        this.operations = operations;
        this.metrics = metrics;
    }

    /** @param metricsAccess who may see the metrics */
    void addTo(Router router, Access metricsAccess) {
        router.add(Route.get("/healthz", "Whether the server is alive")
                .access(Access.OPEN)
                .answers(Health.class)
                .by(_ -> Reply.ok(new Health("ok"))));
        router.add(Route.get("/readyz", "Whether the server serves, and if not, why")
                .access(Access.OPEN)
                .answers(Responses.Ready.class)
                .answers(HttpFailure.UNAVAILABLE, new Route.Answer.Json("It does not", Responses.Ready.class, false))
                .by(_ -> ready()));
        router.add(Route.get("/metrics", "Metrics for Prometheus, as text or as the header Accept says")
                .access(metricsAccess)
                .answers(200, new Route.Answer.Bytes("The metrics", "text/plain"))
                .by(this::metrics));
        router.add(Route.post("/palimpsest/v1/reload", "Reads configuration, keys and certificates again")
                .answers(Responses.Reloaded.class)
                .by(_ -> reload()));
        router.add(Route.post("/v1/reload_auth_validation_keys", "Reads the keys of tokens, and all else, again")
                .answers(Responses.Reloaded.class)
                .by(_ -> reload()));
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
