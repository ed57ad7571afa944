package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.branch.BranchException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * One thing that the API does, and all that is to be said of it: {@link OpenApiDocument} says it to others. Immutable.
 *
 * @param path with variables: {@code /palimpsest/v1/branch/{name}}; each stands for one part that is not empty
 * @param summary what it does, a sentence without its full stop
 * @param query what may stand in the query. What else stands there is ignored below {@code /v1}, as Neon does, and refused in
 *     {@link #OWN}
 * @param body what it takes, null if nothing
 * @param answers by status, without those that are common to many routes
 */
record Route(
        String method,
        String path,
        Access access,
        String summary,
        List<Parameter> variables,
        List<Parameter> query,
        @Nullable Body body,
        SortedMap<Integer, Answer> answers,
        Action action) {
    /** What all paths begin with that are not Neon's. */
    static final String OWN = "/palimpsest/v1/";

    private static final Map<String, Parameter> VARIABLES = Map.of(
            "tenant",
            Parameter.text("tenant", "The tenant's ID, 32 hexadecimal digits"),
            "timeline",
            Parameter.text("timeline", "The timeline's ID, 32 hexadecimal digits"),
            "name",
            Parameter.text("name", "The branch's name"));

    /** Does what a route is for. */
    @FunctionalInterface
    interface Action {
        Reply handle(Call call) throws BranchException, HttpFailure;
    }

    /** What a route takes besides its parameters. */
    sealed interface Body {
        /**
         * JSON.
         *
         * @param type the record that it becomes
         * @param required whether it must be there
         * @param requiredFields which of its fields must be there, by their names in JSON; who serves the route checks that
         */
        record Json(Class<?> type, boolean required, List<String> requiredFields) implements Body {}

        /**
         * Bytes that are read as they come, however many there are.
         *
         * @param mediaType one that a form in somebody's browser cannot have
         */
        record Streamed(String mediaType) implements Body {}
    }

    /** What comes back with a status. */
    sealed interface Answer {
        /** What it means. */
        String meaning();

        /** JSON; {@code type} is what is written, or of what each element of a list is. */
        record Json(String meaning, Class<?> type, boolean list) implements Answer {}

        /** The JSON value {@code null}. */
        record JsonNull(String meaning) implements Answer {}

        /** Bytes of another type. */
        record Bytes(String meaning, String mediaType) implements Answer {}

        /** No body. */
        record Nothing(String meaning) implements Answer {}

        /** A {@link Responses.Failure}. */
        record Failure(String meaning) implements Answer {}
    }

    Route {
        List<String> names = variableNames(path);
        if ((access == Access.TENANT && !names.contains("tenant"))
                || (access == Access.BRANCH && !names.contains("name"))) {
            throw new IllegalArgumentException("whose is " + path + "?");
        }
        if (answers.keySet().stream().noneMatch(status -> status < HttpFailure.BAD_REQUEST)) {
            throw new IllegalArgumentException("what does " + method + " " + path + " answer?");
        }
        variables = List.copyOf(variables);
        query = List.copyOf(query);
        answers = new TreeMap<>(answers);
    }

    static Builder get(String path, String summary) {
        return new Builder("GET", path, summary);
    }

    static Builder post(String path, String summary) {
        return new Builder("POST", path, summary);
    }

    static Builder put(String path, String summary) {
        return new Builder("PUT", path, summary);
    }

    static Builder patch(String path, String summary) {
        return new Builder("PATCH", path, summary);
    }

    static Builder delete(String path, String summary) {
        return new Builder("DELETE", path, summary);
    }

    /** The parts of a path; a slash at its end counts for nothing. */
    static List<String> parts(String path) {
        String trimmed = path.length() > 1 && path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
        return List.of(trimmed.split("/", -1));
    }

    private static List<String> variableNames(String path) {
        return parts(path).stream()
                .filter(Route::isVariable)
                .map(Route::variableName)
                .toList();
    }

    static boolean isVariable(String part) {
        return part.startsWith("{");
    }

    static String variableName(String part) {
        return part.substring(1, part.length() - 1);
    }

    /**
     * Looks at a query before the route is asked.
     *
     * @throws HttpFailure 400 if something is missing or wrong, or, of our own routes, unknown
     */
    void check(Map<String, String> given) throws HttpFailure {
        if (path.startsWith(OWN)) {
            refuseUnknown(given);
        }
        for (Parameter parameter : query) {
            String value = given.get(parameter.name());
            if (value != null && !(value.isEmpty() && parameter.required())) {
                parameter.check(value);
            } else if (parameter.required()) {
                throw HttpFailure.badRequest("the parameter '" + parameter.name() + "' is missing");
            }
        }
    }

    private void refuseUnknown(Map<String, String> given) throws HttpFailure {
        TreeSet<String> known = new TreeSet<>();
        query.forEach(parameter -> known.add(parameter.name()));
        for (String name : given.keySet()) {
            if (!known.contains(name)) {
                throw HttpFailure.badRequest("unknown parameter '" + name + "'"
                        + (known.isEmpty() ? "" : "; known are " + String.join(", ", known)));
            }
        }
    }

    /** Says of a route what there is to say, beginning with whose it is: of who may do everything, unless {@link #access}. */
    static final class Builder {
        private final String method;
        private final String path;
        private final String summary;
        private final List<Parameter> variables = new ArrayList<>();
        private final List<Parameter> query = new ArrayList<>();
        private final SortedMap<Integer, Answer> answers = new TreeMap<>();
        private Access access = Access.SERVER;
        private @Nullable Body body;

        private Builder(String method, String path, String summary) {
            this.method = method;
            this.path = path;
            this.summary = summary;
        }

        Builder access(Access who) {
            access = who;
            return this;
        }

        /** What a variable of the path stands for, where its name alone does not say it. */
        Builder variable(Parameter variable) {
            variables.add(variable);
            return this;
        }

        Builder query(Parameter... parameters) {
            query.addAll(List.of(parameters));
            return this;
        }

        /** @param required fields that must be there */
        Builder takes(Class<?> type, String... required) {
            body = new Body.Json(type, true, List.of(required));
            return this;
        }

        /** Takes a body that may be left out. */
        Builder mayTake(Class<?> type) {
            body = new Body.Json(type, false, List.of());
            return this;
        }

        /** Takes a body as it comes, see {@link Call#stream}. */
        Builder takesStream(String mediaType) {
            body = new Body.Streamed(mediaType);
            return this;
        }

        Builder answers(Class<?> type) {
            return answers(200, new Answer.Json("Done", type, false));
        }

        Builder answersList(Class<?> element) {
            return answers(200, new Answer.Json("Done", element, true));
        }

        Builder answers(int status, Answer answer) {
            answers.put(status, answer);
            return this;
        }

        /** An error that this route has besides those that all have, see {@link #commonFailures}. */
        Builder fails(int status, String when) {
            return answers(status, new Answer.Failure(when));
        }

        /** @throws IllegalArgumentException if something is missing */
        Route by(Action action) {
            List<Parameter> all = variableNames(path).stream()
                    .map(name -> variables.stream()
                            .filter(variable -> variable.name().equals(name))
                            .findFirst()
                            .or(() -> Optional.ofNullable(VARIABLES.get(name)))
                            .orElseThrow(() -> new IllegalArgumentException("what is " + name + " in " + path + "?"))
                            .asRequired())
                    .toList();
            return new Route(method, path, access, summary, all, query, body, answers, action);
        }
    }

    /** Errors that follow from what the route takes and whose it is. */
    SortedMap<Integer, String> commonFailures() {
        SortedMap<Integer, String> failures = new TreeMap<>();
        failures.put(HttpFailure.BAD_REQUEST, "Something in the request is wrong");
        failures.put(HttpFailure.INTERNAL, "It failed; the message and the server's log say why");
        failures.put(HttpFailure.UNAVAILABLE, "Not possible at the moment; ask again");
        if (access != Access.OPEN) {
            failures.put(HttpFailure.UNAUTHORIZED, "There is no token, and one is needed");
            failures.put(HttpFailure.FORBIDDEN, "The token proves nothing, or is not enough");
        }
        if (!variables.isEmpty()) {
            failures.put(HttpFailure.NOT_FOUND, "What the path names is not there");
        }
        if (body != null) {
            failures.put(HttpFailure.TOO_LARGE, "The body is too large");
            failures.put(HttpFailure.UNSUPPORTED_TYPE, "The body is of another type");
        }
        return failures;
    }
}
