package dev.palimpsest.benchmarks;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.page.PageLayout;
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
import dev.palimpsest.storage.file.LocalDisk;
import dev.palimpsest.storage.file.LocalDiskSettings;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.ImageLayerName;
import dev.palimpsest.storage.layer.Layer;
import dev.palimpsest.storage.layer.ReconstructState;
import dev.palimpsest.storage.layer.file.DirectorySync;
import dev.palimpsest.storage.layer.file.LayerFile;
import dev.palimpsest.storage.layer.file.LayerIo;
import dev.palimpsest.storage.layer.image.ImageLayerWriter;
import dev.palimpsest.storage.layer.memory.DirtyBytes;
import dev.palimpsest.storage.layer.memory.InMemoryLayer;
import dev.palimpsest.storage.layer.memory.InMemoryLayers;
import dev.palimpsest.storage.layer.memory.L0Flush;
import dev.palimpsest.storage.layer.memory.SerializedBatch;
import dev.palimpsest.storage.layer.residency.DownloadQueue;
import dev.palimpsest.storage.layer.residency.DownloadSettings;
import dev.palimpsest.storage.layer.residency.PersistentLayers;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.SystemClock;
import dev.palimpsest.storage.runtime.VirtualThreadTasks;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * How fast pages come out of a layer: 1, 32 or 256 pages at a time, neighbours from a random block on. Warm is through the
 * kernel's page cache after a round that does not count; cold is past it, with an index cache that keeps nothing.
 */
public final class ReadBenchmark {
    /** What the columns of a {@link Result} are. */
    public static final String HEADER = String.format(
            "%-10s %-5s %5s %12s %12s %12s %10s %10s",
            "layer", "", "keys", "reads/s", "pages/s", "MiB/s", "p50 us", "p99 us");

    private static final int[] KEYS = {1, 32, 256};
    private static final long BUDGET_NANOS = 1_000_000_000L;
    private static final int MAX_SAMPLES = 200_000;
    private static final int READ_BYTES = 130 << 10;
    private static final TenantId TENANT = new TenantId(1, 1);
    private static final TimelineId TIMELINE = new TimelineId(1, 1);
    private static final Lsn IMAGE_LSN = new Lsn(1L << 32);

    /**
     * What was measured.
     *
     * @param layer the kind of layer
     * @param warm whether through the kernel's page cache
     * @param keys pages in each read
     * @param readsPerSecond on one thread
     * @param medianMicros of a read
     * @param p99Micros of a read
     */
    public record Result(
            String layer, boolean warm, int keys, double readsPerSecond, double medianMicros, double p99Micros) {
        @Override
        public String toString() {
            return String.format(
                    Locale.ROOT,
                    "%-10s %-5s %5d %12.0f %12.0f %12.0f %10.1f %10.1f",
                    layer,
                    warm ? "warm" : "cold",
                    keys,
                    readsPerSecond,
                    readsPerSecond * keys,
                    readsPerSecond * keys * PageLayout.PAGE_SIZE / (1 << 20),
                    medianMicros,
                    p99Micros);
        }
    }

    private final SystemClock clock = new SystemClock();
    private final VirtualThreadTasks tasks = new VirtualThreadTasks(clock);
    private final SplittableRandom random = new SplittableRandom(1);
    private final Path directory;
    private final int pages;

    private ReadBenchmark(Path directory, int pages) {
        this.directory = directory;
        this.pages = pages;
    }

    /**
     * Runs, and deletes what it wrote.
     *
     * @param parent a directory on the disk to measure; a new one is made in it
     * @param pages pages of each layer, at least 256
     */
    public static void run(Path parent, int pages, Consumer<Result> results) throws IOException, StorageException {
        Path directory = Files.createTempDirectory(parent, "read-benchmark-");
        try {
            new ReadBenchmark(directory, pages).run(results);
        } finally {
            try (Stream<Path> left = Files.list(directory)) {
                for (Path file : left.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(directory);
        }
    }

    private void run(Consumer<Result> results) throws StorageException {
        LayerIo warm = io(LocalDiskSettings.Mode.BUFFERED, 8192);
        LayerIo cold = io(LocalDiskSettings.Mode.DIRECT, 1);
        InMemoryLayers layers = new InMemoryLayers(
                warm.disk(),
                new Environment(clock, tasks, new SplittableRandom()),
                new DirtyBytes(0, new PrometheusRegistry()));
        try (InMemoryLayer memory = layers.open(directory, TIMELINE, new Lsn(1))) {
            fill(memory);
            measure("in-memory", true, memory, results);
            memory.freeze(IMAGE_LSN, context());
            LayerFile delta = writeDelta(memory, warm);
            LayerFile image = writeImage(warm);
            for (LayerIo io : List.of(warm, cold)) {
                boolean isWarm = io.equals(warm);
                PersistentLayers files = files(io);
                measure("delta", isWarm, files.written(delta.fileName(), delta.size()), results);
                measure("image", isWarm, files.written(image.fileName(), image.size()), results);
            }
        }
    }

    private LayerIo io(LocalDiskSettings.Mode mode, int cachedBlocks) {
        LocalDisk disk = new LocalDisk(LocalDiskSettings.of(mode), tasks);
        return new LayerIo(
                disk,
                tasks,
                new BlockCache(cachedBlocks),
                new ReadBuffers(READ_BYTES + (62 << 10), 8, disk.alignment(), tasks),
                new ZstdContexts(2),
                READ_BYTES,
                1 << 20,
                LayerIo.DEFAULT_WRITE_BACK_BYTES);
    }

    private PersistentLayers files(LayerIo io) {
        DownloadQueue queue = new DownloadQueue(
                new Environment(clock, tasks, new SplittableRandom()),
                DownloadSettings.DEFAULT,
                new PrometheusRegistry());
        return new PersistentLayers(
                io,
                clock,
                TENANT,
                directory,
                (layer, _, _, _) -> {
                    throw new IllegalStateException("layer " + layer + " was written here");
                },
                queue);
    }

    private static RequestContext context() {
        return RequestContext.of(TaskKind.PAGE_SERVICE);
    }

    private static Key key(int block) {
        return Key.of(0, 1663, 5, 16384, 0, block);
    }

    private ByteBuffer page(int block) {
        byte[] bytes = new byte[PageLayout.PAGE_SIZE];
        new SplittableRandom(block).nextBytes(bytes);
        return ByteBuffer.wrap(bytes);
    }

    private void fill(InMemoryLayer memory) throws StorageException {
        SerializedBatch.Builder batch = new SerializedBatch.Builder();
        for (int block = 0; block < pages; block++) {
            batch.putImage(key(block), new Lsn(8L * (block + 1)), page(block));
            if (batch.sizeBytes() > 1 << 20 || block == pages - 1) {
                memory.putBatch(batch.build(), context());
                batch.clear();
            }
        }
    }

    private LayerFile writeDelta(InMemoryLayer memory, LayerIo io) throws StorageException {
        try (L0Flush flush = new L0Flush(1, 64 << 20, tasks.newSignal())) {
            return memory.writeToDisk(
                            flush,
                            new InMemoryLayer.L0Target(io, directory, TENANT, new Generation(1), DirectorySync.NOW, 1),
                            context())
                    .orElseThrow();
        }
    }

    private LayerFile writeImage(LayerIo io) throws StorageException {
        ImageLayerName name = new ImageLayerName(new KeyRange(key(0), key(pages)), IMAGE_LSN);
        try (ImageLayerWriter writer =
                new ImageLayerWriter(io, directory, TENANT, TIMELINE, name, 2, BlobCompression.NONE)) {
            for (int block = 0; block < pages; block++) {
                writer.put(key(block), page(block));
            }
            return writer.finish(new Generation(1), DirectorySync.NOW);
        }
    }

    private void measure(String kind, boolean warm, Layer layer, Consumer<Result> results) throws StorageException {
        for (int keys : KEYS) {
            if (warm) {
                sample(layer, keys);
            }
            long began = clock.nanos();
            long[] nanos = sample(layer, keys);
            double seconds = (clock.nanos() - began) / 1e9;
            Arrays.sort(nanos);
            results.accept(new Result(
                    kind,
                    warm,
                    keys,
                    nanos.length / seconds,
                    nanos[nanos.length / 2] / 1e3,
                    nanos[(int) (nanos.length * 0.99)] / 1e3));
        }
    }

    /** Reads for a second; how long each read took. */
    private long[] sample(Layer layer, int keys) throws StorageException {
        long[] nanos = new long[MAX_SAMPLES];
        long end = clock.nanos() + BUDGET_NANOS;
        int count = 0;
        long start = clock.nanos();
        while (count < MAX_SAMPLES && start < end) {
            int block = random.nextInt(pages - keys + 1);
            ReconstructState state = new ReconstructState();
            layer.collect(
                    KeySpace.of(new KeyRange(key(block), key(block + keys))),
                    Lsn.INVALID,
                    IMAGE_LSN.plus(1),
                    state,
                    context());
            if (state.keys().size() != keys) {
                throw new IllegalStateException("read " + state.keys().size() + " of " + keys + " pages");
            }
            long now = clock.nanos();
            nanos[count++] = now - start;
            start = now;
        }
        return Arrays.copyOf(nanos, count);
    }
}
