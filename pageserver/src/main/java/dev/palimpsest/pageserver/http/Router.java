package dev.palimpsest.pageserver.http;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Finds what a request is for, among routes in the order in which they were added. Immutable once the server is started. */
final class Router {
    private record Entry(Route route, List<String> parts) {
        @Nullable
        Map<String, String> match(List<String> given) {
            if (given.size() != parts.size()) {
                return null;
            }
            Map<String, String> variables = new HashMap<>();
            for (int i = 0; i < parts.size(); i++) {
                String expected = parts.get(i);
                String part = given.get(i);
                if (Route.isVariable(expected)) {
                    if (part.isEmpty()) {
                        return null;
                    }
                    variables.put(Route.variableName(expected), part);
                } else if (!expected.equals(part)) {
                    return null;
                }
            }
            return variables;
        }
    }

    /** A route, and what stands for its variables. */
    record Found(Route route, Map<String, String> variables) {}

    private final List<Entry> entries = new ArrayList<>();

    void add(Route route) {
        entries.add(new Entry(route, Route.parts(route.path())));
    }

    /** All routes. */
    List<Route> routes() {
        return entries.stream().map(Entry::route).toList();
    }

    Found find(String method, String path) throws HttpFailure {
        List<String> parts = Route.parts(path);
        TreeSet<String> others = new TreeSet<>();
        for (Entry entry : entries) {
            Map<String, String> variables = entry.match(parts);
            if (variables != null) {
                if (entry.route().method().equals(method)) {
                    return new Found(entry.route(), variables);
                }
                others.add(entry.route().method());
            }
        }
        if (others.isEmpty()) {
            throw new HttpFailure(HttpFailure.NOT_FOUND, "there is nothing at " + path);
        }
        throw HttpFailure.wrongMethod(method, path, others);
    }
}
