package dev.palimpsest.postgres.protocol;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What a server says in an ErrorResponse or a NoticeResponse.
 *
 * @param severity {@code ERROR}, {@code FATAL}, {@code PANIC}, {@code WARNING}…, in English
 * @param sqlState the five characters of the SQLSTATE
 * @param message the primary message, in the server's language
 * @param detail more about it, or null
 * @param hint what to do about it, or null
 */
public record ServerError(
        String severity,
        String sqlState,
        String message,
        @Nullable String detail,
        @Nullable String hint) {
    /** {@code invalid_authorization_specification}: {@code pg_hba.conf} or the role refuses. */
    public static final String INVALID_AUTHORIZATION = "28000";
    /** {@code invalid_password}. */
    public static final String INVALID_PASSWORD = "28P01";
    /** {@code insufficient_privilege}, such as a role without REPLICATION. */
    public static final String INSUFFICIENT_PRIVILEGE = "42501";
    /** {@code too_many_connections}, of any kind or of walsenders. */
    public static final String TOO_MANY_CONNECTIONS = "53300";
    /** {@code configuration_limit_exceeded}, such as every replication slot in use. */
    public static final String CONFIGURATION_LIMIT_EXCEEDED = "53400";
    /** {@code object_in_use}, such as a slot that another walsender holds. */
    public static final String OBJECT_IN_USE = "55006";
    /** {@code object_not_in_prerequisite_state}, such as a slot that has lost its WAL. */
    public static final String NOT_IN_PREREQUISITE_STATE = "55000";
    /** {@code cannot_connect_now}: the server starts, stops or recovers. */
    public static final String CANNOT_CONNECT_NOW = "57P03";
    /** {@code undefined_object}, such as a slot that is not there. */
    public static final String UNDEFINED_OBJECT = "42704";
    /** {@code duplicate_object}, such as a slot that is there already. */
    public static final String DUPLICATE_OBJECT = "42710";
    /** {@code undefined_file}, such as a WAL segment that was removed. */
    public static final String UNDEFINED_FILE = "58P01";

    /** Whether the SQLSTATE is in this class, its first two characters. */
    public boolean isInClass(String sqlStateClass) {
        return sqlState.startsWith(sqlStateClass);
    }

    /** All of it in one line: {@code FATAL 28000: no pg_hba.conf entry …; DETAIL: …; HINT: …}. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(severity.toUpperCase(Locale.ROOT))
                .append(' ')
                .append(sqlState)
                .append(": ")
                .append(message);
        if (detail != null) {
            text.append("; DETAIL: ").append(detail);
        }
        if (hint != null) {
            text.append("; HINT: ").append(hint);
        }
        return text.toString();
    }
}
