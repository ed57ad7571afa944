package dev.palimpsest.storage.compaction;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.layer.LayerName;
import dev.palimpsest.storage.layer.LsnRange;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layer.ReconstructState;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A timeline as compaction of its history sees it, which, unlike all other compaction, loses versions. */
public interface HistoryTimeline extends CompactedTimeline {
    /** Up to where, inclusive, keys that it has nothing of are looked for in an ancestor; 0/0 if it has none. */
    Lsn inheritedUpTo();

    /**
     * Whether a layer of this name must not be written: because there is one, or there was one in this life of the process, whose
     * deletion from the object store may still come.
     */
    boolean isTaken(LayerName name);

    /**
     * LSNs for new delta layers of which no delta layer is, or was in this life of the process.
     *
     * @return with the same end, and a start as near to that of {@code wanted} as possible, not after it; null if there are none
     */
    @Nullable
    LsnRange unused(LsnRange wanted);

    /** The value that a key has after the last of some versions, ascending, of which the first needs nothing older. */
    byte[] rebuild(Key key, List<ReconstructState.Version> versions) throws StorageException;

    /**
     * Replaces layers by some that have not all of their versions. Who began to read before finds the old ones to the end, and who
     * begins to read after that finds the new ones from the beginning; nobody some of both. On return nobody reads the old ones
     * any more; if it throws, that is waited for before anything else removes layers.
     */
    void replaceHistory(List<PersistentLayer> added, List<PersistentLayer> removed, RequestContext context)
            throws StorageException;
}
