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

    private record Route(
            String method,
            List<String> path,
            Set<String> parameters,
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

    /** A route, what stands for its variables, and the type of the body that it takes as a stream; null if it takes none. */
    record Found(
            Action action,
            Set<String> parameters,
            Map<String, String> variables,
            @Nullable String streamType) {
        void check(Set<String> given) throws HttpFailure {
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

    void add(String method, String path, Set<String> parameters, Action action) {
        routes.add(new Route(method, parts(path), Set.copyOf(parameters), action, null));
    }

    /** A route that reads its body as it comes, which has a type that a form in somebody's browser cannot have. */
    void addStreamed(String method, String path, Set<String> parameters, String type, Action action) {
        routes.add(new Route(method, parts(path), Set.copyOf(parameters), action, type));
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
                    return new Found(route.action(), route.parameters(), variables, route.streamType());
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
