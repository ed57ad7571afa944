package dev.palimpsest.pageserver.adopt;

/** A backup or its WAL cannot be adopted. The message is for a DBA: what is wrong, in which file, and what to do where that is known. */
public final class AdoptException extends Exception {
    private static final long serialVersionUID = 1;

    AdoptException(String message) {
        super(message);
    }

    AdoptException(String message, Throwable cause) {
        super(message, cause);
    }
}
