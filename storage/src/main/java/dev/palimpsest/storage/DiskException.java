package dev.palimpsest.storage;

/**
 * A file operation failed. Names the operation, the file, the offset and the length, and is sorted into what to do.
 */
public final class DiskException extends StorageException {
    private static final long serialVersionUID = 1L;

    /** What the caller may do about it. */
    public enum Kind {
        /** The same call may succeed later: no space, too many open files, interrupted. */
        RETRYABLE,
        /** The file is not there, or is there already where it must not be. */
        WRONG_STATE,
        /** The device or the file system cannot be trusted any more (EIO, read-only, a failed fsync): stop writing. */
        FATAL
    }

    private final Kind kind;

    /**
     * @param operation what was tried, such as {@code write}
     * @param file the file's path
     * @param offset where, in bytes; -1 when the operation has no offset
     * @param length how many bytes; -1 when the operation has no length
     * @param reason what went wrong
     */
    public DiskException(Kind kind, String operation, String file, long offset, long length, String reason) {
        super(message(operation, file, offset, length, reason));
        this.kind = kind;
    }

    /** As the other one, with what lies beneath. */
    public DiskException(
            Kind kind, String operation, String file, long offset, long length, String reason, Throwable cause) {
        super(message(operation, file, offset, length, reason), cause);
        this.kind = kind;
    }

    private static String message(String operation, String file, long offset, long length, String reason) {
        StringBuilder message = new StringBuilder(operation).append(' ').append(file);
        if (offset >= 0) {
            message.append(" at offset ").append(offset);
        }
        if (length >= 0) {
            message.append(", ").append(length).append(" bytes");
        }
        return message.append(": ").append(reason).toString();
    }

    /** What the caller may do about it. */
    public Kind kind() {
        return kind;
    }

    @Override
    public boolean isRetryable() {
        return kind == Kind.RETRYABLE;
    }
}
