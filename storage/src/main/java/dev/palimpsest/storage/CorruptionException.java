package dev.palimpsest.storage;

/**
 * Bytes that are not what was written: a damaged file, a structure that contradicts itself, a checksum that does not
 * match. What was read is not served. Always names the resource and the offset in it.
 */
public final class CorruptionException extends StorageException {
    private static final long serialVersionUID = 1L;

    private final String resource;
    private final long offset;

    /**
     * @param resource the file, object or structure that is damaged
     * @param offset where in it, in bytes from its start
     * @param problem what was expected and what was found
     */
    public CorruptionException(String resource, long offset, String problem) {
        super(resource + ":" + offset + ": " + problem);
        this.resource = resource;
        this.offset = offset;
    }

    /** As the other one, with what lies beneath. */
    public CorruptionException(String resource, long offset, String problem, Throwable cause) {
        super(resource + ":" + offset + ": " + problem, cause);
        this.resource = resource;
        this.offset = offset;
    }

    /** The file, object or structure that is damaged. */
    public String resource() {
        return resource;
    }

    /** Where in the resource, in bytes from its start. */
    public long offset() {
        return offset;
    }

    @Override
    public boolean isRetryable() {
        return false;
    }
}
