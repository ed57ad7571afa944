package dev.palimpsest.postgres.protocol;

/** The bytes of a message are not what its type says. */
public final class MalformedMessageException extends Exception {
    private static final long serialVersionUID = 1;

    /** With what was expected, and what is there. */
    public MalformedMessageException(String message) {
        super(message);
    }
}
