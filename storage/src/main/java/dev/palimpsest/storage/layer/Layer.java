package dev.palimpsest.storage.layer;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.KeySpace;

/** A layer that can be read. Safe for use by many threads; a read never waits for a writer. */
public interface Layer extends LayerExtent {
    /**
     * Gathers what this layer has for {@code keys} at LSNs from {@code floor}, inclusive, to {@code end}, exclusive, newest
     * first, and for each key stops at the first value that initialises it or at what the state has cached.
     *
     * <p>What cannot be read of one key is recorded for that key in {@code state} and does not fail the others.
     *
     * @throws StorageException only if the whole layer cannot be read, or the request was cancelled
     */
    void collect(KeySpace keys, Lsn floor, Lsn end, ReconstructState state, RequestContext context)
            throws StorageException;
}
