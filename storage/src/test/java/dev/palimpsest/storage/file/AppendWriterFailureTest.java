package dev.palimpsest.storage.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.DiskException.Kind;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class AppendWriterFailureTest {
    private static final int BUFFER = 64;

    /** Remembers how each write came, and does it. */
    private static final class RecordingFile implements WritableFile {
        final WritableFile file;
        final List<ByteBuffer> sources = new ArrayList<>();
        final List<Long> offsets = new ArrayList<>();
        final List<Integer> lengths = new ArrayList<>();

        RecordingFile(WritableFile file) {
            this.file = file;
        }

        @Override
        public Path path() {
            return file.path();
        }

        @Override
        public long size() throws DiskException {
            return file.size();
        }

        @Override
        public int read(long offset, ByteBuffer target) throws DiskException {
            return file.read(offset, target);
        }

        @Override
        public void write(long offset, ByteBuffer source) throws DiskException {
            sources.add(source);
            offsets.add(offset);
            lengths.add(source.remaining());
            file.write(offset, source);
        }

        @Override
        public void sync() throws DiskException {
            file.sync();
        }

        @Override
        public void close() throws DiskException {
            file.close();
        }
    }

    @Test
    void aFailedWriteIsAppendedNotAtAllAndNothingAfterIt() throws Exception {
        for (long seed = 0; seed < 200; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            FailingDisk disk =
                    new FailingDisk(new MemoryDisk(1), 1 + random.nextInt(12), Kind.values()[(int) seed % 3]);
            WritableFile file = disk.create(Path.of("file"));
            AppendWriter writer = new AppendWriter(disk, file, 0, BUFFER);
            byte[] model = new byte[10_000];
            int size = 0;
            while (!disk.hasFailed()) {
                byte[] content = new byte[random.nextInt(3 * BUFFER)];
                random.nextBytes(content);
                ByteBuffer source = random.nextBoolean()
                        ? ByteBuffer.wrap(content)
                        : ByteBuffer.allocateDirect(content.length).put(content).flip();
                try {
                    writer.write(source);
                    System.arraycopy(content, 0, model, size, content.length);
                    size += content.length;
                    if (random.nextInt(5) == 0) {
                        writer.flush();
                    }
                } catch (DiskException e) {
                    assertThat(e.kind()).isEqualTo(Kind.values()[(int) seed % 3]);
                }
                assertThat(writer.offset()).as("seed %d", seed).isEqualTo(size);
            }
            assertPoisoned(writer, seed % 3 == Kind.FATAL.ordinal() ? Kind.FATAL : Kind.WRONG_STATE);
            assertThat(writer.offset()).isEqualTo(size);
            byte[] read = new byte[size + 100];
            assertThat(writer.read(0, ByteBuffer.wrap(read)))
                    .as("seed %d", seed)
                    .isEqualTo(size);
            assertThat(Arrays.copyOf(read, size)).as("seed %d", seed).isEqualTo(Arrays.copyOf(model, size));
        }
    }

    private static void assertPoisoned(AppendWriter writer, Kind kind) {
        List<ThrowingCallable> calls = List.of(
                () -> writer.write(ByteBuffer.allocate(1)), () -> writer.padTo(8192), writer::flush, writer::seal);
        for (var call : calls) {
            assertThatThrownBy(call).isInstanceOfSatisfying(DiskException.class, e -> {
                assertThat(e.kind()).isEqualTo(kind);
                assertThat(e.isRetryable()).isFalse();
                assertThat(e).hasMessageContaining("earlier write failed");
            });
        }
    }

    @Test
    void anUncheckedFailurePoisonsToo() throws Exception {
        MemoryDisk disk = new MemoryDisk(1);
        WritableFile file = disk.create(Path.of("file"));
        AppendWriter writer = new AppendWriter(disk, file, 0, BUFFER);
        writer.write(ByteBuffer.allocate(10));
        file.close();
        assertThatThrownBy(() -> writer.write(ByteBuffer.allocate(BUFFER))).isInstanceOf(IllegalStateException.class);
        assertPoisoned(writer, Kind.WRONG_STATE);
        assertThat(writer.offset()).isEqualTo(10);
        assertThat(writer.read(0, ByteBuffer.allocate(20))).isEqualTo(10);
    }

    @Test
    void smallWritesAreGathered() throws Exception {
        MemoryDisk disk = new MemoryDisk(1);
        RecordingFile file = new RecordingFile(disk.create(Path.of("file")));
        AppendWriter writer = new AppendWriter(disk, file, 0, BUFFER);
        for (int i = 0; i < 100; i++) {
            writer.write(ByteBuffer.wrap(new byte[] {(byte) i}));
        }
        assertThat(file.offsets).containsExactly(0L);
        writer.flush();
        writer.flush();
        assertThat(file.offsets).containsExactly(0L, 64L);
        assertThat(file.lengths).containsExactly(64, 36);
    }

    @Test
    void largeDirectSourcesPassThrough() throws Exception {
        MemoryDisk disk = new MemoryDisk(1);
        RecordingFile file = new RecordingFile(disk.create(Path.of("file")));
        AppendWriter writer = new AppendWriter(disk, file, 0, BUFFER);
        writer.write(ByteBuffer.wrap(new byte[3]));
        ByteBuffer large = ByteBuffer.allocateDirect(1000);
        writer.write(large);
        assertThat(file.offsets).containsExactly(0L, 3L);
        assertThat(file.lengths).containsExactly(3, 1000);
        assertThat(file.sources.get(1)).isSameAs(large);
        assertThat(large.limit()).isEqualTo(1000);
        writer.write(ByteBuffer.allocateDirect(BUFFER - 1));
        assertThat(file.offsets).hasSize(2);
    }

    @Test
    void alignedPartsOfLargeSourcesPassThrough() throws Exception {
        MemoryDisk disk = new MemoryDisk(16);
        RecordingFile file = new RecordingFile(disk.create(Path.of("file")));
        AppendWriter writer = new AppendWriter(disk, file, 32, BUFFER);
        writer.write(ByteBuffer.allocate(6));
        ByteBuffer aligned = ByteBuffer.allocateDirect(1016).alignedSlice(16).slice(6, 200);
        writer.write(aligned);
        // 10 bytes complete the block in the buffer, 176 are 11 blocks, 14 wait for more.
        assertThat(file.offsets).containsExactly(32L, 48L);
        assertThat(file.lengths).containsExactly(16, 176);
        assertThat(file.sources.get(1)).isSameAs(aligned);
        assertThat(writer.offset()).isEqualTo(32 + 6 + 200);
        writer.write(ByteBuffer.allocateDirect(1016).alignedSlice(16).slice(1, 200));
        assertThat(file.sources.subList(2, file.sources.size())).doesNotContain(aligned);
        assertThat(file.offsets).allMatch(offset -> offset % 16 == 0);
        assertThat(file.lengths).allMatch(length -> length % 16 == 0);
    }

    @Test
    void everyWriteStartsAlignedAlsoAfterAFlush() throws Exception {
        MemoryDisk disk = new MemoryDisk(16);
        RecordingFile file = new RecordingFile(disk.create(Path.of("file")));
        AppendWriter writer = new AppendWriter(disk, file, 0, BUFFER);
        writer.write(ByteBuffer.allocate(20));
        writer.flush();
        writer.write(ByteBuffer.allocate(60));
        writer.seal();
        assertThat(file.offsets).containsExactly(0L, 16L, 64L);
        assertThat(file.lengths).containsExactly(20, 48, 16);
    }

    @Test
    void refusesWhatIsNotAligned() throws Exception {
        MemoryDisk disk = new MemoryDisk(16);
        WritableFile file = disk.create(Path.of("file"));
        assertThatThrownBy(() -> new AppendWriter(disk, file, 8)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new AppendWriter(disk, file, -16)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new AppendWriter(disk, file, 0, 40)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new AppendWriter(disk, file, 0, 0)).isInstanceOf(IllegalArgumentException.class);
        AppendWriter writer = new AppendWriter(disk, file, 0);
        assertThatThrownBy(() -> writer.padTo(0)).isInstanceOf(IllegalArgumentException.class);
        writer.padTo(1);
        assertThat(writer.offset()).isZero();
    }
}
