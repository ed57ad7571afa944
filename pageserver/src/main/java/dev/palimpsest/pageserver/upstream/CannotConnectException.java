package dev.palimpsest.pageserver.upstream;

/**
 * No server could be reached: an unknown host, a refused or timed out connection, no TLS where it is wanted, a certificate
 * that is not trusted, or none of the servers is of the wanted kind.
 */
public final class CannotConnectException extends UpstreamException {
    private static final long serialVersionUID = 1;

    /** With what was tried. */
    CannotConnectException(String message) {
        super(message);
    }

    /** With what was tried, and what happened. */
    CannotConnectException(String message, Throwable cause) {
        super(message, cause);
    }
}
