package dev.palimpsest.storage.layer.residency;

import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.file.Disk;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.remote.ObjectStore;
import dev.palimpsest.storage.runtime.Environment;
import java.util.List;
import java.util.Random;

/** Remote layers for tests of what decides over them. */
public final class EvictableLayers {
    private final List<RemoteLayers.Sample> samples;
    private final List<PersistentLayer> layers;
    private final ResidentBytes resident;

    /** That many, all in the object store and none here. */
    public EvictableLayers(Environment environment, Disk disk, ObjectStore store, int count) throws StorageException {
        this(environment, disk, store, count, Long.MAX_VALUE);
    }

    /** The same where more than {@code limit} bytes here ring the bell. */
    public EvictableLayers(Environment environment, Disk disk, ObjectStore store, int count, long limit)
            throws StorageException {
        this.samples = RemoteLayers.samples(count, new Random(count));
        RemoteLayers.upload(store, samples);
        RemoteLayers life = new RemoteLayers(environment, disk, store, new DownloadSettings(2, 1, 1 << 30), limit);
        this.resident = life.queue.resident();
        this.layers = samples.stream()
                .map(sample -> life.layers.remote(sample.layer()))
                .toList();
    }

    public List<PersistentLayer> layers() {
        return layers;
    }

    public ResidentBytes resident() {
        return resident;
    }

    /** Reads one; what it gives must be right. */
    public void read(int layer) throws StorageException {
        RemoteLayers.read(layers.get(layer), samples.get(layer), RemoteLayers.page());
    }
}
