package dev.palimpsest.storage;

/** What was waited for did not happen before the deadline; it may still happen. The message says what and how far it got. */
public final class DeadlineExceededException extends StorageException {
    private static final long serialVersionUID = 1L;

    /** With a message that a DBA understands. */
    public DeadlineExceededException(String message) {
        super(message);
    }

    /** With a message that a DBA understands, and what lies beneath. */
    public DeadlineExceededException(String message, Throwable cause) {
        super(message, cause);
    }

    @Override
    public boolean isRetryable() {
        return true;
    }
}
