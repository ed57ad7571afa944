package dev.palimpsest.storage;

/** A page could not be rebuilt from its base image and records: the records do not fit it, or there is no base. */
public final class RedoException extends StorageException {
    private static final long serialVersionUID = 1L;

    /** With a message that a DBA understands. */
    public RedoException(String message) {
        super(message);
    }

    /** With a message that a DBA understands, and what lies beneath. */
    public RedoException(String message, Throwable cause) {
        super(message, cause);
    }

    @Override
    public boolean isRetryable() {
        return false;
    }
}
