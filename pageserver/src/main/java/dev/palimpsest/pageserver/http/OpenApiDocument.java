package dev.palimpsest.pageserver.http;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The API as OpenAPI 3.1 describes one, from its routes. */
final class OpenApiDocument {
    private static final JsonMapper JSON = ApiJson.mapper();
    private static final String FAILURE = "#/components/responses/Failure";
    private static final String ABOUT = """
        The management API of Palimpsest. Paths below /v1 and their fields are those of Neon's pageserver; what that does \
        not have is below /palimpsest/v1. Parameters in a query that are not known are ignored below /v1, and refused with \
        400 below /palimpsest/v1. Every answer has the header x-request-id: the one of the request, if it has one of at \
        most 128 letters, digits, dots, dashes and underscores, else a new one; it is in the server's log too. The header \
        PAGESERVER_LAUNCH_TIMESTAMP says since when the server runs.\
        """;

    private final ApiSchemas answers = ApiSchemas.ofAnswers();
    private final ApiSchemas requests;

    private OpenApiDocument(List<Route> routes) {
        Map<Class<?>, Set<String>> required = new HashMap<>();
        for (Route route : routes) {
            if (route.body() instanceof Route.Body.Json body) {
                required.put(body.type(), Set.copyOf(body.requiredFields()));
            }
        }
        this.requests = ApiSchemas.ofRequests(required);
    }

    /** Describes all of these. */
    static ObjectNode of(List<Route> routes) {
        return new OpenApiDocument(routes).describe(routes);
    }

    private ObjectNode describe(List<Route> routes) {
        ObjectNode document = JSON.createObjectNode().put("openapi", "3.1.0");
        document.putObject("info")
                .put("title", "Palimpsest")
                .put("version", "1")
                .put("description", ABOUT);
        ObjectNode paths = document.putObject("paths");
        for (Route route : routes) {
            ObjectNode path = (ObjectNode) paths.optional(route.path()).orElseGet(() -> paths.putObject(route.path()));
            path.set(route.method().toLowerCase(Locale.ROOT), operation(route));
        }
        ObjectNode failure = answers.of(Responses.Failure.class);
        ObjectNode components = document.putObject("components");
        ObjectNode schemas = components.putObject("schemas");
        SortedMap<String, ObjectNode> sorted = new TreeMap<>();
        for (ApiSchemas from : List.of(answers, requests)) {
            from.definitions().forEachEntry((name, schema) -> sorted.put(name, (ObjectNode) schema));
        }
        sorted.forEach(schemas::set);
        components
                .putObject("responses")
                .putObject("Failure")
                .put("description", "Why it was not done")
                .putObject("content")
                .putObject(RequestHandler.JSON)
                .set("schema", failure);
        components
                .putObject("securitySchemes")
                .putObject("token")
                .put("type", "http")
                .put("scheme", "bearer")
                .put("bearerFormat", "JWT");
        return document;
    }

    private ObjectNode operation(Route route) {
        ObjectNode operation = JSON.createObjectNode();
        operation.putArray("tags").add(tag(route));
        operation.put("summary", route.summary());
        operation.put("operationId", id(route));
        ArrayNode parameters = operation.putArray("parameters");
        route.variables().forEach(variable -> parameters.add(parameter(variable, "path")));
        route.query().forEach(parameter -> parameters.add(parameter(parameter, "query")));
        Route.Body body = route.body();
        if (body != null) {
            describe(body, operation.putObject("requestBody"));
        }
        ObjectNode responses = operation.putObject("responses");
        SortedMap<Integer, Route.Answer> all = new TreeMap<>(route.answers());
        route.commonFailures().forEach((status, when) -> all.putIfAbsent(status, new Route.Answer.Failure(when)));
        all.forEach((status, answer) -> responses.set(Integer.toString(status), response(answer)));
        ArrayNode security = operation.putArray("security");
        if (route.access() != Access.OPEN) {
            security.addObject().putArray("token");
        }
        operation.put("x-palimpsest-access", route.access().name().toLowerCase(Locale.ROOT));
        return operation;
    }

    private void describe(Route.Body taken, ObjectNode described) {
        switch (taken) {
            case Route.Body.Json body ->
                described
                        .put("required", body.required())
                        .putObject("content")
                        .putObject(RequestHandler.JSON)
                        .set("schema", requests.of(body.type()));
            case Route.Body.Streamed(String mediaType) ->
                described.put("required", true).putObject("content").putObject(mediaType);
        }
    }

    private static String tag(Route route) {
        if (route.path().startsWith(Route.OWN)) {
            return "palimpsest";
        }
        return route.path().startsWith("/v1/") ? "neon" : "operations";
    }

    private static String id(Route route) {
        return route.method().toLowerCase(Locale.ROOT)
                + Route.parts(route.path()).stream()
                        .map(part -> Route.isVariable(part) ? Route.variableName(part) : part)
                        .map(part -> part.replaceAll("[^a-zA-Z0-9]", "_"))
                        .collect(Collectors.joining("_"));
    }

    private static ObjectNode parameter(Parameter parameter, String place) {
        ObjectNode described = JSON.createObjectNode()
                .put("name", parameter.name())
                .put("in", place)
                .put("required", parameter.required())
                .put("description", parameter.meaning());
        ObjectNode schema = described.putObject("schema");
        switch (parameter.form()) {
            case Parameter.Form.Text(), Parameter.Form.MomentText() -> schema.put("type", "string");
            case Parameter.Form.Flag() -> schema.put("type", "boolean");
            case Parameter.Form.Integral(long least, long most) ->
                schema.put("type", "integer").put("minimum", least).put("maximum", most);
            case Parameter.Form.Choice(List<String> values) ->
                values.forEach(schema.put("type", "string").putArray("enum")::add);
            case Parameter.Form.LsnText() ->
                schema.put("type", "string").put("pattern", "^[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}$");
            case Parameter.Form.Time() -> schema.put("type", "string").put("format", "date-time");
        }
        return described;
    }

    private ObjectNode response(Route.Answer answer) {
        ObjectNode response = JSON.createObjectNode();
        if (answer instanceof Route.Answer.Failure(String when)) {
            return response.put("$ref", FAILURE).put("description", when);
        }
        response.put("description", answer.meaning());
        switch (answer) {
            case Route.Answer.Json body -> {
                ObjectNode schema = answers.of(body.type());
                json(
                        response,
                        body.list()
                                ? JSON.createObjectNode().put("type", "array").set("items", schema)
                                : schema);
            }
            case Route.Answer.JsonNull _ ->
                json(response, JSON.createObjectNode().put("type", "null"));
            case Route.Answer.Bytes bytes -> response.putObject("content").putObject(bytes.mediaType());
            case Route.Answer.Nothing _ -> {}
            case Route.Answer.Failure _ -> throw new IllegalStateException("it is described elsewhere");
        }
        return response;
    }

    private static void json(ObjectNode response, ObjectNode schema) {
        response.putObject("content").putObject(RequestHandler.JSON).set("schema", schema);
    }
}
