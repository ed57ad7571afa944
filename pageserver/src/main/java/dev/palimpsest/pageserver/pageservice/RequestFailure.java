package dev.palimpsest.pageserver.pageservice;

import org.jspecify.annotations.Nullable;

/** Why a request gets no answer. A stream of requests goes on: the client is sent the message. */
public final class RequestFailure extends Exception {
    private static final long serialVersionUID = 1;

    /** Whose fault it is. */
    public enum Kind {
        /** What was asked for makes no sense. */
        BAD_REQUEST,
        /** It is not there. */
        NOT_FOUND,
        /** Waiting for the LSN took too long. */
        TIMEOUT,
        /** It could not be read; the cause says why. */
        READ_ERROR
    }

    private final Kind kind;

    private RequestFailure(Kind kind, String message, Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    private RequestFailure(Kind kind, String message) {
        super(message);
        this.kind = kind;
    }

    /** Whose fault it is. */
    public Kind kind() {
        return kind;
    }

    /** Whether the server could not read what it should have. */
    public boolean isReadError() {
        return kind == Kind.READ_ERROR;
    }

    /** What was asked for makes no sense. */
    public static RequestFailure badRequest(@Nullable String why) {
        return new RequestFailure(Kind.BAD_REQUEST, "Bad request: " + why);
    }

    /** What was asked for is not there. */
    public static RequestFailure notFound(String what) {
        return new RequestFailure(Kind.NOT_FOUND, "Not found: " + what);
    }

    /** Waiting for the LSN took too long. */
    static RequestFailure timeout(String what, Throwable cause) {
        return new RequestFailure(Kind.TIMEOUT, "LSN timeout: " + what, cause);
    }

    /** It could not be read. */
    static RequestFailure readError(@Nullable String why, Throwable cause) {
        return new RequestFailure(Kind.READ_ERROR, "Read error: " + why, cause);
    }
}
