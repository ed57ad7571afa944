package dev.palimpsest.pageserver.security;

/** A token proves nothing. The message says why, and never has anything of the token in it. */
public final class InvalidTokenException extends Exception {
    private static final long serialVersionUID = 1;

    InvalidTokenException(String message) {
        super(message);
    }

    InvalidTokenException(String message, Throwable cause) {
        super(message, cause);
    }
}
