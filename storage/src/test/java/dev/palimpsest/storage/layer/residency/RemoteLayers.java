package dev.palimpsest.storage.layer.residency;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.ShardIndex;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.file.Disk;
import dev.palimpsest.storage.file.ReadableFile;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.Layers;
import dev.palimpsest.storage.layer.LsnRange;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layer.ReconstructState;
import dev.palimpsest.storage.layer.download.ObjectStoreDownloads;
import dev.palimpsest.storage.layer.file.LayerFile;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.ObjectSource;
import dev.palimpsest.storage.remote.ObjectStore;
import dev.palimpsest.storage.remote.PutCondition;
import dev.palimpsest.storage.remote.RemotePaths;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.value.Value;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;

/** Layers that an object store has, and one life of a process that reads them. */
final class RemoteLayers {
    static final Path DIRECTORY = Layers.DIRECTORY;

    /** A layer, what is in it, and its file. */
    record Sample(RemoteLayer layer, NavigableMap<Layers.At, Value> contents, byte[] bytes) {
        ObjectKey key() {
            return new ObjectKey(RemotePaths.layer(
                    Layers.TENANT,
                    layer.shard(),
                    Layers.TIMELINE,
                    layer.fileName().name().toString(),
                    layer.fileName().generation()));
        }

        Path path() {
            return DIRECTORY.resolve(layer.fileName().local());
        }
    }

    final Disk disk;
    final PrometheusRegistry metrics = new PrometheusRegistry();
    final DownloadQueue queue;
    final PersistentLayers layers;

    RemoteLayers(Environment environment, Disk disk, ObjectStore store, DownloadSettings settings)
            throws StorageException {
        this(environment, disk, store, settings, Long.MAX_VALUE);
    }

    /** The same where more than {@code limit} bytes here are too many. */
    RemoteLayers(Environment environment, Disk disk, ObjectStore store, DownloadSettings settings, long limit)
            throws StorageException {
        this(
                environment,
                disk,
                new ObjectStoreDownloads(disk, store, Layers.TENANT, Layers.TIMELINE, new AtomicLong()),
                settings,
                limit);
    }

    RemoteLayers(Environment environment, Disk disk, LayerDownloads downloads, DownloadSettings settings)
            throws StorageException {
        this(environment, disk, downloads, settings, Long.MAX_VALUE);
    }

    private RemoteLayers(
            Environment environment, Disk disk, LayerDownloads downloads, DownloadSettings settings, long limit)
            throws StorageException {
        this.disk = disk;
        disk.createDirectories(DIRECTORY);
        this.queue = new DownloadQueue(
                environment,
                settings,
                new ResidentBytes(limit, environment.tasks().newSignal(), metrics),
                metrics);
        this.layers = new PersistentLayers(
                Layers.io(disk, environment.tasks(), 32 << 10),
                environment.clock(),
                Layers.TENANT,
                DIRECTORY,
                downloads,
                queue);
    }

    /** Delta layers that differ in their LSNs. */
    static List<Sample> samples(int count, Random random) throws StorageException {
        Layers written = new Layers();
        List<Sample> samples = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            LsnRange lsns = new LsnRange(new Lsn(0x1000L * (i + 1)), new Lsn(0x1000L * (i + 2)));
            NavigableMap<Layers.At, Value> contents = Layers.contents(random, 10, lsns, 4, 9000);
            LayerFile file = written.writeDelta(KeyRange.ALL, lsns, contents);
            samples.add(new Sample(
                    new RemoteLayer(file.fileName(), ShardIndex.UNSHARDED, file.size()),
                    contents,
                    written.bytes(file.path())));
        }
        return samples;
    }

    static void upload(ObjectStore store, List<Sample> samples) throws StorageException {
        for (Sample sample : samples) {
            put(store, sample.key(), sample.bytes());
        }
    }

    static void put(ObjectStore store, ObjectKey key, byte[] bytes) throws StorageException {
        store.put(key, ObjectSource.of(bytes), PutCondition.ALWAYS, RequestContext.of(TaskKind.TOOL));
    }

    /** Reads as the read path does; everything must be right. */
    static void read(PersistentLayer layer, Sample sample, RequestContext context) throws StorageException {
        assertThat(layer.tryAcquire()).isTrue();
        try {
            Layers.At at = sample.contents().lastKey();
            ReconstructState state = new ReconstructState();
            layer.collect(KeySpace.of(KeyRange.single(at.key())), Lsn.INVALID, Lsn.MAX, state, context);
            assertThat(Layers.get(state.keys(), at.key()).versions().getFirst())
                    .isEqualTo(new ReconstructState.Version(at.lsn(), Layers.get(sample.contents(), at)));
        } finally {
            layer.release();
        }
    }

    /** Reads every value; everything must be right. */
    static void readAll(PersistentLayer layer, Sample sample, RequestContext context) throws StorageException {
        assertThat(layer.tryAcquire()).isTrue();
        try {
            assertThat(Layers.all(layer.iterator(context))).isEqualTo(sample.contents());
        } finally {
            layer.release();
        }
    }

    /** The content of a local file; nothing if there is none. */
    static byte[] local(Disk disk, Path path) throws StorageException {
        if (!disk.exists(path)) {
            return new byte[0];
        }
        try (ReadableFile file = disk.open(path)) {
            ByteBuffer bytes = ByteBuffer.allocate((int) file.size());
            file.read(0, bytes);
            return bytes.array();
        }
    }

    /** The names of all files in the directory. */
    static List<String> files(Disk disk) throws StorageException {
        return disk.list(DIRECTORY).stream().map(Disk.Entry::name).toList();
    }

    static RequestContext page() {
        return RequestContext.of(TaskKind.PAGE_SERVICE);
    }
}
