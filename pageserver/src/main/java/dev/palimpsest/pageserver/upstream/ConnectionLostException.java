package dev.palimpsest.pageserver.upstream;

/**
 * A connection that stood broke off: the server or the network is gone, it has been silent for longer than allowed, or it
 * was closed on this side. Connecting again may help.
 */
public final class ConnectionLostException extends UpstreamException {
    private static final long serialVersionUID = 1;

    /** With what was going on. */
    ConnectionLostException(String message) {
        super(message);
    }

    /** With what was going on, and what happened. */
    ConnectionLostException(String message, Throwable cause) {
        super(message, cause);
    }
}
