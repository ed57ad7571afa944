package dev.palimpsest.storage.blob;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;

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

    /** The same on behalf of a request: whoever has to read the block tells the request's trace. */
    default Block block(int number, RequestContext context) throws StorageException {
        return block(number);
    }
}
