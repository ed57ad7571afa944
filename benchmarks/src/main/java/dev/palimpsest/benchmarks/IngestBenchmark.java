package dev.palimpsest.benchmarks;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.blob.BlockCache;
import dev.palimpsest.storage.blob.ReadBuffers;
import dev.palimpsest.storage.blob.ZstdContexts;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.file.LocalDisk;
import dev.palimpsest.storage.file.LocalDiskSettings;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.ReconstructState;
import dev.palimpsest.storage.layer.file.DirectorySync;
import dev.palimpsest.storage.layer.file.LayerIo;
import dev.palimpsest.storage.layer.memory.DirtyBytes;
import dev.palimpsest.storage.layer.memory.InMemoryLayer;
import dev.palimpsest.storage.layer.memory.InMemoryLayers;
import dev.palimpsest.storage.layer.memory.L0Flush;
import dev.palimpsest.storage.layer.memory.SerializedBatch;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.SystemClock;
import dev.palimpsest.storage.runtime.VirtualThreadTasks;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * How fast values go into an in-memory layer, and from there into an L0 delta layer, next to how fast the same number of
 * bytes is written to a file of the same disk. One thread writes; batches are built within the time that is measured.
 */
public final class IngestBenchmark {
    private static final int BATCH_BYTES = 1 << 20;
    private static final int REUSED_KEYS = 1023;
    private static final long MIB = 1 << 20;

    private final Parameters parameters;
    private final Path directory;
    private final SystemClock clock = new SystemClock();
    private final VirtualThreadTasks tasks = new VirtualThreadTasks(clock);
    private final LocalDisk disk;

    /** How keys follow each other. */
    public enum KeyLayout {
        /** Block after block. */
        SEQUENTIAL,
        /** Any block number. */
        RANDOM,
        /** One of 1023 blocks. */
        RANDOM_REUSE
    }

    /**
     * @param totalBytes of values, at least one value
     * @param valueBytes of each value, without its header
     * @param writeDelta whether the layer is frozen and written as a delta layer, synced
     * @param readers how many threads read random keys meanwhile
     */
    public record Parameters(long totalBytes, int valueBytes, KeyLayout layout, boolean writeDelta, int readers) {
        /** 128 MiB. */
        public static final long DEFAULT_TOTAL_BYTES = 128 * MIB;

        /** @throws IllegalArgumentException if there would be no value, or too many */
        public Parameters {
            if (valueBytes < 1 || totalBytes < valueBytes || totalBytes > 16L << 30 || readers < 0) {
                throw new IllegalArgumentException("cannot ingest " + totalBytes + " bytes in values of " + valueBytes
                        + " bytes with " + readers + " readers");
            }
        }

        int values() {
            return Math.toIntExact(totalBytes / valueBytes);
        }
    }

    /**
     * What was measured.
     *
     * @param mibPerSecond of values, from the first put to the end of all that was asked for
     * @param putsPerSecond of the puts alone, without the delta layer
     * @param indexBytesPerEntry memory of the index by the number of values in it
     * @param garbageBytesPerPut heap memory that the writing thread allocated beyond what the index keeps, by the number of
     *     puts; what the index gives up when it grows is in it
     * @param peakBytes the greatest resident size of the process so far; 0 where the system does not tell
     * @param readsPerSecond of all readers together
     * @param rawMibPerSecond of writing the same bytes to one file with one sync at the end
     */
    public record Result(
            double mibPerSecond,
            double putsPerSecond,
            double indexBytesPerEntry,
            double garbageBytesPerPut,
            long peakBytes,
            double readsPerSecond,
            double rawMibPerSecond) {
        /** The speed by that of writing the same bytes to a file. */
        public double ofRaw() {
            return mibPerSecond / rawMibPerSecond;
        }
    }

    private IngestBenchmark(Parameters parameters, Path directory) {
        this.parameters = parameters;
        this.directory = directory;
        this.disk = new LocalDisk(LocalDiskSettings.of(LocalDiskSettings.Mode.BUFFERED), tasks);
    }

    /**
     * Runs once and deletes what it wrote.
     *
     * @param parent a directory on the disk to measure; a new one is made in it
     */
    public static Result run(Parameters parameters, Path parent) throws IOException, StorageException {
        Path directory = Files.createTempDirectory(parent, "ingest-benchmark-");
        try {
            return new IngestBenchmark(parameters, directory).run();
        } finally {
            try (Stream<Path> left = Files.list(directory)) {
                for (Path file : left.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(directory);
        }
    }

    private Result run() throws IOException, StorageException {
        double rawSeconds = writeRaw();
        InMemoryLayers layers = new InMemoryLayers(
                disk, new Environment(clock, tasks, new Random(1)), new DirtyBytes(0, new PrometheusRegistry()));
        InMemoryLayer layer = layers.open(directory, TimelineId.parse("0".repeat(31) + "1"), new Lsn(1));
        try (layer;
                Readers readers = new Readers(layer)) {
            long allocatedBefore = allocatedBytes();
            long start = clock.nanos();
            Lsn last = ingest(layer);
            double ingestSeconds = secondsSince(start);
            long allocated = allocatedBytes() - allocatedBefore;
            long index = layer.indexBytes();
            if (parameters.writeDelta()) {
                writeDelta(layer, last);
            }
            double seconds = secondsSince(start);
            double reads = readers.stop() / seconds;
            double mib = (double) parameters.values() * parameters.valueBytes() / MIB;
            return new Result(
                    mib / seconds,
                    parameters.values() / ingestSeconds,
                    (double) layer.indexBytes() / layer.valueCount(),
                    (double) (allocated - index) / parameters.values(),
                    peakResidentBytes(),
                    reads,
                    mib / rawSeconds);
        }
    }

    private double secondsSince(long start) {
        return (clock.nanos() - start) / 1e9;
    }

    private Key key(int number, SplittableRandom random) {
        return Key.of(
                0,
                1663,
                5,
                16384,
                0,
                switch (parameters.layout()) {
                    case SEQUENTIAL -> number;
                    case RANDOM -> random.nextInt();
                    case RANDOM_REUSE -> random.nextInt(REUSED_KEYS);
                });
    }

    private Lsn ingest(InMemoryLayer layer) throws StorageException {
        RequestContext context = RequestContext.of(TaskKind.INGEST);
        SerializedBatch.Builder batch = new SerializedBatch.Builder();
        ByteBuffer value = randomBytes(parameters.valueBytes());
        SplittableRandom random = new SplittableRandom(1);
        long lsn = 0;
        for (int i = 0; i < parameters.values(); i++) {
            Key key = key(i, random);
            lsn = 8L * (i + 1);
            batch.putImage(key.high(), key.middle(), key.low(), lsn, value);
            if (batch.sizeBytes() >= BATCH_BYTES) {
                layer.putBatch(batch.build(), context);
                batch.clear();
            }
        }
        layer.putBatch(batch.build(), context);
        return new Lsn(lsn);
    }

    private void writeDelta(InMemoryLayer layer, Lsn last) throws StorageException {
        RequestContext context = RequestContext.of(TaskKind.FLUSH);
        LayerIo io = new LayerIo(
                disk,
                tasks,
                new BlockCache(1024),
                new ReadBuffers(128 << 10, 4, 4096, tasks),
                new ZstdContexts(2),
                128 << 10,
                0x0FFFFFFF,
                LayerIo.DEFAULT_WRITE_BACK_BYTES);
        layer.freeze(last.plus(1), context);
        try (L0Flush flush = new L0Flush(1, 32 << 20, tasks.newSignal())) {
            TenantId tenant = TenantId.parse("0".repeat(31) + "2");
            layer.writeToDisk(
                    flush,
                    new InMemoryLayer.L0Target(io, directory, tenant, new Generation(1), DirectorySync.NOW, 1),
                    context);
        }
    }

    private double writeRaw() throws IOException {
        ByteBuffer bytes = randomBytes(BATCH_BYTES);
        Path file = directory.resolve("raw");
        long start = clock.nanos();
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            long left = (long) parameters.values() * parameters.valueBytes();
            while (left > 0) {
                bytes.clear().limit((int) Math.min(left, bytes.capacity()));
                left -= channel.write(bytes);
            }
            channel.force(true);
        }
        double seconds = secondsSince(start);
        Files.delete(file);
        return seconds;
    }

    private static ByteBuffer randomBytes(int length) {
        byte[] bytes = new byte[length];
        new Random(1).nextBytes(bytes);
        return ByteBuffer.allocateDirect(length).put(bytes).flip();
    }

    private static long allocatedBytes() {
        return ((com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean()).getCurrentThreadAllocatedBytes();
    }

    private static long peakResidentBytes() throws IOException {
        Path status = Path.of("/proc/self/status");
        if (!Files.exists(status)) {
            return 0;
        }
        for (String line : Files.readAllLines(status, StandardCharsets.US_ASCII)) {
            if (line.startsWith("VmHWM:")) {
                return 1024 * Long.parseLong(line.replaceAll("[^0-9]", ""));
            }
        }
        return 0;
    }

    /** Threads that read random keys at the newest LSN until they are stopped. */
    private final class Readers implements AutoCloseable {
        private final AtomicBoolean stopped = new AtomicBoolean();
        private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        private final LongAdder reads = new LongAdder();
        private final List<Thread> threads = new ArrayList<>();

        Readers(InMemoryLayer layer) {
            for (int i = 0; i < parameters.readers(); i++) {
                SplittableRandom random = new SplittableRandom(i);
                threads.add(Thread.ofPlatform().name("reader " + i).start(() -> readUntilStopped(layer, random)));
            }
        }

        private void readUntilStopped(InMemoryLayer layer, SplittableRandom random) {
            RequestContext context = RequestContext.of(TaskKind.PAGE_SERVICE);
            try {
                while (!stopped.get()) {
                    KeySpace one = KeySpace.of(key(random.nextInt(parameters.values()), random));
                    ReconstructState state = new ReconstructState();
                    layer.collect(one, Lsn.INVALID, Lsn.MAX, state, context);
                    state.keys().values().forEach(Readers::check);
                    reads.increment();
                }
            } catch (StorageException | RuntimeException e) {
                failure.compareAndSet(null, e);
            }
        }

        private static void check(ReconstructState.KeyState key) {
            if (key.failure() != null) {
                throw new IllegalStateException("a read failed", key.failure());
            }
        }

        /** Stops them; returns how many keys they read. */
        long stop() {
            close();
            Throwable failed = failure.get();
            if (failed != null) {
                throw new IllegalStateException("a reader failed", failed);
            }
            return reads.sum();
        }

        @Override
        public void close() {
            stopped.set(true);
            boolean interrupted = false;
            for (Thread thread : threads) {
                while (thread.isAlive()) {
                    try {
                        thread.join();
                    } catch (InterruptedException e) {
                        interrupted = true;
                    }
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
