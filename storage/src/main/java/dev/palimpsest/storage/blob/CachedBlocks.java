package dev.palimpsest.storage.blob;

import org.jspecify.annotations.Nullable;

/** The blocks of a file, of which some are in memory. Safe for use by many threads. */
public interface CachedBlocks extends BlockSource {
    /** A block if it is in memory; null if it would have to be read. */
    @Nullable
    Block cached(int number);
}
