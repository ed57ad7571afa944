package dev.palimpsest.storage;

/**
 * Anything the storage engine could not do and that its caller can act on. The kinds answer what to do next: give up the
 * data ({@link CorruptionException}), try again ({@link DiskException} and {@link ObjectStoreException} when they say
 * so), stop asking ({@link CancelledException}), wait longer ({@link DeadlineExceededException}), ask for something else
 * ({@link InvalidRequestException}, {@link MissingKeyException}), look at the record ({@link RedoException}), or leave the
 * tenant to another server ({@link SupersededException}).
 */
public abstract sealed class StorageException extends Exception
        permits CancelledException,
                CorruptionException,
                DeadlineExceededException,
                DiskException,
                InvalidRequestException,
                MissingKeyException,
                ObjectStoreException,
                RedoException,
                SupersededException {
    private static final long serialVersionUID = 1L;

    StorageException(String message) {
        super(message);
    }

    StorageException(String message, Throwable cause) {
        super(message, cause);
    }

    /** Whether the same call may succeed later, without anybody mending anything. */
    public abstract boolean isRetryable();
}
