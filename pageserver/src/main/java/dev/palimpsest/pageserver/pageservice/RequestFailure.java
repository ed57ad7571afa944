package dev.palimpsest.pageserver.pageservice;

import org.jspecify.annotations.Nullable;

/** Why a request of a pagestream gets no answer. The stream goes on: the client is sent the message. */
final class RequestFailure extends Exception {
    private static final long serialVersionUID = 1;

    private final boolean readError;

    private RequestFailure(String message, @Nullable Throwable cause, boolean readError) {
        super(message, cause);
        this.readError = readError;
    }

    private RequestFailure(String message) {
        this(message, null, false);
    }

    /** Whether the server could not read what it should have. */
    boolean isReadError() {
        return readError;
    }

    /** What was asked for makes no sense. */
    static RequestFailure badRequest(@Nullable String why) {
        return new RequestFailure("Bad request: " + why);
    }

    /** What was asked for is not there. */
    static RequestFailure notFound(String what) {
        return new RequestFailure("Not found: " + what);
    }

    /** Waiting for the LSN took too long. */
    static RequestFailure timeout(String what, Throwable cause) {
        return new RequestFailure("LSN timeout: " + what, cause, false);
    }

    /** It could not be read. */
    static RequestFailure readError(@Nullable String why, Throwable cause) {
        return new RequestFailure("Read error: " + why, cause, true);
    }
}
