package dev.palimpsest.storage.layer;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.blob.BlobCompression;
import dev.palimpsest.storage.blob.BlockCache;
import dev.palimpsest.storage.blob.ReadBuffers;
import dev.palimpsest.storage.blob.ZstdContexts;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.file.Disk;
import dev.palimpsest.storage.file.MemoryDisk;
import dev.palimpsest.storage.file.ReadableFile;
import dev.palimpsest.storage.file.WritableFile;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.layer.delta.DeltaLayerWriter;
import dev.palimpsest.storage.layer.file.DirectorySync;
import dev.palimpsest.storage.layer.file.LayerFile;
import dev.palimpsest.storage.layer.file.LayerIo;
import dev.palimpsest.storage.layer.image.ImageLayerWriter;
import dev.palimpsest.storage.layer.residency.DownloadQueue;
import dev.palimpsest.storage.layer.residency.DownloadSettings;
import dev.palimpsest.storage.layer.residency.LayerDownloads;
import dev.palimpsest.storage.layer.residency.PersistentLayers;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.SingleThreadTasks;
import dev.palimpsest.storage.runtime.SystemClock;
import dev.palimpsest.storage.runtime.Tasks;
import dev.palimpsest.storage.value.Value;
import dev.palimpsest.storage.value.ValueCodec;
import dev.palimpsest.storage.value.WalRecord;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.TreeMap;

/** Layers on a disk in memory, and contents for them. */
public final class Layers {
    private static final Tasks TASKS = new SingleThreadTasks();
    private static final Clock CLOCK = new SystemClock();
    private static final LayerDownloads NO_DOWNLOADS = (layer, target, progress, context) -> {
        throw new AssertionError(layer + " is here, but was to be downloaded to " + target);
    };
    private static final DownloadQueue QUEUE = new DownloadQueue(
            new Environment(CLOCK, TASKS, new SplittableRandom(0)), DownloadSettings.DEFAULT, new PrometheusRegistry());

    public static final TenantId TENANT = TenantId.parse("11223344556677881122334455667788");
    public static final TimelineId TIMELINE = TimelineId.parse("aabbccddeeff00112233445566778899");
    public static final Path DIRECTORY = Path.of("/timeline");

    public final Disk disk;
    public final LayerIo io;
    private long unique;

    /** A value's place, in the order of layer files. */
    public record At(Key key, Lsn lsn) implements Comparable<At> {
        @Override
        public int compareTo(At other) {
            int order = key.compareTo(other.key);
            return order != 0 ? order : lsn.compareTo(other.lsn);
        }
    }

    public Layers() throws StorageException {
        this(new MemoryDisk(1));
    }

    public Layers(Disk disk) throws StorageException {
        this(disk, 32 * 1024);
    }

    public Layers(Disk disk, int maxReadBytes) throws StorageException {
        this.disk = disk;
        this.io = io(disk, maxReadBytes);
        if (!disk.exists(DIRECTORY)) {
            disk.createDirectories(DIRECTORY);
        }
    }

    public static LayerIo io(Disk disk, int maxReadBytes) {
        return io(disk, TASKS, maxReadBytes);
    }

    public static LayerIo io(Disk disk, Tasks tasks, int maxReadBytes) {
        return new LayerIo(
                disk,
                tasks,
                new BlockCache(64),
                new ReadBuffers(64 * 1024, 2, 4096, tasks),
                new ZstdContexts(1),
                maxReadBytes,
                1 << 20,
                16 << 10);
    }

    public static RequestContext context() {
        return RequestContext.of(TaskKind.values()[0]);
    }

    public static Key key(int block) {
        return Key.of(0, 1663, 5, 16384, 0, block);
    }

    public static Value.Image image(Random random, int size, boolean compressible) {
        byte[] bytes = new byte[size];
        random.nextBytes(bytes);
        if (compressible) {
            for (int i = 0; i < size; i++) {
                bytes[i] = (byte) (bytes[i] & 3);
            }
        }
        return new Value.Image(bytes);
    }

    /** Values of up to {@code keys} keys at LSNs of {@code lsns}, with images, initialising and other records of many sizes. */
    public static NavigableMap<At, Value> contents(Random random, int keys, LsnRange lsns, int versions, int maxSize) {
        TreeMap<At, Value> contents = new TreeMap<>();
        long span = lsns.end().bytesSince(lsns.start());
        while (contents.isEmpty()) {
            for (int block = 0; block < keys; block++) {
                int count = random.nextInt(versions + 1);
                for (int i = 0; i < count; i++) {
                    At at = new At(
                            key(3 * block + random.nextInt(3)), lsns.start().plus(random.nextLong(span)));
                    int size = random.nextInt(4) == 0 ? random.nextInt(maxSize) : random.nextInt(200);
                    Value.Image bytes = image(random, size, random.nextBoolean());
                    contents.put(
                            at,
                            switch (random.nextInt(5)) {
                                case 0 -> bytes;
                                case 1 -> new WalRecord.Postgres(true, bytes.bytes());
                                default -> new WalRecord.Postgres(false, bytes.bytes());
                            });
                }
            }
        }
        return contents;
    }

    public static ByteBuffer encoded(Value value) {
        ByteBuffer bytes = ByteBuffer.allocate(ValueCodec.encodedSize(value));
        ValueCodec.encode(value, bytes);
        return bytes.flip();
    }

    public DeltaLayerWriter deltaWriter(Key start, LsnRange lsns) throws StorageException {
        return new DeltaLayerWriter(io, DIRECTORY, TENANT, TIMELINE, start, lsns, unique++);
    }

    public LayerFile writeDelta(KeyRange keys, LsnRange lsns, Map<At, Value> contents) throws StorageException {
        try (DeltaLayerWriter writer = deltaWriter(keys.start(), lsns)) {
            for (Map.Entry<At, Value> entry : contents.entrySet()) {
                At at = entry.getKey();
                writer.put(
                        at.key(),
                        at.lsn(),
                        encoded(entry.getValue()),
                        entry.getValue().willInit());
            }
            return writer.finish(keys.end(), new Generation(1), DirectorySync.NOW);
        }
    }

    public LayerFile writeImage(ImageLayerName name, Map<Key, byte[]> images, BlobCompression compression)
            throws StorageException {
        try (ImageLayerWriter writer =
                new ImageLayerWriter(io, DIRECTORY, TENANT, TIMELINE, name, unique++, compression)) {
            for (Map.Entry<Key, byte[]> entry : images.entrySet()) {
                writer.put(entry.getKey(), ByteBuffer.wrap(entry.getValue()));
            }
            return writer.finish(new Generation(1), DirectorySync.NOW);
        }
    }

    public PersistentLayer open(LayerFile file) throws StorageException {
        return open(file.path(), file.fileName().name(), file.size());
    }

    public PersistentLayer open(Path path, LayerName name, long size) throws StorageException {
        return open(path, name, size, TENANT);
    }

    public PersistentLayer open(Path path, LayerName name, long size, TenantId tenant) throws StorageException {
        return new PersistentLayers(io, CLOCK, tenant, DIRECTORY, NO_DOWNLOADS, QUEUE).written(at(path, name), size);
    }

    /** The name that stands in the path; if it is another, the file is copied to where it should be. */
    private LayerFileName at(Path path, LayerName name) throws StorageException {
        String local = path.getFileName().toString();
        if (local.startsWith(name.toString())) {
            return LayerFileName.parse(local);
        }
        LayerFileName file = new LayerFileName(name, Generation.NONE);
        replace(DIRECTORY.resolve(file.local()), bytes(path));
        return file;
    }

    public byte[] bytes(Path path) throws StorageException {
        try (ReadableFile file = disk.open(path)) {
            ByteBuffer bytes = ByteBuffer.allocate((int) file.size());
            file.read(0, bytes);
            return bytes.array();
        }
    }

    /** Replaces a file, or makes it. */
    public void replace(Path path, byte[] bytes) throws StorageException {
        disk.delete(path);
        try (WritableFile file = disk.create(path)) {
            file.write(0, ByteBuffer.wrap(bytes));
        }
    }

    /** All values of an iterator. */
    public static NavigableMap<At, Value> all(LayerIterator iterator) throws StorageException {
        TreeMap<At, Value> all = new TreeMap<>();
        try (iterator) {
            At last = null;
            while (iterator.next()) {
                At at = new At(iterator.key(), iterator.lsn());
                if (last != null && last.compareTo(at) >= 0) {
                    throw new AssertionError(at + " after " + last);
                }
                last = at;
                Value value = ValueCodec.decode(iterator.value(), "iterator", 0);
                if (iterator.willInit() != value.willInit() || iterator.isImage() != value instanceof Value.Image) {
                    throw new AssertionError("flags of " + at);
                }
                all.put(at, value);
            }
        }
        return all;
    }

    /** What a map has for a key that it has. */
    public static <K, V> V get(Map<K, V> map, K key) {
        return Objects.requireNonNull(map.get(key), () -> "no " + key);
    }
}
