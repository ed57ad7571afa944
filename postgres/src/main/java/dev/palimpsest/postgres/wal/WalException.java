package dev.palimpsest.postgres.wal;

/**
 * Something in the WAL that cannot be used: bytes that are no record ({@link MalformedRecordException}), or a record that
 * cannot be applied to the page it names ({@link RedoException}). What merely ends a stream of WAL is a
 * {@link StopReason} instead.
 */
public abstract sealed class WalException extends Exception permits MalformedRecordException, RedoException {
    private static final long serialVersionUID = 1L;

    WalException(String message) {
        super(message);
    }

    WalException(String message, Throwable cause) {
        super(message, cause);
    }
}
