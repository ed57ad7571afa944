package dev.palimpsest.pageserver.upstream;

/** The other side said something that a PostgreSQL of the supported versions does not say. */
public final class ProtocolBrokenException extends UpstreamException {
    private static final long serialVersionUID = 1;

    /** With what was expected, and what came. */
    ProtocolBrokenException(String message) {
        super(message);
    }

    /** With what was expected, and what came. */
    ProtocolBrokenException(String message, Throwable cause) {
        super(message, cause);
    }
}
