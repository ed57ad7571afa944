package dev.palimpsest.storage.blob;

import dev.palimpsest.storage.StorageException;
import org.jspecify.annotations.Nullable;

/** The blocks of a file, of which some are in memory. Safe for use by many threads. */
public interface CachedBlocks extends BlockSource {
    /** A block if it is in memory; null if it would have to be read. */
    @Nullable
    Block cached(int number);

    /**
     * A block that is in memory, or that is read now because there is room for it or it is the turn of one to make another go; null
     * otherwise. Of more blocks than there is room for, each read with the same chance, as many are found as if all were kept, and
     * few are read only to make others go.
     */
    @Nullable
    Block cachedOrKept(int number) throws StorageException;
}
