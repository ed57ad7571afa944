package dev.palimpsest.benchmarks.jmh;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.file.LocalDisk;
import dev.palimpsest.storage.file.LocalDiskSettings;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.layer.memory.DirtyBytes;
import dev.palimpsest.storage.layer.memory.InMemoryLayer;
import dev.palimpsest.storage.layer.memory.InMemoryLayers;
import dev.palimpsest.storage.layer.memory.SerializedBatch;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.SystemClock;
import dev.palimpsest.storage.runtime.VirtualThreadTasks;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Putting a value: into a batch, and with the batch into an in-memory layer. Keys are random blocks of one relation. A layer
 * takes 128 MiB and then gives place to the next, as on a timeline; the cost of that is in the numbers, the L0 flush is not.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class PutBatchBenchmark {
    private static final int BATCH = 512;
    private static final int KEYS = 1 << 16;
    private static final long LAYER_BYTES = 128 << 20;

    /** Of each value. */
    @Param({"100", "8192"})
    public int valueBytes;

    private final Random random = new Random(1);
    private final Key[] keys = new Key[KEYS];
    private final SerializedBatch.Builder builder = new SerializedBatch.Builder();
    private final RequestContext context = RequestContext.of(TaskKind.INGEST);
    private ByteBuffer value = ByteBuffer.allocateDirect(0);
    private @Nullable Target target;
    private int next;
    private long lsn;

    /** Makes keys and the value, and a directory for the layers. */
    @Setup
    public void prepare() throws IOException, StorageException {
        for (int i = 0; i < KEYS; i++) {
            keys[i] = Key.of(0, 1663, 5, 16384, 0, random.nextInt(KEYS));
        }
        byte[] bytes = new byte[valueBytes];
        random.nextBytes(bytes);
        value = ByteBuffer.allocateDirect(valueBytes).put(bytes).flip();
        target = new Target(Files.createTempDirectory(JmhRun.directory(), "put-batch-"));
    }

    /** Deletes what was written. */
    @TearDown
    public void deleteFiles() throws IOException {
        if (target != null) {
            target.close();
        }
    }

    /** Serialises values into a batch whose memory has grown. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public SerializedBatch build() throws StorageException {
        builder.clear();
        for (int i = 0; i < BATCH; i++) {
            Key key = keys[next++ & (KEYS - 1)];
            lsn += 8;
            builder.putImage(key.high(), key.middle(), key.low(), lsn, value);
        }
        return builder.build();
    }

    /** The same, and puts the batch: what the index grows by is allocated. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public int buildAndPut() throws StorageException {
        return Objects.requireNonNull(target).put(build());
    }

    /** One layer after another. */
    private final class Target implements AutoCloseable {
        private final Path directory;
        private final InMemoryLayers layers;
        private InMemoryLayer layer;

        Target(Path directory) throws StorageException {
            this.directory = directory;
            SystemClock clock = new SystemClock();
            VirtualThreadTasks tasks = new VirtualThreadTasks(clock);
            layers = new InMemoryLayers(
                    new LocalDisk(LocalDiskSettings.of(LocalDiskSettings.Mode.BUFFERED), tasks),
                    new Environment(clock, tasks, random),
                    new DirtyBytes(0, new PrometheusRegistry()));
            layer = open(layers, directory);
        }

        private static InMemoryLayer open(InMemoryLayers layers, Path directory) throws StorageException {
            return layers.open(directory, TimelineId.parse("0".repeat(31) + "1"), new Lsn(1));
        }

        int put(SerializedBatch batch) throws StorageException {
            if (layer.size() > LAYER_BYTES) {
                layer.close();
                layer = open(layers, directory);
            }
            return layer.putBatch(batch, context);
        }

        @Override
        public void close() throws IOException {
            layer.close();
            Files.delete(directory);
        }
    }
}
