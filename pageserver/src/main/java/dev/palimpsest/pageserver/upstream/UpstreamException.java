package dev.palimpsest.pageserver.upstream;

/**
 * Something went wrong between us and the PostgreSQL we take WAL from. The message says what, with which server, and if
 * there is something to do about it, that. After any but a {@link ServerRefusedException} the connection is of no use; after
 * that one see {@link ReplicationConnection}.
 */
public abstract sealed class UpstreamException extends Exception
        permits CannotConnectException,
                AuthenticationException,
                ServerRefusedException,
                ConnectionLostException,
                ProtocolBrokenException {
    private static final long serialVersionUID = 1;

    /** With what went wrong. */
    UpstreamException(String message) {
        super(message);
    }

    /** With what went wrong, and why. */
    UpstreamException(String message, Throwable cause) {
        super(message, cause);
    }
}
