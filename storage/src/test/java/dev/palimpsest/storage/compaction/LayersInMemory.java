package dev.palimpsest.storage.compaction;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.blob.BlobCompression;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.ImageLayerName;
import dev.palimpsest.storage.layer.Layer;
import dev.palimpsest.storage.layer.Layers;
import dev.palimpsest.storage.layer.LsnRange;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layer.delta.DeltaLayerWriter;
import dev.palimpsest.storage.layer.file.DirectorySync;
import dev.palimpsest.storage.layer.image.ImageLayerWriter;
import dev.palimpsest.storage.layermap.LayerMap;
import dev.palimpsest.storage.layermap.LayerMapEditor;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** A timeline that is nothing but layers on a disk in memory, and says in which order things were asked of it. */
final class LayersInMemory implements CompactedTimeline {
    final Layers layers;
    final List<String> calls = new ArrayList<>();
    LayerMap<Layer> map = LayerMap.empty();
    Lsn diskConsistent = Lsn.INVALID;
    /** How many images were read at once at most. */
    int mostAtOnce;

    private long unique = 1_000_000;

    LayersInMemory() throws StorageException {
        this.layers = new Layers();
    }

    void add(PersistentLayer layer) {
        map = map.edit().add(layer).apply();
        diskConsistent = Lsn.max(diskConsistent, layer.lsnEnd().minus(1));
    }

    @Override
    public TimelineId id() {
        return Layers.TIMELINE;
    }

    @Override
    public LayerMap<Layer> layers() {
        return map;
    }

    @Override
    public Lsn diskConsistentLsn() {
        return diskConsistent;
    }

    @Override
    public DeltaLayerWriter newDeltaLayer(Key keyStart, LsnRange lsns) throws StorageException {
        return layers.deltaWriter(keyStart, lsns);
    }

    @Override
    public PersistentLayer finish(DeltaLayerWriter writer, Key keyStart, Key keyEnd, LsnRange lsns)
            throws StorageException {
        calls.add("finish");
        return layers.open(writer.finish(keyEnd, lsns.end(), new Generation(1), DirectorySync.LEFT_TO_CALLER));
    }

    @Override
    public ImageLayerWriter newImageLayer(ImageLayerName name, BlobCompression compression) throws StorageException {
        return new ImageLayerWriter(
                layers.io, Layers.DIRECTORY, Layers.TENANT, Layers.TIMELINE, name, unique++, compression);
    }

    @Override
    public PersistentLayer finish(ImageLayerWriter writer, ImageLayerName name) throws StorageException {
        calls.add("finish");
        return layers.open(writer.finish(name.keyRange().end(), new Generation(1), DirectorySync.LEFT_TO_CALLER));
    }

    @Override
    public void readImages(KeySpace keys, Lsn lsn, ImageSink sink, RequestContext context) throws StorageException {
        mostAtOnce = Math.max(mostAtOnce, (int) keys.pageCount());
        for (var range : keys.ranges()) {
            for (Key key = range.start(); key.compareTo(range.end()) < 0; key = key.next()) {
                sink.put(key, image(key, lsn));
            }
        }
    }

    static byte[] image(Key key, Lsn lsn) {
        return (key + " as of " + lsn).getBytes(StandardCharsets.US_ASCII);
    }

    @Override
    public int maxKeysPerRead() {
        return 7;
    }

    @Override
    public void syncDirectory() throws DiskException {
        calls.add("sync");
        layers.disk.syncDirectory(Layers.DIRECTORY);
    }

    @Override
    public void swap(List<PersistentLayer> added, List<PersistentLayer> removed) {
        calls.add("swap");
        LayerMapEditor<Layer> edit = map.edit();
        removed.forEach(edit::remove);
        added.forEach(edit::add);
        map = edit.apply();
        removed.forEach(PersistentLayer::drop);
    }

    @Override
    public void publish(RequestContext context) {
        calls.add("publish");
    }

    @Override
    public void checkRunning(RequestContext context) throws CancelledException {
        context.checkCancelled();
    }
}
