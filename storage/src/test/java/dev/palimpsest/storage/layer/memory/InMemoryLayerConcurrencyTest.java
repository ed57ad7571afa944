package dev.palimpsest.storage.layer.memory;

import static dev.palimpsest.storage.layer.memory.MemoryLayers.CONTEXT;
import static dev.palimpsest.storage.layer.memory.MemoryLayers.DIRECTORY;
import static dev.palimpsest.storage.layer.memory.MemoryLayers.block;
import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.ReconstructState;
import dev.palimpsest.storage.value.Value;
import dev.palimpsest.storage.value.WalRecord;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Real threads. Every value says which key and LSN it is of, so that a torn index or recycled bytes show. */
class InMemoryLayerConcurrencyTest {
    private static final int BLOCKS = 5000;
    private static final int HOT_BLOCKS = 20;
    private static final int BATCHES = 400;

    private final MemoryLayers memory = new MemoryLayers();
    private final AtomicBoolean stopped = new AtomicBoolean();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    /** Everything at or below it is in the layer. */
    private final AtomicLong lastRecord = new AtomicLong(99);

    private final AtomicLong reads = new AtomicLong();
    /** Per block the LSN of its first value, which is in the layer once the last record has reached it; 0 for none yet. */
    private final long[] firstLsn = new long[BLOCKS];

    private interface Work {
        void run() throws Exception;
    }

    private Thread start(Work work) {
        return Thread.ofPlatform().start(() -> {
            try {
                work.run();
            } catch (Throwable e) {
                failure.compareAndSet(null, e);
                stopped.set(true);
            }
        });
    }

    private static ByteBuffer content(int block, long lsn, int length) {
        ByteBuffer content = ByteBuffer.allocate(length);
        while (content.remaining() >= 12) {
            content.putInt(block).putLong(lsn);
        }
        return content.clear();
    }

    private static void check(Key key, Lsn lsn, Value value) {
        byte[] bytes = switch (value) {
            case Value.Image image -> image.bytes();
            case WalRecord.Postgres postgres -> postgres.record();
            default -> throw new AssertionError("nobody put " + value);
        };
        ByteBuffer content = ByteBuffer.wrap(bytes);
        while (content.remaining() >= 12) {
            int block = content.getInt();
            long at = content.getLong();
            if (block != key.field6() || at != lsn.value()) {
                throw new AssertionError("key " + key + " at " + lsn + " has a value of block " + block + " at " + at);
            }
        }
    }

    private void write(InMemoryLayer layer, SplittableRandom random) throws StorageException {
        SerializedBatch.Builder builder = new SerializedBatch.Builder();
        long from = 100;
        for (int batch = 0; batch < BATCHES && !stopped.get(); batch++) {
            builder.clear();
            for (int i = 0; i < 100; i++) {
                int block = random.nextInt(2) == 0 ? random.nextInt(HOT_BLOCKS) : random.nextInt(BLOCKS);
                long lsn = from + random.nextInt(100);
                int length = random.nextInt(30) == 0 ? 12 + random.nextInt(9000) : 12 + random.nextInt(200);
                boolean willInit = random.nextInt(10) == 0;
                builder.putPostgresRecord(block(block), new Lsn(lsn), willInit, content(block, lsn, length));
                if (firstLsn[block] == 0) {
                    firstLsn[block] = lsn;
                }
            }
            layer.putBatch(builder.build(), CONTEXT);
            from += 100;
            lastRecord.set(from - 1);
        }
    }

    /** Reads at the last record: whatever is at or below it must be there, whole and in order. */
    private void read(InMemoryLayer layer, SplittableRandom random) throws StorageException {
        while (!stopped.get()) {
            if (!layer.tryAcquire()) {
                return;
            }
            try {
                readOnce(layer, random);
            } finally {
                layer.release();
            }
            reads.incrementAndGet();
        }
    }

    private void readOnce(InMemoryLayer layer, SplittableRandom random) throws StorageException {
        long last = lastRecord.get();
        int start = random.nextInt(random.nextBoolean() ? HOT_BLOCKS : BLOCKS);
        int width = random.nextInt(10) == 0 ? BLOCKS : 1 + random.nextInt(3);
        long[] known = new long[width];
        for (int i = 0; i < width && start + i < BLOCKS; i++) {
            known[i] = firstLsn[start + i];
        }
        ReconstructState state = new ReconstructState();
        layer.collect(
                KeySpace.of(new KeyRange(block(start), block(start + width))),
                Lsn.INVALID,
                new Lsn(last + 1),
                state,
                CONTEXT);
        state.keys().forEach((key, found) -> {
            assertThat(found.failure()).isNull();
            found.versions().forEach(version -> check(key, version.lsn(), version.value()));
        });
        for (int i = 0; i < width && start + i < BLOCKS; i++) {
            if (known[i] != 0 && known[i] <= last && !state.keys().containsKey(block(start + i))) {
                throw new AssertionError("block " + (start + i) + " at " + known[i] + " was lost at " + last);
            }
        }
    }

    private void join(List<Thread> threads) throws InterruptedException {
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(failure.get()).isNull();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void readersSeeWholeValuesFromTheFirstPutToTheEnd(long seed) throws Exception {
        InMemoryLayer layer = memory.open(100);
        List<Thread> readers = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            SplittableRandom random = new SplittableRandom(100 * seed + i);
            readers.add(start(() -> read(layer, random)));
        }
        Thread writer = start(() -> write(layer, new SplittableRandom(seed)));
        writer.join();
        assertThat(failure.get()).as("seed %d", seed).isNull();
        layer.freeze(new Lsn(lastRecord.get() + 1), CONTEXT);
        try (L0Flush flush = memory.flush(L0Flush.MIN_BUFFER_BYTES)) {
            assertThat(layer.writeToDisk(flush, memory.target(), CONTEXT)).isPresent();
        }
        layer.close();
        join(readers);
        assertThat(reads.get()).isPositive();
        assertThat(layer.tryAcquire()).isFalse();
        assertThat(memory.disk.list(DIRECTORY)).hasSize(1);
        assertThat(memory.dirtyBytes.bytes()).isZero();
    }

    /** Freezes under a writer that does not know of it: each batch is in exactly one layer, whole. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void aBatchThatMeetsAFreezeIsInTheLayerOrNot(long seed) throws Exception {
        AtomicReference<InMemoryLayer> open = new AtomicReference<>(memory.open(1));
        AtomicLong written = new AtomicLong();
        List<InMemoryLayer> layers = new ArrayList<>(List.of(open.get()));
        Thread writer = start(() -> {
            SerializedBatch.Builder builder = new SerializedBatch.Builder();
            for (int batch = 0; batch < 3000; batch++) {
                builder.clear();
                for (int i = 0; i < 10; i++) {
                    builder.putImage(block(batch * 10 + i), new Lsn(100), content(batch, 100, 100));
                }
                for (boolean in = false; !in; ) {
                    try {
                        open.get().putBatch(builder.build(), CONTEXT);
                        in = true;
                    } catch (InvalidRequestException e) {
                        Thread.onSpinWait();
                    }
                }
                written.addAndGet(10);
            }
            stopped.set(true);
        });
        SplittableRandom random = new SplittableRandom(seed);
        while (!stopped.get() && layers.size() < 300) {
            InMemoryLayer next = memory.open(1);
            InMemoryLayer frozen = open.get();
            for (int spin = random.nextInt(20_000); spin > 0; spin--) {
                Thread.onSpinWait();
            }
            frozen.freeze(new Lsn(101), CONTEXT);
            open.set(next);
            layers.add(next);
        }
        join(List.of(writer));
        long values = 0;
        for (InMemoryLayer layer : layers) {
            assertThat(layer.valueCount() % 10).isZero();
            values += layer.valueCount();
            layer.close();
        }
        assertThat(values).as("seed %d", seed).isEqualTo(written.get()).isEqualTo(30_000);
        assertThat(layers.size()).isGreaterThan(1);
    }
}
