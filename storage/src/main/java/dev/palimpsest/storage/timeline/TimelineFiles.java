package dev.palimpsest.storage.timeline;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.blob.BlobCompression;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.file.Disk;
import dev.palimpsest.storage.index.IndexPart;
import dev.palimpsest.storage.index.LayerMetadata;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.layer.DeltaLayerName;
import dev.palimpsest.storage.layer.ImageLayerName;
import dev.palimpsest.storage.layer.Layer;
import dev.palimpsest.storage.layer.LayerFileName;
import dev.palimpsest.storage.layer.LayerName;
import dev.palimpsest.storage.layer.LsnRange;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layer.TimelineFile;
import dev.palimpsest.storage.layer.delta.DeltaLayerWriter;
import dev.palimpsest.storage.layer.download.ObjectStoreDownloads;
import dev.palimpsest.storage.layer.file.DirectorySync;
import dev.palimpsest.storage.layer.file.LayerFile;
import dev.palimpsest.storage.layer.image.ImageLayerWriter;
import dev.palimpsest.storage.layer.memory.InMemoryLayer;
import dev.palimpsest.storage.layer.residency.PersistentLayers;
import dev.palimpsest.storage.layer.residency.RemoteLayer;
import dev.palimpsest.storage.layermap.LayerMap;
import dev.palimpsest.storage.layermap.LayerMapEditor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The local files of one timeline: finds those that count at the start, and makes new ones. */
record TimelineFiles(
        Engine engine,
        TenantId tenant,
        TimelineId timeline,
        Generation generation,
        Path directory,
        PersistentLayers persistent) {
    private static final Logger LOG = LoggerFactory.getLogger(TimelineFiles.class);

    /** How many names of unknown files are told. */
    private static final int UNKNOWN_TOLD = 10;

    TimelineFiles(Engine engine, TenantId tenant, TimelineId timeline, Generation generation, Path directory) {
        this(
                engine,
                tenant,
                timeline,
                generation,
                directory,
                new PersistentLayers(
                        engine.layerIo(),
                        engine.environment().clock(),
                        tenant,
                        directory,
                        new ObjectStoreDownloads(
                                engine.disk(), engine.objects(), tenant, timeline, engine.uniqueNumbers()),
                        engine.downloads()));
    }

    InMemoryLayer createInMemoryLayer(Lsn start) throws StorageException {
        return engine.inMemoryLayers().open(directory, timeline, start);
    }

    /**
     * Writes a frozen layer as delta layers. Their files and names are durable on return. None if the layer has no values; then
     * there is no file.
     */
    List<PersistentLayer> write(InMemoryLayer frozen, InMemoryLayer.Division division, RequestContext context)
            throws StorageException {
        InMemoryLayer.L0Target target = new InMemoryLayer.L0Target(
                engine.layerIo(),
                directory,
                tenant,
                generation,
                DirectorySync.NOW,
                engine.uniqueNumbers().incrementAndGet());
        return frozen.writeToDisk(division, engine.l0Flush(), target, context).stream()
                .map(file -> persistent.written(file.fileName(), file.size()))
                .toList();
    }

    /** A writer of a delta layer, to be completed by {@link #finish}. */
    DeltaLayerWriter deltaWriter(Key keyStart, LsnRange planned) throws StorageException {
        return new DeltaLayerWriter(
                engine.layerIo(),
                directory,
                tenant,
                timeline,
                keyStart,
                planned,
                engine.uniqueNumbers().incrementAndGet());
    }

    /** Completes a delta layer's file; its name becomes durable with {@link #syncDirectory}. */
    PersistentLayer finish(DeltaLayerWriter writer, DeltaLayerName name) throws StorageException {
        LayerFile file =
                writer.finish(name.keyRange().end(), name.lsnRange().end(), generation, DirectorySync.LEFT_TO_CALLER);
        return persistent.written(file.fileName(), file.size());
    }

    /** A writer of an image layer, to be completed by {@link #finish}. */
    ImageLayerWriter imageWriter(ImageLayerName planned, BlobCompression compression) throws StorageException {
        return new ImageLayerWriter(
                engine.layerIo(),
                directory,
                tenant,
                timeline,
                planned,
                engine.uniqueNumbers().incrementAndGet(),
                compression);
    }

    /** Completes an image layer's file; its name becomes durable with {@link #syncDirectory}. */
    PersistentLayer finish(ImageLayerWriter writer, Key keyEnd) throws StorageException {
        LayerFile file = writer.finish(keyEnd, generation, DirectorySync.LEFT_TO_CALLER);
        return persistent.written(file.fileName(), file.size());
    }

    /** Makes the names of all files there durable. */
    void syncDirectory() throws DiskException {
        engine.disk().syncDirectory(directory);
    }

    /**
     * Gives the file of a layer of another timeline a second name here, under this generation; nothing is copied. Durable once
     * {@link #syncDirectory} was called, which there is no need for: what is not here is downloaded.
     *
     * @return false if that cannot be
     */
    boolean link(Path file, LayerFileName as) throws DiskException {
        Path here = directory.resolve(as.local());
        engine.disk().delete(here); // what an attempt that failed may have left
        return engine.disk().link(file, here);
    }

    /** Deletes the file of a layer, if there is one. */
    void deleteLayer(LayerName name) throws DiskException {
        engine.disk().delete(directory.resolve(new LayerFileName(name, generation).local()));
    }

    /** Deletes every file of the timeline and its directory; durable once the directory it is in is synced. */
    void deleteAll() throws DiskException {
        for (Disk.Entry file : engine.disk().list(directory)) {
            engine.disk().delete(directory.resolve(file.name()));
        }
        engine.disk().deleteDirectory(directory);
    }

    /**
     * The layers that are files and reach up to {@code flushed}, inclusive. A layer beyond that would be written once more
     * after a crash, so none is named before its flush says how far it is durable.
     */
    static List<PersistentLayer> upTo(Lsn flushed, LayerMap<Layer> layers) {
        return layers.historicLayers()
                .map(layer -> (PersistentLayer) layer)
                .filter(layer -> !layer.lsnEnd().isAfter(flushed.plus(1)))
                .toList();
    }

    /** What the index part says of these layers. */
    static SortedMap<String, LayerMetadata> metadataOf(List<PersistentLayer> layers) {
        SortedMap<String, LayerMetadata> metadata = new TreeMap<>();
        for (PersistentLayer layer : layers) {
            metadata.put(
                    layer.name().toString(),
                    new LayerMetadata(layer.size(), layer.fileName().generation(), layer.shard()));
        }
        return metadata;
    }

    /**
     * Takes up the layers that the index part names: what is here with its size is resident, what is not here is remote and
     * downloaded when it is read. What is here with another size is put aside. What a crash has left (temporary and ephemeral
     * files, layers that were not named in the index part yet) is deleted.
     *
     * <p>The directory must be there. The object store has all of them: a life names a layer in its index part only once its
     * upload was answered.
     *
     * @throws InvalidRequestException if there is a file that is none of ours
     */
    LayerMap<Layer> load(IndexPart index) throws StorageException {
        Set<String> expected = new HashSet<>();
        LayerMapEditor<Layer> map = LayerMap.<Layer>empty().edit();
        Map<String, Long> sizes = sizesAndUnknown();
        for (Map.Entry<String, LayerMetadata> entry : index.layers().entrySet()) {
            LayerMetadata metadata = entry.getValue();
            LayerFileName file = new LayerFileName(LayerName.parse(entry.getKey()), metadata.generation());
            RemoteLayer layer = new RemoteLayer(file, metadata.shard(), metadata.fileSize());
            Long size = sizes.isEmpty() ? null : sizes.get(file.local());
            if (size != null && size == metadata.fileSize()) {
                expected.add(file.local());
                map.add(persistent.resident(layer));
            } else {
                if (size != null) {
                    expected.add(putAside(file, size, metadata.fileSize()));
                }
                map.add(persistent.remote(layer));
            }
        }
        deleteAllBut(expected, sizes.keySet());
        return map.apply();
    }

    /** A file that is not what it should be may be of use to somebody who looks into what has happened. */
    private String putAside(LayerFileName file, long size, long expected) throws DiskException {
        String aside = file.local() + TimelineFile.ASIDE_SUFFIX;
        LOG.warn(
                "timeline {}: {} has {} bytes, the index part says {}; it is put aside until the next start, and the layer"
                        + " is downloaded when it is read",
                timeline,
                file.local(),
                size,
                expected);
        engine.disk().rename(directory.resolve(file.local()), directory.resolve(aside));
        return aside;
    }

    private Map<String, Long> sizesAndUnknown() throws StorageException {
        Map<String, Long> sizes = new TreeMap<>();
        List<String> unknown = new ArrayList<>();
        for (Disk.Entry entry : engine.disk().list(directory)) {
            if (entry.kind() != Disk.Kind.FILE || TimelineFile.classify(entry.name()) instanceof TimelineFile.Unknown) {
                unknown.add(entry.name());
            } else {
                sizes.put(entry.name(), entry.size());
            }
        }
        if (!unknown.isEmpty()) {
            throw new InvalidRequestException("there are " + unknown.size() + " files in " + directory
                    + " that are not Palimpsest's; move them away: "
                    + String.join(", ", unknown.subList(0, Math.min(UNKNOWN_TOLD, unknown.size()))));
        }
        return sizes;
    }

    private void deleteAllBut(Set<String> kept, Set<String> found) throws DiskException {
        boolean changed = false;
        for (String name : found) {
            if (!kept.contains(name)) {
                LOG.info("timeline {}: deleting {}, which a crash has left", timeline, name);
                changed |= engine.disk().delete(directory.resolve(name));
            }
        }
        if (changed) {
            engine.disk().syncDirectory(directory);
        }
    }
}
