package dev.palimpsest.pageserver.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.dialect.Dialects;
import dev.palimpsest.pageserver.security.InterfaceSecurity;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** The document says what the server does: every route is asked, and what comes back is held against the document. */
class OpenApiTest {
    private static final Path DOCUMENT = Path.of("../docs/openapi.json");

    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final SchemaRegistry registry = SchemaRegistry.withDialect(Dialects.getDraft202012());

    private final FakeBranches branches = new FakeBranches();
    private volatile @Nullable String problem;
    private final HttpApi api = new HttpApi(
            branches,
            new ServerOperations() {
                @Override
                public List<String> problems() {
                    String now = problem;
                    return now == null ? List.of() : List.of(now);
                }

                @Override
                public Responses.Reloaded reload() {
                    return new Responses.Reloaded(List.of("log_level: info"), List.of("listen_http_addr"));
                }
            },
            HttpSettings.on("127.0.0.1", 0),
            InterfaceSecurity.NONE,
            new PrometheusRegistry());
    private final JsonNode document = OpenApiDocument.of(api.routes());

    @BeforeEach
    void start() throws IOException {
        api.start();
    }

    @AfterEach
    void stop() {
        client.close();
        api.close();
    }

    /** Run with {@code -Dpalimpsest.write-docs=true} to write it. */
    @Test
    void theDocumentIsTheOneThatIsPublished() throws Exception {
        String text = ApiJson.mapper().writerWithDefaultPrettyPrinter().writeValueAsString(document) + "\n";
        if (Boolean.getBoolean("palimpsest.write-docs")) {
            Files.writeString(DOCUMENT, text);
        }
        assertThat(Files.readString(DOCUMENT)).isEqualTo(text);
        for (String path : List.of("/openapi.json", "/swagger.yml")) {
            HttpResponse<String> served = client.send(
                    HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + api.port() + path))
                            .build(),
                    BodyHandlers.ofString());
            assertThat(served.body() + "\n").as(path).isEqualTo(text);
        }
    }

    @Test
    void everyPartHasItsOwnName() {
        List<String> ids = new ArrayList<>();
        for (JsonNode path : document.get("paths")) {
            path.forEach(operation -> ids.add(operation.get("operationId").asString()));
        }
        assertThat(ids).doesNotHaveDuplicates().hasSizeGreaterThan(40);
        document.get("components")
                .get("schemas")
                .propertyNames()
                .forEach(name -> assertThat(name).matches("[A-Za-z0-9]+"));
        String text = document.toString();
        for (String part : text.split("\"\\$ref\":\"#", -1)) {
            if (part.startsWith("/components/")) {
                String pointer = part.substring(0, part.indexOf('"'));
                assertThat(document.at(pointer).isObject()).as(pointer).isTrue();
            }
        }
    }

    @Test
    void everyRouteAnswersAsTheDocumentSays() throws Exception {
        Set<String> declared = new TreeSet<>();
        for (Route route : api.routes()) {
            route.answers().keySet().forEach(status -> declared.add(name(route) + ": " + status));
        }
        Set<String> seen = new TreeSet<>();
        for (ApiSample sample : ApiSamples.all()) {
            check(sample);
            seen.add(sample.route() + ": " + sample.status());
        }
        assertThat(seen)
                .as("each answer that is declared for a route was provoked")
                .isEqualTo(declared);
    }

    @Test
    void whatIsRequiredIsMissed() throws Exception {
        Map<String, Route> routes = new HashMap<>();
        api.routes().forEach(route -> routes.put(name(route), route));
        int missed = 0;
        for (ApiSample sample : ApiSamples.all()) {
            Route route = routes.get(sample.route());
            if (sample.status() >= HttpFailure.BAD_REQUEST || route == null) {
                continue;
            }
            for (ApiSample without : sample.without(route)) {
                check(without);
                missed++;
            }
        }
        assertThat(missed).isGreaterThan(15);
    }

    private static String name(Route route) {
        return route.method() + " " + route.path();
    }

    /** Asks a server that has nothing left of what was asked before. */
    private void check(ApiSample sample) throws IOException, InterruptedException {
        branches.reset();
        problem = sample.problem();
        sample.before().accept(branches);
        JsonNode operation =
                document.get("paths").get(sample.template()).get(sample.method().toLowerCase(Locale.ROOT));
        HttpRequest.Builder request = HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + api.port() + sample.path()))
                .method(
                        sample.method(),
                        sample.body() == null ? BodyPublishers.noBody() : BodyPublishers.ofString(sample.body()));
        if (sample.body() != null) {
            JsonNode content = operation.get("requestBody").get("content");
            String type = content.propertyNames().iterator().next();
            request.header("Content-Type", type);
            JsonNode schema = content.get(type).get("schema");
            if (schema != null && sample.status() < HttpFailure.BAD_REQUEST) {
                validate(schema, sample.body(), sample);
            }
        }
        HttpResponse<String> answer = client.send(request.build(), BodyHandlers.ofString());
        assertThat(answer.statusCode()).as(sample + ": " + answer.body()).isEqualTo(sample.status());
        checkAnswer(operation.get("responses"), answer, sample);
    }

    private void checkAnswer(JsonNode responses, HttpResponse<String> answer, ApiSample sample) {
        JsonNode response = responses.get(Integer.toString(sample.status()));
        assertThat(response).as("the document knows of this answer: " + sample).isNotNull();
        if (response.has("$ref")) {
            response = document.at(response.get("$ref").asString().substring(1));
        }
        JsonNode content = response.get("content");
        if (content == null) {
            assertThat(answer.body()).as(sample.toString()).isEmpty();
            return;
        }
        String type = content.propertyNames().iterator().next();
        assertThat(answer.headers().firstValue("Content-Type").orElse(""))
                .as(sample.toString())
                .startsWith(type);
        JsonNode schema = content.get(type).get("schema");
        if (schema != null) {
            validate(schema, answer.body(), sample);
        }
    }

    /** What a schema refers to is in the document, so it is put where the schema looks for it. */
    private void validate(JsonNode schema, String json, ApiSample sample) {
        ObjectNode whole = ((ObjectNode) schema).deepCopy();
        whole.set("components", document.get("components"));
        assertThat(registry.getSchema(whole).validate(ApiJson.mapper().readTree(json)))
                .as(sample + ": " + json)
                .isEmpty();
    }
}
