package dev.palimpsest.storage;

/** A key that must exist was found in no layer. The message says what was searched: key, LSN, timelines, layers. */
public final class MissingKeyException extends StorageException {
    private static final long serialVersionUID = 1L;

    /** With a message that a DBA understands. */
    public MissingKeyException(String message) {
        super(message);
    }

    /** With a message that a DBA understands, and what lies beneath. */
    public MissingKeyException(String message, Throwable cause) {
        super(message, cause);
    }

    @Override
    public boolean isRetryable() {
        return false;
    }
}
