package dev.palimpsest.storage.gc;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.layer.Layer;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layermap.LayerMap;
import java.util.List;

/** A timeline as GC sees it. Whoever collects garbage has it for himself; flushes may add layers meanwhile. */
public interface CollectedTimeline {
    /** The layers of now. */
    LayerMap<Layer> layers();

    /** Reads below this LSN are refused, and so are branches. */
    Lsn gcCutoffLsn();

    /** Everything up to here, inclusive, is in layers that the index part names. What is beyond is left alone. */
    Lsn diskConsistentLsn();

    /** Waits until all reads have ended that began before the call; others go on. */
    void awaitReaders(RequestContext context) throws StorageException;

    /** Removes layers, for readers, at once. Their files stay until an index part without them is published. */
    void remove(List<PersistentLayer> layers);

    /**
     * Publishes an index part with the layers and the cutoff of now, and then deletes the files of removed layers. If it
     * throws, either index part may be the one in force, and the next that is published will say the same.
     */
    void publish(RequestContext context) throws StorageException;
}
