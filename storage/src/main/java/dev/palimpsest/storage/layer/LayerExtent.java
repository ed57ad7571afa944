package dev.palimpsest.storage.layer;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.key.KeyRange;

/** The rectangle of keys and LSNs that a layer covers. */
public interface LayerExtent {
    /** What kind of layer. */
    LayerKind kind();

    /** The keys it covers. */
    KeyRange keyRange();

    /** The first LSN it covers; for an image layer, the LSN of its images. */
    Lsn lsnStart();

    /**
     * The first LSN it no longer covers; for an image layer its LSN + 1, for an open in-memory layer {@link Lsn#MAX}.
     */
    Lsn lsnEnd();

    /**
     * Whether it is an L0: a delta layer that covers every key. Writes end up there first; compaction makes others of it.
     */
    default boolean isL0() {
        return kind() == LayerKind.DELTA && keyRange().equals(KeyRange.ALL);
    }
}
