package dev.palimpsest.postgres.protocol;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a client sends first, and has no byte of type: a big-endian i32 length that counts itself, an i32 code, and what
 * belongs to it.
 */
public sealed interface StartupPacket {
    /** Bytes of the length and the code. */
    int MIN_SIZE = 8;

    /** PostgreSQL takes no longer ones either. */
    int MAX_SIZE = 10_000;

    /** SSLRequest: may this connection be encrypted? The answer is one byte, {@code S} or {@code N}. */
    record SslRequest() implements StartupPacket {}

    /** GSSENCRequest: the same with GSSAPI, {@code G} or {@code N}. */
    record GssRequest() implements StartupPacket {}

    /** CancelRequest: what runs on another connection is to stop. */
    record CancelRequest() implements StartupPacket {}

    /**
     * StartupMessage.
     *
     * @param majorVersion of the protocol
     * @param minorVersion of the protocol
     * @param parameters in the order in which they came
     */
    record Startup(int majorVersion, int minorVersion, Map<String, String> parameters) implements StartupPacket {
        /** Keeps a copy of the parameters. */
        public Startup {
            parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
        }
    }

    /**
     * Decodes a packet.
     *
     * @param body what comes after the length
     */
    static StartupPacket decode(MessageBody body) throws MalformedMessageException {
        int code = body.int32();
        return switch (code) {
            case FrontendMessage.SSL_REQUEST_CODE -> new SslRequest();
            case FrontendMessage.GSS_REQUEST_CODE -> new GssRequest();
            case FrontendMessage.CANCEL_REQUEST_CODE -> new CancelRequest();
            default -> new Startup(code >>> 16, code & 0xFFFF, parameters(body));
        };
    }

    private static Map<String, String> parameters(MessageBody body) throws MalformedMessageException {
        Map<String, String> parameters = new LinkedHashMap<>();
        for (String name = body.string(); !name.isEmpty(); name = body.string()) {
            parameters.put(name, body.string());
        }
        body.end();
        return parameters;
    }
}
