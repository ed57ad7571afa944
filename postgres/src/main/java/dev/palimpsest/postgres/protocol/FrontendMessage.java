package dev.palimpsest.postgres.protocol;

import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * The messages that a client sends, whole: a byte of type (none in the first message of a connection), a big-endian i32 length
 * that counts itself and the body, and the body. Strings are UTF-8 and end with a zero byte.
 */
public final class FrontendMessage {
    /** The version of the protocol that a startup message asks for, 3.0. */
    public static final int PROTOCOL_VERSION = 3 << 16;

    private static final int SSL_REQUEST_CODE = 80877103;
    private static final int FIRST_MESSAGE_HEADER = 4;

    private FrontendMessage() {}

    /** StartupMessage: i32 version, then names and values as strings, and a zero byte. */
    public static byte[] startup(Map<String, String> parameters) {
        byte[][] parts = new byte[2 * parameters.size()][];
        int size = FIRST_MESSAGE_HEADER + 4 + 1;
        int next = 0;
        for (Map.Entry<String, String> parameter : parameters.entrySet()) {
            parts[next] = string(parameter.getKey());
            parts[next + 1] = string(parameter.getValue());
            size += parts[next].length + parts[next + 1].length;
            next += 2;
        }
        byte[] message = new byte[size];
        BigEndian.putInt32(message, 0, size);
        BigEndian.putInt32(message, 4, PROTOCOL_VERSION);
        int at = 8;
        for (byte[] part : parts) {
            System.arraycopy(part, 0, message, at, part.length);
            at += part.length;
        }
        return message;
    }

    /** SSLRequest: may this connection be encrypted? The answer is one byte, {@code S} or {@code N}. */
    public static byte[] sslRequest() {
        byte[] message = new byte[FIRST_MESSAGE_HEADER + 4];
        BigEndian.putInt32(message, 0, message.length);
        BigEndian.putInt32(message, 4, SSL_REQUEST_CODE);
        return message;
    }

    /** PasswordMessage: the password, or its MD5. */
    public static byte[] password(String password) {
        return message('p', string(password));
    }

    /** SASLInitialResponse: the mechanism, i32 length, and the client's first message. */
    public static byte[] saslInitialResponse(String mechanism, String first) {
        byte[] data = first.getBytes(StandardCharsets.UTF_8);
        byte[] length = new byte[4];
        BigEndian.putInt32(length, 0, data.length);
        return message('p', string(mechanism), length, data);
    }

    /** SASLResponse: the client's next message. */
    public static byte[] saslResponse(String next) {
        return message('p', next.getBytes(StandardCharsets.UTF_8));
    }

    /** Query: a command. */
    public static byte[] query(String command) {
        return message('Q', string(command));
    }

    /** CopyDone. */
    public static byte[] copyDone() {
        return message('c');
    }

    /** Terminate. */
    public static byte[] terminate() {
        return message('X');
    }

    private static byte[] string(String text) {
        if (text.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("a string of the protocol has no zero byte in it");
        }
        return (text + "\0").getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] message(char type, byte[]... parts) {
        int size = BackendMessage.HEADER_SIZE;
        for (byte[] part : parts) {
            size += part.length;
        }
        byte[] message = new byte[size];
        message[0] = (byte) type;
        BigEndian.putInt32(message, 1, size - 1);
        int at = BackendMessage.HEADER_SIZE;
        for (byte[] part : parts) {
            System.arraycopy(part, 0, message, at, part.length);
            at += part.length;
        }
        return message;
    }
}
