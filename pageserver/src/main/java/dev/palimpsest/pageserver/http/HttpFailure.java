package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.branch.BranchException;

/** A request is answered with an error: its status, and a message for whoever asked. */
final class HttpFailure extends Exception {
    private static final long serialVersionUID = 1;

    static final int BAD_REQUEST = 400;
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

    HttpFailure(int status, String message) {
        super(message);
        this.status = status;
    }

    private HttpFailure(int status, String message, Throwable cause) {
        super(message, cause);
        this.status = status;
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
                failure);
    }

    int status() {
        return status;
    }
}
