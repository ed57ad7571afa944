package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.branch.BranchException;
import dev.palimpsest.pageserver.branch.Moment;
import dev.palimpsest.postgres.Lsn;
import java.io.InputStream;
import java.time.ZoneOffset;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.exc.UnrecognizedPropertyException;

/**
 * A request for a route, without HTTP.
 *
 * @param variables what stands in the path for the route's variables
 * @param query the parameters, each at most once
 * @param accept which types of answers are wanted, as HTTP says it; empty for any
 * @param body empty if there is none, or if it is a stream
 * @param stream the body of a route that takes one as it comes; empty for all others
 */
record Call(Map<String, String> variables, Map<String, String> query, String accept, byte[] body, InputStream stream) {
    /** What stands for a variable of the route. */
    String variable(String name) {
        String value = variables.get(name);
        if (value == null) {
            throw new IllegalArgumentException("the route has no variable " + name);
        }
        return value;
    }

    @Nullable
    String parameter(String name) {
        return query.get(name);
    }

    /** A parameter that the route requires. */
    String requiredParameter(String name) {
        String value = query.get(name);
        if (value == null) {
            throw new IllegalArgumentException("the route does not require a parameter " + name);
        }
        return value;
    }

    /** A flag; false if it is not given. */
    boolean flag(String parameter) {
        return flag(parameter, false);
    }

    boolean flag(String parameter, boolean otherwise) {
        String value = query.get(parameter);
        return value == null ? otherwise : Boolean.parseBoolean(value);
    }

    /** A moment; times without a zone are UTC. */
    Moment moment(String parameter) throws BranchException {
        String value = query.get(parameter);
        return value == null ? Moment.LATEST : Moment.parse(value, ZoneOffset.UTC);
    }

    /** An LSN that the route requires. */
    Lsn lsn(String parameter) {
        return Lsn.parse(requiredParameter(parameter));
    }

    /** A number that the route requires. */
    long number(String parameter) {
        return Long.parseLong(requiredParameter(parameter));
    }

    /** An LSN from a body. */
    static Lsn parseLsn(String text) throws HttpFailure {
        try {
            return Lsn.parse(text);
        } catch (IllegalArgumentException e) {
            throw HttpFailure.badRequest(String.valueOf(e.getMessage()));
        }
    }

    /** The body as a request that may be left out; {@code none} if it is. */
    <T> T body(Class<T> type, T none) throws HttpFailure {
        return body.length == 0 ? none : body(type);
    }

    /** The body as a request; a field that the request does not know is an error. */
    <T> T body(Class<T> type) throws HttpFailure {
        if (body.length == 0) {
            throw HttpFailure.badRequest("the request has no body, and must have one in JSON");
        }
        try {
            T request = ApiJson.mapper()
                    .readerFor(type)
                    .with(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                    .readValue(body);
            if (request == null) {
                throw HttpFailure.badRequest("the body is null, and must be a JSON object");
            }
            return request;
        } catch (UnrecognizedPropertyException e) {
            throw HttpFailure.badRequest("unknown field '" + e.getPropertyName() + "'; known are "
                    + (e.getKnownPropertyIds() == null
                            ? "none"
                            : e.getKnownPropertyIds().stream()
                                    .map(String::valueOf)
                                    .sorted()
                                    .collect(Collectors.joining(", "))));
        } catch (DatabindException e) {
            String field = e.getPath().stream()
                    .map(step -> String.valueOf(step.getPropertyName()))
                    .collect(Collectors.joining("."));
            throw HttpFailure.badRequest(
                    field.isEmpty()
                            ? "the body is not the JSON object that is expected"
                            : "the field '" + field + "' has a value of the wrong type");
        } catch (JacksonException e) {
            throw HttpFailure.badRequest(
                    "the body is not valid JSON, at line " + e.getLocation().getLineNr() + ", column "
                            + e.getLocation().getColumnNr());
        }
    }

    /** A field that must be there. */
    static String required(String field, @Nullable String value) throws HttpFailure {
        if (value == null || value.isEmpty()) {
            throw HttpFailure.badRequest("the field '" + field + "' is missing");
        }
        return value;
    }
}
