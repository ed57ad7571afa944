package dev.palimpsest.storage;

/** The caller asked for what cannot be given: an LSN out of the retained range, a write below the last record, a frozen layer. */
public final class InvalidRequestException extends StorageException {
    private static final long serialVersionUID = 1L;

    /** With a message that a DBA understands. */
    public InvalidRequestException(String message) {
        super(message);
    }

    /** With a message that a DBA understands, and what lies beneath. */
    public InvalidRequestException(String message, Throwable cause) {
        super(message, cause);
    }

    @Override
    public boolean isRetryable() {
        return false;
    }
}
