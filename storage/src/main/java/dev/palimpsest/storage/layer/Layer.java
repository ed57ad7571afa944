package dev.palimpsest.storage.layer;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.KeySpace;

/** A layer that can be read. Safe for use by many threads; a read never waits for a writer. */
public interface Layer extends LayerExtent {
    /**
     * Keeps the layer's bytes where they are until {@link #release}. A reader does this before {@link #collect}, because the
     * layer may be replaced at any time.
     *
     * @return false if the layer is gone already; the reader then looks at the newer layer map
     */
    boolean tryAcquire();

    /** Ends one {@link #tryAcquire} that returned true. */
    void release();

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
