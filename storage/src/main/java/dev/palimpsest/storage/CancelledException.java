package dev.palimpsest.storage;

/** The request was cancelled, or what it was about is shutting down. Nothing is wrong with the data. */
public final class CancelledException extends StorageException {
    private static final long serialVersionUID = 1L;

    /** With a message that a DBA understands. */
    public CancelledException(String message) {
        super(message);
    }

    /** With a message that a DBA understands, and what lies beneath. */
    public CancelledException(String message, Throwable cause) {
        super(message, cause);
    }

    @Override
    public boolean isRetryable() {
        return false;
    }
}
