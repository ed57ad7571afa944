package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.branch.BranchException;
import dev.palimpsest.pageserver.tenant.TenantException;
import java.util.Collection;
import org.jspecify.annotations.Nullable;

/** A request is answered with an error: its status, and a message for whoever asked. */
final class HttpFailure extends Exception {
    private static final long serialVersionUID = 1;

    static final int BAD_REQUEST = 400;
    static final int UNAUTHORIZED = 401;
    static final int FORBIDDEN = 403;
    static final int NOT_FOUND = 404;
    static final int METHOD_NOT_ALLOWED = 405;
    static final int NOT_ACCEPTABLE = 406;
    static final int CONFLICT = 409;
    static final int PRECONDITION_FAILED = 412;
    static final int TOO_LARGE = 413;
    static final int UNSUPPORTED_TYPE = 415;
    static final int INTERNAL = 500;
    static final int UNAVAILABLE = 503;

    private final int status;
    private final String allow;

    HttpFailure(int status, String message) {
        this(status, message, "", null);
    }

    private HttpFailure(int status, String message, String allow, @Nullable Throwable cause) {
        super(message, cause);
        this.status = status;
        this.allow = allow;
    }

    static HttpFailure wrongMethod(String method, String path, Collection<String> allowed) {
        String others = String.join(", ", allowed);
        return new HttpFailure(
                METHOD_NOT_ALLOWED, method + " is not possible at " + path + ", only " + others, others, null);
    }

    static HttpFailure badRequest(String message) {
        return new HttpFailure(BAD_REQUEST, message);
    }

    static HttpFailure of(BranchException failure) {
        return new HttpFailure(
                switch (failure.kind()) {
                    case NOT_FOUND -> NOT_FOUND;
                    case CONFLICT -> CONFLICT;
                    case INVALID -> BAD_REQUEST;
                    case UNAVAILABLE -> UNAVAILABLE;
                    case FAILED -> INTERNAL;
                },
                String.valueOf(failure.getMessage()),
                "",
                failure);
    }

    static HttpFailure of(TenantException failure) {
        return new HttpFailure(
                switch (failure.kind()) {
                    case NOT_FOUND -> NOT_FOUND;
                    case CONFLICT -> CONFLICT;
                    case INVALID -> BAD_REQUEST;
                    case UNAVAILABLE -> UNAVAILABLE;
                    case FAILED -> INTERNAL;
                },
                String.valueOf(failure.getMessage()),
                "",
                failure);
    }

    int status() {
        return status;
    }

    /** The methods that would be possible, for the header of this name; empty if that is not the matter. */
    String allow() {
        return allow;
    }
}
