package dev.palimpsest.storage;

/** An object store operation failed. Names the operation and the object, and is sorted into what to do. */
public final class ObjectStoreException extends StorageException {
    private static final long serialVersionUID = 1L;

    /** What the caller may do about it. */
    public enum Kind {
        /** There is no such object. */
        NOT_FOUND,
        /** A conditional write found another object, or one where there should be none. */
        PRECONDITION_FAILED,
        /** The store did not answer, or asked to slow down. What was asked may have happened. */
        UNAVAILABLE,
        /** The store refused: credentials, permissions, a malformed request. Trying again changes nothing. */
        REFUSED
    }

    private final Kind kind;

    /**
     * @param operation what was tried, such as {@code put}
     * @param object the object's key
     * @param reason what went wrong
     */
    public ObjectStoreException(Kind kind, String operation, String object, String reason) {
        super(operation + " " + object + ": " + reason);
        this.kind = kind;
    }

    /** As the other one, with what lies beneath. */
    public ObjectStoreException(Kind kind, String operation, String object, String reason, Throwable cause) {
        super(operation + " " + object + ": " + reason, cause);
        this.kind = kind;
    }

    /** What the caller may do about it. */
    public Kind kind() {
        return kind;
    }

    @Override
    public boolean isRetryable() {
        return kind == Kind.UNAVAILABLE;
    }
}
