package dev.palimpsest.storage.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.storage.DiskException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What an append writer does on any disk. */
abstract class AppendWriterContract {
    /** A fresh disk. */
    abstract Disk disk() throws Exception;

    /** A path in an existing directory of the disk. */
    abstract Path path(String name);

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
    void keepsWhatABytesArrayKeeps(long seed) throws Exception {
        SplittableRandom random = new SplittableRandom(seed);
        Disk disk = disk();
        int buffer = disk.alignment() * (1 + random.nextInt(4)) * (disk.alignment() == 1 ? 1 + random.nextInt(700) : 1);
        int start = random.nextInt(3) * 8192;
        Model model = new Model(start);
        try (WritableFile file = disk.create(path("model" + seed))) {
            AppendWriter writer = new AppendWriter(disk, file, start, buffer);
            for (int step = 0; step < 200; step++) {
                switch (random.nextInt(12)) {
                    case 0 -> writer.flush();
                    case 1 -> {
                        int multiple = 1 + random.nextInt(random.nextBoolean() ? 16 : 8192);
                        writer.padTo(multiple);
                        model.padTo(multiple);
                    }
                    default -> {
                        byte[] bytes = new byte[length(random, buffer)];
                        random.nextBytes(bytes);
                        ByteBuffer source = source(random, bytes, disk.alignment());
                        writer.write(source);
                        assertThat(source.hasRemaining()).isFalse();
                        model.append(bytes);
                    }
                }
                assertThat(writer.offset()).as("seed %d step %d", seed, step).isEqualTo(model.size);
                checkRandomRead(seed, random, writer, model);
            }
            writer.seal();
            writer.seal();
            assertThat(file.size()).as("seed %d", seed).isEqualTo(model.size == start ? 0 : model.size);
            byte[] all = new byte[model.size];
            ByteBuffer target = ByteBuffer.wrap(all);
            assertThat(file.read(0, target)).isEqualTo(target.capacity());
            assertThat(Arrays.equals(all, start, model.size, model.bytes, start, model.size))
                    .as("seed %d", seed)
                    .isTrue();
            checkRandomRead(seed, random, writer, model);
        }
    }

    private static int length(SplittableRandom random, int buffer) {
        return switch (random.nextInt(4)) {
            case 0 -> random.nextInt(64);
            case 1 -> Math.max(0, buffer - 2 + random.nextInt(5));
            case 2 -> random.nextInt(3 * buffer + 1);
            default -> Math.max(0, 2 * buffer - 2 + random.nextInt(5));
        };
    }

    private static ByteBuffer source(SplittableRandom random, byte[] bytes, int alignment) {
        int lead = random.nextBoolean() ? 0 : random.nextInt(5000);
        ByteBuffer source = random.nextInt(3) == 0
                ? ByteBuffer.allocate(lead + bytes.length + 3)
                : ByteBuffer.allocateDirect(lead + bytes.length + 3 + alignment).alignedSlice(alignment);
        if (source.capacity() < lead + bytes.length) {
            source = ByteBuffer.allocate(lead + bytes.length);
        }
        return source.position(lead).put(bytes).flip().position(lead);
    }

    private static void checkRandomRead(long seed, SplittableRandom random, AppendWriter writer, Model model)
            throws DiskException {
        int from = model.start + random.nextInt(model.size - model.start + 1);
        int asked = random.nextInt(20_000);
        ByteBuffer target =
                random.nextBoolean() ? ByteBuffer.allocate(asked + 7) : ByteBuffer.allocateDirect(asked + 7);
        target.position(5).limit(5 + asked);
        int expected = Math.min(asked, model.size - from);
        assertThat(writer.read(from, target)).as("seed %d", seed).isEqualTo(expected);
        assertThat(target.position()).isEqualTo(5 + expected);
        assertThat(target.limit()).isEqualTo(5 + asked);
        byte[] read = new byte[expected];
        target.get(5, read);
        assertThat(Arrays.equals(read, 0, expected, model.bytes, from, from + expected))
                .as("seed %d, %d bytes at %d of %d", seed, expected, from, model.size)
                .isTrue();
    }

    @Test
    void readsNothingAtAndBehindTheEnd() throws Exception {
        Disk disk = disk();
        try (WritableFile file = disk.create(path("end"))) {
            AppendWriter writer = new AppendWriter(disk, file, 8192);
            assertThat(writer.offset()).isEqualTo(8192);
            assertThat(writer.read(8192, ByteBuffer.allocate(1))).isZero();
            writer.write(ByteBuffer.wrap(new byte[] {1, 2, 3}));
            assertThat(writer.read(8195, ByteBuffer.allocate(1))).isZero();
            assertThat(writer.read(Long.MAX_VALUE, ByteBuffer.allocate(1))).isZero();
            assertThat(writer.read(8193, ByteBuffer.allocate(10))).isEqualTo(2);
            assertThatThrownBy(() -> writer.read(-1, ByteBuffer.allocate(1)))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void refusesToAppendOnceSealed() throws Exception {
        Disk disk = disk();
        try (WritableFile file = disk.create(path("sealed"))) {
            AppendWriter writer = new AppendWriter(disk, file, 0);
            writer.write(ByteBuffer.wrap(new byte[] {1, 2, 3}));
            writer.seal();
            assertThatThrownBy(() -> writer.write(ByteBuffer.allocate(1))).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> writer.padTo(8)).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(writer::flush).isInstanceOf(IllegalStateException.class);
            ByteBuffer target = ByteBuffer.allocate(3);
            assertThat(writer.read(0, target)).isEqualTo(3);
            assertThat(target.array()).containsExactly(1, 2, 3);
        }
    }

    /** What the writer is compared with. */
    private static final class Model {
        final int start;
        byte[] bytes = new byte[1 << 20];
        int size;

        Model(int start) {
            this.start = start;
            this.size = start;
        }

        void append(byte[] more) {
            if (size + more.length > bytes.length) {
                bytes = Arrays.copyOf(bytes, 2 * (size + more.length));
            }
            System.arraycopy(more, 0, bytes, size, more.length);
            size += more.length;
        }

        void padTo(int multiple) {
            append(new byte[(multiple - size % multiple) % multiple]);
        }
    }
}
