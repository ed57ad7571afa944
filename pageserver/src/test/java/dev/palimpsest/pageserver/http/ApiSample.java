package dev.palimpsest.pageserver.http;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * A request for a route, and the status that answers it.
 *
 * @param route method and path, with the path's variables
 * @param variables what stands for them
 * @param before what is done with the branches first
 * @param problem what keeps the server from being ready; null if nothing does
 */
record ApiSample(
        String route,
        Map<String, String> variables,
        Map<String, String> query,
        @Nullable String body,
        int status,
        Consumer<FakeBranches> before,
        @Nullable String problem) {
    private static final Map<String, String> PROD =
            Map.of("tenant", FakeBranches.TENANT, "timeline", FakeBranches.TIMELINE, "name", "prod");

    static ApiSample of(String route, int status) {
        return new ApiSample(route, PROD, Map.of(), null, status, _ -> {}, null);
    }

    ApiSample with(String variable, String value) {
        return new ApiSample(route, merged(variables, variable, value), query, body, status, before, problem);
    }

    ApiSample query(String parameter, String value) {
        return new ApiSample(route, variables, merged(query, parameter, value), body, status, before, problem);
    }

    ApiSample body(String json) {
        return new ApiSample(route, variables, query, json, status, before, problem);
    }

    ApiSample after(Consumer<FakeBranches> first) {
        return new ApiSample(route, variables, query, body, status, first, problem);
    }

    ApiSample problem(String what) {
        return new ApiSample(route, variables, query, body, status, before, what);
    }

    private static Map<String, String> merged(Map<String, String> map, String key, String value) {
        Map<String, String> merged = new TreeMap<>(map);
        merged.put(key, value);
        return merged;
    }

    /** The same without something that the route requires, each once: wrong then. */
    List<ApiSample> without(Route of) {
        List<ApiSample> all = new ArrayList<>();
        for (Parameter parameter : of.query()) {
            if (parameter.required()) {
                Map<String, String> rest = new TreeMap<>(query);
                rest.remove(parameter.name());
                all.add(new ApiSample(route, variables, rest, body, HttpFailure.BAD_REQUEST, before, problem));
            }
        }
        if (body == null || !(of.body() instanceof Route.Body.Json takes)) {
            return all;
        }
        if (takes.required()) {
            all.add(new ApiSample(route, variables, query, null, HttpFailure.BAD_REQUEST, before, problem));
        }
        for (String field : takes.requiredFields()) {
            ObjectNode rest = (ObjectNode) ApiJson.mapper().readTree(body);
            rest.remove(field);
            all.add(new ApiSample(route, variables, query, rest.toString(), HttpFailure.BAD_REQUEST, before, problem));
        }
        return all;
    }

    String method() {
        return route.substring(0, route.indexOf(' '));
    }

    /** The path with its variables. */
    String template() {
        return route.substring(route.indexOf(' ') + 1);
    }

    String path() {
        String filled = Arrays.stream(template().split("/", -1))
                .map(part -> Route.isVariable(part) ? variables.getOrDefault(Route.variableName(part), "-") : part)
                .collect(Collectors.joining("/"));
        return query.isEmpty()
                ? filled
                : filled + "?"
                        + query.entrySet().stream()
                                .map(entry -> entry.getKey() + "=" + entry.getValue())
                                .collect(Collectors.joining("&"));
    }
}
