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

    /** Query: a command. */
    public static final byte QUERY = 'Q';
    /** Parse: a command to be run later. */
    public static final byte PARSE = 'P';
    /** Bind: values for it. */
    public static final byte BIND = 'B';
    /** Describe: what a command takes and gives. */
    public static final byte DESCRIBE = 'D';
    /** Execute: run it. */
    public static final byte EXECUTE = 'E';
    /** Close: forget it. */
    public static final byte CLOSE = 'C';
    /** Flush: send what there is. */
    public static final byte FLUSH = 'H';
    /** Sync: an end to all that belongs together. */
    public static final byte SYNC = 'S';
    /** PasswordMessage, and what SASL's answers are in. */
    public static final byte PASSWORD = 'p';
    /** CopyData. */
    public static final byte COPY_DATA = 'd';
    /** CopyDone. */
    public static final byte COPY_DONE = 'c';
    /** CopyFail. */
    public static final byte COPY_FAIL = 'f';
    /** Terminate. */
    public static final byte TERMINATE = 'X';

    static final int SSL_REQUEST_CODE = 80877103;
    static final int GSS_REQUEST_CODE = 80877104;
    static final int CANCEL_REQUEST_CODE = 80877102;
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
        return Framing.message(PASSWORD, string(password));
    }

    /** SASLInitialResponse: the mechanism, i32 length, and the client's first message. */
    public static byte[] saslInitialResponse(String mechanism, String first) {
        byte[] data = first.getBytes(StandardCharsets.UTF_8);
        byte[] length = new byte[4];
        BigEndian.putInt32(length, 0, data.length);
        return Framing.message(PASSWORD, string(mechanism), length, data);
    }

    /** SASLResponse: the client's next message. */
    public static byte[] saslResponse(String next) {
        return Framing.message(PASSWORD, next.getBytes(StandardCharsets.UTF_8));
    }

    /** Query: a command. */
    public static byte[] query(String command) {
        return Framing.message(QUERY, string(command));
    }

    /** CopyDone. */
    public static byte[] copyDone() {
        return Framing.message(COPY_DONE);
    }

    /** Terminate. */
    public static byte[] terminate() {
        return Framing.message(TERMINATE);
    }

    private static byte[] string(String text) {
        if (text.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("a string of the protocol has no zero byte in it");
        }
        return (text + "\0").getBytes(StandardCharsets.UTF_8);
    }
}
