package dev.palimpsest.postgres.protocol;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The messages that a server sends. Each is one byte of type, a big-endian i32 length that counts itself and the body but not
 * the type, and the body. The methods here decode a body, read from a {@link MessageBody}; {@link ServerMessages} makes messages.
 */
public final class BackendMessage {
    /** Bytes of the type and the length. */
    public static final int HEADER_SIZE = 5;

    /** An Authentication message: i32 code, and more by code. */
    public static final byte AUTHENTICATION = 'R';
    /** BackendKeyData: what a cancel request needs. */
    public static final byte BACKEND_KEY_DATA = 'K';
    /** CommandComplete: a command's tag. */
    public static final byte COMMAND_COMPLETE = 'C';
    /** CopyBothResponse: bytes flow both ways from here on. */
    public static final byte COPY_BOTH_RESPONSE = 'W';
    /** CopyOutResponse: the server's bytes flow from here on. */
    public static final byte COPY_OUT_RESPONSE = 'H';
    /** CopyData. */
    public static final byte COPY_DATA = 'd';
    /** CopyDone. */
    public static final byte COPY_DONE = 'c';
    /** DataRow: see {@link #row}. */
    public static final byte DATA_ROW = 'D';
    /** EmptyQueryResponse. */
    public static final byte EMPTY_QUERY = 'I';
    /** ErrorResponse: see {@link #error}. */
    public static final byte ERROR_RESPONSE = 'E';
    /** NegotiateProtocolVersion: the server does not know all that was asked for. */
    public static final byte NEGOTIATE_PROTOCOL_VERSION = 'v';
    /** NoticeResponse: see {@link #error}. */
    public static final byte NOTICE_RESPONSE = 'N';
    /** NotificationResponse. */
    public static final byte NOTIFICATION = 'A';
    /** ParameterStatus: name and value, each ended by a zero byte. */
    public static final byte PARAMETER_STATUS = 'S';
    /** ReadyForQuery. */
    public static final byte READY_FOR_QUERY = 'Z';
    /** RowDescription: what columns rows have. */
    public static final byte ROW_DESCRIPTION = 'T';
    /** ParseComplete. */
    public static final byte PARSE_COMPLETE = '1';
    /** BindComplete. */
    public static final byte BIND_COMPLETE = '2';
    /** CloseComplete. */
    public static final byte CLOSE_COMPLETE = '3';
    /** NoData: a command that gives no rows. */
    public static final byte NO_DATA = 'n';
    /** ParameterDescription: what a command takes. */
    public static final byte PARAMETER_DESCRIPTION = 't';

    /** Authentication: let in. */
    public static final int AUTHENTICATION_OK = 0;
    /** Authentication: the password as it is. */
    public static final int AUTHENTICATION_CLEARTEXT = 3;
    /** Authentication: the password hashed with MD5 and the four bytes of salt that follow. */
    public static final int AUTHENTICATION_MD5 = 5;
    /** Authentication: GSSAPI. */
    public static final int AUTHENTICATION_GSS = 7;
    /** Authentication: SSPI. */
    public static final int AUTHENTICATION_SSPI = 9;
    /** Authentication: SASL; a list of mechanisms follows, see {@link #mechanisms}. */
    public static final int AUTHENTICATION_SASL = 10;
    /** Authentication: SASL's next challenge follows. */
    public static final int AUTHENTICATION_SASL_CONTINUE = 11;
    /** Authentication: SASL's last word follows. */
    public static final int AUTHENTICATION_SASL_FINAL = 12;

    private BackendMessage() {}

    /** An ErrorResponse or a NoticeResponse: fields of a type byte and a string, and a zero byte. */
    public static ServerError error(MessageBody body) throws MalformedMessageException {
        String severity = "ERROR";
        String sqlState = "XX000";
        String message = "";
        @Nullable String detail = null;
        @Nullable String hint = null;
        for (byte field = body.int8(); field != 0; field = body.int8()) {
            String value = body.string();
            switch (field) {
                // 'S' is the same in the server's language; 'V' comes after it.
                case 'S', 'V' -> severity = value;
                case 'C' -> sqlState = value;
                case 'M' -> message = value;
                case 'D' -> detail = value;
                case 'H' -> hint = value;
                default -> {
                    // where in the server's source, and the like
                }
            }
        }
        return new ServerError(severity, sqlState, message, detail, hint);
    }

    /** A DataRow in text format: i16 count, then for each column an i32 length, -1 for NULL, and its bytes. */
    public static List<@Nullable String> row(MessageBody body) throws MalformedMessageException {
        int columns = body.int16();
        if (columns < 0) {
            throw new MalformedMessageException("a row of " + columns + " columns");
        }
        List<@Nullable String> row = new ArrayList<>();
        for (int i = 0; i < columns; i++) {
            int length = body.int32();
            if (length < -1) {
                throw new MalformedMessageException("a column of " + length + " bytes");
            }
            row.add(length == -1 ? null : new String(body.bytes(length), StandardCharsets.UTF_8));
        }
        body.end();
        return Collections.unmodifiableList(row);
    }

    /** The SASL mechanisms of an Authentication message, after its code: strings, the last one empty. */
    public static List<String> mechanisms(MessageBody body) throws MalformedMessageException {
        List<String> mechanisms = new ArrayList<>();
        for (String name = body.string(); !name.isEmpty(); name = body.string()) {
            mechanisms.add(name);
        }
        body.end();
        return List.copyOf(mechanisms);
    }
}
