package dev.palimpsest.storage.compaction;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.blob.BlobCompression;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.ImageLayerName;
import dev.palimpsest.storage.layer.Layer;
import dev.palimpsest.storage.layer.LsnRange;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layer.delta.DeltaLayerWriter;
import dev.palimpsest.storage.layer.image.ImageLayerWriter;
import dev.palimpsest.storage.layermap.LayerMap;
import java.util.List;

/**
 * A timeline as compaction sees it. Whoever compacts has it for himself: nobody else removes layers meanwhile, though flushes
 * add some.
 *
 * <p>The order in which a change becomes durable:
 *
 * <pre>
 *   finish (content) ─ syncDirectory (names) ─ swap (readers see them) ─ publish (the index part names them)
 *                                                                           └─ files of removed layers are deleted
 * </pre>
 */
public interface CompactedTimeline {
    /** Which timeline. */
    TimelineId id();

    /** The layers of now. */
    LayerMap<Layer> layers();

    /** Everything up to here, inclusive, is in layers that the index part names. What is beyond is left alone. */
    Lsn diskConsistentLsn();

    /** Begins a delta layer; it counts once it is {@link #finish finished} and {@link #swap swapped} in. */
    DeltaLayerWriter newDeltaLayer(Key keyStart, LsnRange lsns) throws StorageException;

    /** Completes a delta layer's file. Its content is durable on return, its name is not. */
    PersistentLayer finish(DeltaLayerWriter writer, Key keyStart, Key keyEnd, LsnRange lsns) throws StorageException;

    /** Begins an image layer; it counts once it is {@link #finish finished} and {@link #swap swapped} in. */
    ImageLayerWriter newImageLayer(ImageLayerName name, BlobCompression compression) throws StorageException;

    /** Completes an image layer's file. Its content is durable on return, its name is not. */
    PersistentLayer finish(ImageLayerWriter writer, ImageLayerName name) throws StorageException;

    /** Takes images. */
    @FunctionalInterface
    interface ImageSink {
        /** Takes the image of a key; keys ascend. */
        void put(Key key, byte[] image) throws StorageException;
    }

    /**
     * Makes the images of keys.
     *
     * @param keys at most {@link #maxKeysPerRead()}
     * @throws StorageException if any key has none, or it cannot be made
     */
    void readImages(KeySpace keys, Lsn lsn, ImageSink sink, RequestContext context) throws StorageException;

    /** How many keys are read at once at most. */
    int maxKeysPerRead();

    /** Makes the names of all finished layers durable. */
    void syncDirectory() throws DiskException;

    /**
     * Replaces layers, for readers, at once. The removed ones keep their files until an index part without them is published,
     * and until nobody reads them.
     */
    void swap(List<PersistentLayer> added, List<PersistentLayer> removed);

    /**
     * Publishes an index part that names the layers of now. If it throws, either index part may be the one in force, and the
     * next one that is published will name these layers too: nothing is to be undone.
     */
    void publish(RequestContext context) throws StorageException;

    /**
     * To be called every now and then.
     *
     * @throws CancelledException if the request was cancelled, or the timeline is shut down
     */
    void checkRunning(RequestContext context) throws CancelledException;
}
