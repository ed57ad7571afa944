package dev.palimpsest.storage.blob;

import dev.palimpsest.storage.StorageException;
import java.nio.ByteBuffer;

/** Checks blocks that were read from a file, before anybody sees them. Safe for use by many threads. */
@FunctionalInterface
public interface BlockCheck {
    /** For files of which nothing is known that could be checked. */
    BlockCheck NONE = (offset, blocks) -> {};

    /**
     * Checks whole blocks.
     *
     * @param offset where in the file they are, in bytes; a multiple of {@link Block#SIZE}
     * @param blocks the blocks, between position and limit, which may be moved
     * @throws dev.palimpsest.storage.CorruptionException if one is not what was written
     * @throws StorageException if that could not be found out
     */
    void check(long offset, ByteBuffer blocks) throws StorageException;
}
