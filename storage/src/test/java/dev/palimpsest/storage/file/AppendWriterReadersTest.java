package dev.palimpsest.storage.file;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Readers beside a writer. Every 8 bytes of the file say where they are, so that bytes of a recycled buffer betray
 * themselves; the buffer is tiny, so that it is recycled all the time.
 */
@Timeout(120)
class AppendWriterReadersTest {
    @Test
    void readersSeeOnlyWhatWasAppended() throws Exception {
        stress(20_000_000, 3, 1);
    }

    @Test
    @Tag("long")
    void readersSeeOnlyWhatWasAppendedForLong() throws Exception {
        for (int seed = 0; seed < 20; seed++) {
            stress(100_000_000, 4, seed);
        }
    }

    private static void stress(long bytes, int readers, long seed) throws Exception {
        SplittableRandom random = new SplittableRandom(seed);
        MemoryDisk disk = new MemoryDisk(1);
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        AtomicBoolean stop = new AtomicBoolean();
        AtomicLong readsBehindTheWriter = new AtomicLong();
        try (WritableFile file = disk.create(Path.of("file"))) {
            AppendWriter writer = new AppendWriter(disk, file, 0, 256);
            List<Thread> threads = new ArrayList<>();
            for (int r = 0; r < readers; r++) {
                SplittableRandom own = random.split();
                threads.add(
                        Thread.ofPlatform().start(() -> readUntil(stop, writer, own, failure, readsBehindTheWriter)));
            }
            ByteBuffer source = ByteBuffer.allocate(512).order(ByteOrder.LITTLE_ENDIAN);
            long position = 0;
            while (position < bytes && failure.get() == null) {
                int words = 1 + random.nextInt(random.nextInt(8) == 0 ? 64 : 6);
                source.clear();
                for (int i = 0; i < words; i++) {
                    source.putLong(position);
                    position += 8;
                }
                writer.write(source.flip());
                if (random.nextInt(100) == 0) {
                    writer.flush();
                }
            }
            writer.seal();
            stop.set(true);
            for (Thread thread : threads) {
                thread.join();
            }
        }
        assertThat(failure.get()).as("seed %d", seed).isNull();
        assertThat(readsBehindTheWriter).as("reads that met the buffer").hasPositiveValue();
    }

    private static void readUntil(
            AtomicBoolean stop,
            AppendWriter writer,
            SplittableRandom random,
            AtomicReference<@Nullable Throwable> failure,
            AtomicLong reads) {
        ByteBuffer target = ByteBuffer.allocateDirect(1024).order(ByteOrder.LITTLE_ENDIAN);
        try {
            while (!stop.get()) {
                long end = writer.offset();
                long from = Math.max(0, end - 8L * random.nextInt(100));
                int words = (int) Math.min((end - from) / 8, 1 + random.nextInt(60));
                target.clear().limit(8 * words);
                int read = writer.read(from, target);
                if (read != 8 * words) {
                    throw new AssertionError(read + " of " + 8 * words + " bytes at " + from + " below " + end);
                }
                for (int i = 0; i < words; i++) {
                    if (target.getLong(8 * i) != from + 8L * i) {
                        throw new AssertionError("at " + (from + 8L * i) + " found " + target.getLong(8 * i));
                    }
                }
                reads.incrementAndGet();
            }
        } catch (Exception | AssertionError e) {
            failure.compareAndSet(null, e);
        }
    }
}
