package dev.palimpsest.storage.blob;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.StorageException;

/** The blocks of something that is never written again. Safe for use by many threads. */
public interface BlockSource {
    /** What it is, for errors: the path of a file. */
    String name();

    /**
     * The block that begins at {@code number × 8192}.
     *
     * @param number from 0, unsigned
     * @throws CorruptionException if it ends before the block does
     */
    Block block(int number) throws StorageException;
}
