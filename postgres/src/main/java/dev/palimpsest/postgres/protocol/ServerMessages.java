package dev.palimpsest.postgres.protocol;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Makes the messages of {@link BackendMessage}, whole, for who is the server. Strings are UTF-8. */
public final class ServerMessages {
    private static final int TEXT_OID = 25;
    private static final short VARIABLE_SIZE = -1;
    private static final int NO_MODIFIER = -1;

    private ServerMessages() {}

    /** AuthenticationOk: let in. */
    public static byte[] authenticationOk() {
        return message(BackendMessage.AUTHENTICATION, int32(BackendMessage.AUTHENTICATION_OK));
    }

    /** AuthenticationCleartextPassword: the password as it is, please. */
    public static byte[] passwordRequest() {
        return message(BackendMessage.AUTHENTICATION, int32(BackendMessage.AUTHENTICATION_CLEARTEXT));
    }

    /** ParameterStatus. */
    public static byte[] parameterStatus(String name, String value) {
        return message(BackendMessage.PARAMETER_STATUS, string(name), string(value));
    }

    /** ReadyForQuery, outside of a transaction. */
    public static byte[] readyForQuery() {
        return message(BackendMessage.READY_FOR_QUERY, new byte[] {'I'});
    }

    /**
     * ErrorResponse.
     *
     * @param sqlState five characters
     */
    public static byte[] error(String sqlState, String message) {
        return message(
                BackendMessage.ERROR_RESPONSE,
                string("SERROR"),
                string("C" + sqlState),
                string("M" + message.replace('\0', ' ')),
                new byte[1]);
    }

    /**
     * NoticeResponse of a warning.
     *
     * @param sqlState five characters
     */
    public static byte[] warning(String sqlState, String message) {
        return message(
                BackendMessage.NOTICE_RESPONSE,
                string("SWARNING"),
                string("C" + sqlState),
                string("M" + message.replace('\0', ' ')),
                new byte[1]);
    }

    /** CopyBothResponse in binary, without columns. */
    public static byte[] copyBoth() {
        return message(BackendMessage.COPY_BOTH_RESPONSE, new byte[3]);
    }

    /** CopyOutResponse in binary, without columns. */
    public static byte[] copyOut() {
        return message(BackendMessage.COPY_OUT_RESPONSE, new byte[3]);
    }

    /** CommandComplete. */
    public static byte[] commandComplete(String tag) {
        return message(BackendMessage.COMMAND_COMPLETE, string(tag));
    }

    /** RowDescription of one column of text. */
    public static byte[] textColumn(String name) {
        return message(
                BackendMessage.ROW_DESCRIPTION,
                int16((short) 1),
                string(name),
                int32(0),
                int16((short) 0),
                int32(TEXT_OID),
                int16(VARIABLE_SIZE),
                int32(NO_MODIFIER),
                int16((short) 0));
    }

    /** DataRow of one column; null is NULL. */
    public static byte[] textRow(@Nullable String value) {
        if (value == null) {
            return message(BackendMessage.DATA_ROW, int16((short) 1), int32(-1));
        }
        byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
        return message(BackendMessage.DATA_ROW, int16((short) 1), int32(bytes.length), bytes);
    }

    /** ParameterDescription of a command that takes none. */
    public static byte[] noParameters() {
        return message(BackendMessage.PARAMETER_DESCRIPTION, int16((short) 0));
    }

    /** A message that is nothing but its type, such as {@link BackendMessage#COPY_DONE}. */
    public static byte[] bare(byte type) {
        return message(type);
    }

    private static byte[] string(String text) {
        return (text + "\0").getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] int16(short value) {
        return new byte[] {(byte) (value >> 8), (byte) value};
    }

    private static byte[] int32(int value) {
        byte[] bytes = new byte[4];
        BigEndian.putInt32(bytes, 0, value);
        return bytes;
    }

    private static byte[] message(byte type, byte[]... parts) {
        return Framing.message(type, parts);
    }
}
