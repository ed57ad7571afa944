package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.branch.BranchException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Finds what a request is for. A route's path has variables: {@code /palimpsest/v1/branch/{name}}; each stands for one part
 * that is not empty. Immutable once the server is started.
 */
final class Router {
    /** What a route does. */
    @FunctionalInterface
    interface Action {
        Reply handle(Call call) throws BranchException, HttpFailure;
    }

    /** Parameters of a route that takes any, and ignores what it does not know, as Neon does. */
    static final Set<String> ANY = Set.of("*");

    /** A route, for who wants to know all of them; {@code path} with its variables. */
    record Entry(String method, String path, Access access) {}

    private record Route(
            String method,
            String text,
            List<String> path,
            Set<String> parameters,
            Access access,
            Action action,
            @Nullable String streamType) {
        @Nullable
        Map<String, String> match(List<String> parts) {
            if (parts.size() != path.size()) {
                return null;
            }
            Map<String, String> variables = new HashMap<>();
            for (int i = 0; i < path.size(); i++) {
                String expected = path.get(i);
                String part = parts.get(i);
                if (expected.startsWith("{")) {
                    if (part.isEmpty()) {
                        return null;
                    }
                    variables.put(expected.substring(1, expected.length() - 1), part);
                } else if (!expected.equals(part)) {
                    return null;
                }
            }
            return variables;
        }
    }

    /** A route, and what stands for its variables. */
    record Found(Route route, Map<String, String> variables) {
        Action action() {
            return route.action;
        }

        Access access() {
            return route.access;
        }

        /** The type of the body that it takes as a stream; null if it takes none. */
        @Nullable
        String streamType() {
            return route.streamType;
        }

        /** With the route's variables, not what stands for them. */
        String path() {
            return route.text;
        }

        void check(Set<String> given) throws HttpFailure {
            Set<String> parameters = route.parameters;
            if (parameters.equals(ANY)) {
                return;
            }
            for (String name : given) {
                if (!parameters.contains(name)) {
                    throw HttpFailure.badRequest("unknown parameter '" + name + "'"
                            + (parameters.isEmpty()
                                    ? ""
                                    : "; known are " + String.join(", ", new TreeSet<>(parameters))));
                }
            }
        }
    }

    private final List<Route> routes = new ArrayList<>();

    /** Adds a route for who may do everything. */
    void add(String method, String path, Set<String> parameters, Action action) {
        add(method, path, parameters, Access.SERVER, action);
    }

    /**
     * Adds a route.
     *
     * @throws IllegalArgumentException if the path does not say whose the route is
     */
    void add(String method, String path, Set<String> parameters, Access access, Action action) {
        add(method, path, parameters, access, action, null);
    }

    /**
     * Adds a route that reads its body as it comes, however long it is: for who may do everything.
     *
     * @param type the body's, which has to be one that a form in somebody's browser cannot have
     */
    void addStreamed(String method, String path, Set<String> parameters, String type, Action action) {
        add(method, path, parameters, Access.SERVER, action, type);
    }

    private void add(
            String method,
            String path,
            Set<String> parameters,
            Access access,
            Action action,
            @Nullable String streamType) {
        List<String> parts = parts(path);
        if ((access == Access.TENANT && !parts.contains("{tenant}"))
                || (access == Access.BRANCH && !parts.contains("{name}"))) {
            throw new IllegalArgumentException("whose is " + path + "?");
        }
        routes.add(new Route(method, path, parts, Set.copyOf(parameters), access, action, streamType));
    }

    /** All routes. */
    List<Entry> entries() {
        return routes.stream()
                .map(route -> new Entry(route.method(), route.text(), route.access()))
                .toList();
    }

    private static List<String> parts(String path) {
        String trimmed = path.length() > 1 && path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
        return List.of(trimmed.split("/", -1));
    }

    Found find(String method, String path) throws HttpFailure {
        List<String> parts = parts(path);
        TreeSet<String> others = new TreeSet<>();
        for (Route route : routes) {
            Map<String, String> variables = route.match(parts);
            if (variables != null) {
                if (route.method().equals(method)) {
                    return new Found(route, variables);
                }
                others.add(route.method());
            }
        }
        if (others.isEmpty()) {
            throw new HttpFailure(HttpFailure.NOT_FOUND, "there is nothing at " + path);
        }
        throw HttpFailure.wrongMethod(method, path, others);
    }
}
