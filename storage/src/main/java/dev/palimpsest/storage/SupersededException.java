package dev.palimpsest.storage;

/**
 * A tenant was claimed by a newer life: another server, or this one after a restart, that has a greater generation. What was
 * being done does not count, and nothing of the tenant may be written or deleted here any more.
 */
public final class SupersededException extends StorageException {
    private static final long serialVersionUID = 1L;

    /** With a message that a DBA understands. */
    public SupersededException(String message) {
        super(message);
    }

    @Override
    public boolean isRetryable() {
        return false;
    }
}
