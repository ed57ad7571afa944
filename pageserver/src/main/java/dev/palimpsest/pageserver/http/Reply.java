package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.branch.BranchException;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Map;

/** What a request is answered with. */
sealed interface Reply {
    /** A JSON document. */
    record Json(int status, Object body) implements Reply {}

    /** A status and nothing else. */
    record Empty(int status) implements Reply {}

    /** Bytes that are there already. */
    record Bytes(String type, Map<String, String> headers, byte[] body) implements Reply {}

    /**
     * Bytes that are made while they are sent. If that fails before much of it was sent, the answer is an error, else the
     * connection breaks, so that nobody takes the part for the whole.
     */
    record Stream(String type, Map<String, String> headers, Source source) implements Reply {}

    /** Makes the bytes of a {@link Stream}. */
    @FunctionalInterface
    interface Source {
        void writeTo(OutputStream out) throws IOException, BranchException;
    }

    static Reply ok(Object body) {
        return new Json(200, body);
    }

    /** The JSON value {@code null}, which is Neon's for what has nothing to say. */
    static Reply okNull() {
        return new Bytes("application/json", Map.of(), new byte[] {'n', 'u', 'l', 'l'});
    }

    static Reply created(Object body) {
        return new Json(201, body);
    }

    static Reply accepted(Object body) {
        return new Json(202, body);
    }
}
