package dev.palimpsest.benchmarks.jmh;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.RedoException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.PageArrays;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.memory.SerializedBatch;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import dev.palimpsest.storage.timeline.KeyResult;
import dev.palimpsest.storage.timeline.StoreSettings;
import dev.palimpsest.storage.timeline.Timeline;
import dev.palimpsest.storage.timeline.TimelineWriter;
import dev.palimpsest.storage.value.Value;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
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
 * Reading 32 pages of a timeline at random, as a page service does for a client that has asked for so many: the engine's read path
 * without redo. The pages are images in L0 layers: in the lowest all of them, in each of the others one of {@value #SHARE}.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
public class ReadPagesBenchmark {
    private static final int TOGETHER = 32;
    private static final int PAGES = 4096;
    private static final int SHARE = 20;
    private static final int READS = 1024;
    private static final RequestContext CONTEXT = RequestContext.of(TaskKind.PAGE_SERVICE);

    /** How many L0 layers. */
    @Param({"1", "20"})
    public int layers;

    private final SplittableRandom random = new SplittableRandom(1);
    private final PageArrays arrays = new PageArrays();
    private final KeySpace[] reads = new KeySpace[READS];
    private @Nullable Path directory;
    private @Nullable EmbeddedStore store;
    private @Nullable Timeline timeline;
    private Lsn last = Lsn.INVALID;
    private int next;

    /** Writes the layers. */
    @Setup
    public void prepare() throws IOException, StorageException {
        Path root = Files.createTempDirectory(JmhRun.directory(), "read-pages-");
        EmbeddedStore opened = EmbeddedStore.open(root, StoreSettings.DEFAULT, (_, key, _, _, _, _) -> {
            throw new RedoException("there are images only, yet key " + key + " is to be redone");
        });
        Timeline written =
                opened.tenant(new TenantId(1, 1), CONTEXT).create(new TimelineId(1, 1), new Lsn(0x1000), 17, CONTEXT);
        long lsn = 0x1000;
        for (int layer = 0; layer < layers; layer++) {
            SerializedBatch.Builder batch = new SerializedBatch.Builder();
            for (int block = layer; block < PAGES; block += layer == 0 ? 1 : SHARE) {
                byte[] page = new byte[PageArrays.LENGTH];
                random.nextBytes(page);
                batch.put(key(block), new Lsn(lsn), new Value.Image(page));
            }
            try (TimelineWriter writer = written.writer(CONTEXT)) {
                writer.put(batch.build());
                writer.finish(new Lsn(lsn));
            }
            last = written.freezeAndFlush(CONTEXT);
            lsn += 8;
        }
        for (int i = 0; i < READS; i++) {
            List<KeyRange> keys = new ArrayList<>();
            for (int j = 0; j < TOGETHER; j++) {
                keys.add(KeyRange.single(key(random.nextInt(PAGES))));
            }
            reads[i] = KeySpace.ofUnordered(keys);
        }
        directory = root;
        store = opened;
        timeline = written;
    }

    private static Key key(int block) {
        return Key.of(0, 1663, 5, 16384, 0, block);
    }

    /** Deletes what was written. */
    @TearDown
    public void deleteFiles() throws IOException, StorageException {
        Objects.requireNonNull(store).close();
        try (Stream<Path> files = Files.walk(Objects.requireNonNull(directory))) {
            for (Path file : files.sorted((a, b) -> b.compareTo(a)).toList()) {
                Files.delete(file);
            }
        }
    }

    private Map<Key, KeyResult> read(RequestContext context) throws StorageException {
        return Objects.requireNonNull(timeline).getVectored(reads[next++ & (READS - 1)], last, context);
    }

    /** Into new arrays. */
    @Benchmark
    @OperationsPerInvocation(TOGETHER)
    public Map<Key, KeyResult> newArrays() throws StorageException {
        return read(RequestContext.of(TaskKind.PAGE_SERVICE));
    }

    /** Into the same arrays again and again, as the page service does. */
    @Benchmark
    @OperationsPerInvocation(TOGETHER)
    public Map<Key, KeyResult> usedArrays() throws StorageException {
        arrays.takeBack();
        return read(RequestContext.of(TaskKind.PAGE_SERVICE).withArrays(arrays));
    }
}
