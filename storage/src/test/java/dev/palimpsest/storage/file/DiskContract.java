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

/** What every {@link Disk} promises. Looks at files through the disk only, whose paths need not be real. */
public abstract class DiskContract {
    /** A test, run where I/O may be done. */
    @FunctionalInterface
    public interface Body {
        /** Runs to its end, or throws; {@code root} is an existing empty directory. */
        void run(Disk disk, Path root) throws Exception;
    }

    /** Runs {@code body} on a fresh disk and throws what it throws. */
    protected abstract void run(Body body) throws Exception;

    private static byte[] bytes(long seed, int length) {
        byte[] bytes = new byte[length];
        new SplittableRandom(seed).nextBytes(bytes);
        return bytes;
    }

    private static void put(Disk disk, Path path, byte[] content) throws DiskException {
        try (WritableFile file = disk.create(path)) {
            file.write(0, ByteBuffer.wrap(content));
            file.sync();
        }
    }

    private static byte[] get(Disk disk, Path path) throws DiskException {
        try (ReadableFile file = disk.open(path)) {
            return get(file);
        }
    }

    private static byte[] get(ReadableFile file) throws DiskException {
        byte[] content = new byte[(int) file.size()];
        assertThat(file.read(0, ByteBuffer.wrap(content))).isEqualTo(content.length);
        return content;
    }

    private static void assertWrongState(ThrowingCallable call, Path named) {
        assertThatThrownBy(call).isInstanceOfSatisfying(DiskException.class, e -> {
            assertThat(e.kind()).isEqualTo(Kind.WRONG_STATE);
            assertThat(e.isRetryable()).isFalse();
            assertThat(e).hasMessageContaining(named.toString());
        });
    }

    @Test
    void keepsWhatIsWritten() throws Exception {
        run((disk, root) -> {
            Path path = root.resolve("file");
            byte[] content = bytes(1, 100_000);
            put(disk, path, content);
            assertThat(get(disk, path)).isEqualTo(content);
            assertThat(disk.exists(path)).isTrue();
        });
    }

    @Test
    void aNewFileIsEmptyAndReadable() throws Exception {
        run((disk, root) -> {
            try (WritableFile file = disk.create(root.resolve("file"))) {
                assertThat(file.path()).isEqualTo(root.resolve("file"));
                assertThat(file.size()).isZero();
                assertThat(file.read(0, ByteBuffer.allocate(10))).isZero();
                file.sync();
            }
            assertThat(get(disk, root.resolve("file"))).isEmpty();
        });
    }

    @Test
    void keepsWhatAByteArrayKeeps() throws Exception {
        run((disk, root) -> {
            for (long seed = 0; seed < 10; seed++) {
                randomWritesAndReads(disk, root.resolve("file" + seed), seed);
            }
        });
    }

    private static void randomWritesAndReads(Disk disk, Path path, long seed) throws DiskException {
        SplittableRandom random = new SplittableRandom(seed);
        byte[] model = new byte[4_000_000];
        int size = 0;
        try (WritableFile file = disk.create(path)) {
            for (int step = 0; step < 60; step++) {
                int offset = position(random, random.nextInt(4) == 0 ? 300_000 : size + 1);
                byte[] content = bytes(random.nextLong(), position(random, random.nextInt(8) == 0 ? 200_000 : 10_000));
                ByteBuffer source = buffer(random, content.length).put(content).flip();
                file.write(offset, source);
                assertThat(source.hasRemaining()).isFalse();
                System.arraycopy(content, 0, model, offset, content.length);
                size = content.length == 0 ? size : Math.max(size, offset + content.length);
                assertThat(file.size()).as("seed %d step %d", seed, step).isEqualTo(size);
                checkRead(seed, step, random, file, model, size);
            }
            file.sync();
            try (ReadableFile other = disk.open(path)) {
                checkRead(seed, -1, random, other, model, size);
                assertThat(get(other)).as("seed %d", seed).isEqualTo(Arrays.copyOf(model, size));
            }
        }
        assertThat(get(disk, path)).as("seed %d", seed).isEqualTo(Arrays.copyOf(model, size));
    }

    /** Often at a block boundary or one beside. */
    private static int position(SplittableRandom random, int bound) {
        int position = random.nextInt(bound);
        return switch (random.nextInt(4)) {
            case 0 -> position / 4096 * 4096;
            case 1 -> Math.max(0, position / 4096 * 4096 - 1);
            case 2 -> position / 4096 * 4096 + 1;
            default -> position;
        };
    }

    private static ByteBuffer buffer(SplittableRandom random, int length) {
        return switch (random.nextInt(3)) {
            case 0 -> ByteBuffer.allocate(length);
            case 1 -> ByteBuffer.allocateDirect(length);
            default ->
                ByteBuffer.allocateDirect(length + 8192).alignedSlice(4096).slice(0, length);
        };
    }

    private static void checkRead(
            long seed, int step, SplittableRandom random, ReadableFile file, byte[] model, int size)
            throws DiskException {
        int offset = position(random, size + 5000);
        int length = position(random, 200_000);
        ByteBuffer target = buffer(random, length);
        int expected = Math.min(length, Math.max(0, size - offset));
        assertThat(file.read(offset, target)).as("seed %d step %d", seed, step).isEqualTo(expected);
        assertThat(target.position()).isEqualTo(expected);
        assertThat(target.limit()).isEqualTo(length);
        byte[] read = new byte[expected];
        target.get(0, read);
        assertThat(Arrays.equals(read, 0, expected, model, offset, offset + expected))
                .as("seed %d step %d: %d bytes at %d of %d", seed, step, expected, offset, size)
                .isTrue();
    }

    @Test
    void readsOnlyBetweenPositionAndLimit() throws Exception {
        run((disk, root) -> {
            put(disk, root.resolve("file"), new byte[] {1, 2, 3, 4, 5, 6});
            try (ReadableFile file = disk.open(root.resolve("file"))) {
                ByteBuffer target = ByteBuffer.allocate(8).position(2).limit(5);
                assertThat(file.read(1, target)).isEqualTo(3);
                assertThat(target.array()).containsExactly(0, 0, 2, 3, 4, 0, 0, 0);
                assertThat(target.position()).isEqualTo(5);
                assertThat(file.read(0, target)).isZero();
                assertThat(file.size()).isEqualTo(6);
            }
        });
    }

    @Test
    void aGapReadsAsZeros() throws Exception {
        run((disk, root) -> {
            try (WritableFile file = disk.create(root.resolve("file"))) {
                file.write(0, ByteBuffer.wrap(new byte[] {9}));
                file.write(10_001, ByteBuffer.wrap(new byte[] {7}));
                byte[] expected = new byte[10_002];
                expected[0] = 9;
                expected[10_001] = 7;
                assertThat(get(file)).isEqualTo(expected);
            }
        });
    }

    @Test
    void createAndOpenInsistOnTheirState() throws Exception {
        run((disk, root) -> {
            Path path = root.resolve("file");
            assertWrongState(() -> disk.open(path), path);
            put(disk, path, new byte[] {1});
            assertWrongState(() -> disk.create(path), path);
            assertThat(get(disk, path)).containsExactly(1);
            Path inNoDirectory = root.resolve("missing/file");
            assertWrongState(() -> disk.create(inNoDirectory), inNoDirectory);
            disk.createDirectories(root.resolve("directory"));
            assertWrongState(() -> disk.open(root.resolve("directory")), root.resolve("directory"));
            assertWrongState(() -> disk.create(root.resolve("directory")), root.resolve("directory"));
        });
    }

    @Test
    void aClosedFileIsNotUsable() throws Exception {
        run((disk, root) -> {
            WritableFile file = disk.create(root.resolve("file"));
            file.write(0, ByteBuffer.wrap(new byte[] {1}));
            file.close();
            file.close();
            assertThatThrownBy(() -> file.read(0, ByteBuffer.allocate(1))).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> file.write(0, ByteBuffer.allocate(1))).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(file::sync).isInstanceOf(IllegalStateException.class);
            ReadableFile opened = disk.open(root.resolve("file"));
            opened.close();
            opened.close();
            assertThatThrownBy(() -> opened.read(0, ByteBuffer.allocate(1))).isInstanceOf(IllegalStateException.class);
        });
    }

    @Test
    void renameReplaces() throws Exception {
        run((disk, root) -> {
            Path from = root.resolve("from");
            Path to = root.resolve("to");
            put(disk, from, new byte[] {1});
            disk.rename(from, to);
            assertThat(disk.exists(from)).isFalse();
            assertThat(get(disk, to)).containsExactly(1);
            put(disk, from, new byte[] {2});
            disk.rename(from, to);
            disk.syncDirectory(root);
            assertThat(disk.exists(from)).isFalse();
            assertThat(get(disk, to)).containsExactly(2);
            assertWrongState(() -> disk.rename(from, to), from);
            assertThat(get(disk, to)).containsExactly(2);
        });
    }

    @Test
    void aLinkIsASecondName() throws Exception {
        run((disk, root) -> {
            Path first = root.resolve("first");
            Path second = root.resolve("second");
            put(disk, first, new byte[] {1, 2});
            if (!disk.link(first, second)) {
                assertThat(disk.exists(second)).isFalse();
                return;
            }
            assertWrongState(() -> disk.link(first, second), first);
            assertWrongState(() -> disk.link(root.resolve("none"), root.resolve("third")), root.resolve("none"));
            assertThat(disk.delete(first)).isTrue();
            disk.syncDirectory(root);
            assertThat(disk.exists(first)).isFalse();
            assertThat(get(disk, second)).containsExactly(1, 2);
        });
    }

    @Test
    void renameNoReplaceDoesNotReplace() throws Exception {
        run((disk, root) -> {
            Path from = root.resolve("from");
            Path to = root.resolve("to");
            put(disk, from, new byte[] {1});
            put(disk, to, new byte[] {2});
            assertWrongState(() -> disk.renameNoReplace(from, to), to);
            assertThat(get(disk, from)).containsExactly(1);
            assertThat(get(disk, to)).containsExactly(2);
            assertThat(disk.delete(to)).isTrue();
            disk.renameNoReplace(from, to);
            assertThat(disk.exists(from)).isFalse();
            assertThat(get(disk, to)).containsExactly(1);
            assertWrongState(() -> disk.renameNoReplace(from, root.resolve("other")), from);
        });
    }

    @Test
    void whoHasANewFileOpenReadsOnWhenItIsRenamed() throws Exception {
        run((disk, root) -> {
            try (WritableFile file = disk.create(root.resolve("from"))) {
                file.write(0, ByteBuffer.wrap(new byte[] {1, 2}));
                disk.rename(root.resolve("from"), root.resolve("to"));
                assertThat(get(file)).containsExactly(1, 2);
                file.sync();
            }
        });
    }

    @Test
    void deleteTellsWhetherThereWasAFile() throws Exception {
        run((disk, root) -> {
            Path path = root.resolve("file");
            assertThat(disk.delete(path)).isFalse();
            put(disk, path, new byte[] {1});
            assertThat(disk.delete(path)).isTrue();
            assertThat(disk.exists(path)).isFalse();
            assertThat(disk.delete(path)).isFalse();
            disk.createDirectories(path);
            assertWrongState(() -> disk.delete(path), path);
            assertThat(disk.exists(path)).isTrue();
        });
    }

    @Test
    void deleteDirectoryDeletesOnlyAnEmptyOne() throws Exception {
        run((disk, root) -> {
            Path directory = root.resolve("directory");
            assertThat(disk.deleteDirectory(directory)).isFalse();
            disk.createDirectories(directory);
            put(disk, directory.resolve("file"), new byte[] {1});
            assertWrongState(() -> disk.deleteDirectory(directory), directory);
            assertWrongState(() -> disk.deleteDirectory(directory.resolve("file")), directory.resolve("file"));
            assertThat(disk.delete(directory.resolve("file"))).isTrue();
            assertThat(disk.deleteDirectory(directory)).isTrue();
            assertThat(disk.exists(directory)).isFalse();
            disk.syncDirectory(root);
        });
    }

    @Test
    void createDirectoriesCreatesParentsAndMayBeRepeated() throws Exception {
        run((disk, root) -> {
            Path deep = root.resolve("a/b/c");
            disk.createDirectories(deep);
            disk.createDirectories(deep);
            put(disk, deep.resolve("file"), new byte[] {1});
            disk.createDirectories(deep);
            assertThat(get(disk, deep.resolve("file"))).containsExactly(1);
            Path onFile = deep.resolve("file");
            assertWrongState(() -> disk.createDirectories(onFile), onFile);
            assertThatThrownBy(() -> disk.createDirectories(deep.resolve("file/below")))
                    .isInstanceOf(DiskException.class);
            assertThat(get(disk, deep.resolve("file"))).containsExactly(1);
        });
    }

    @Test
    void listsSortedByName() throws Exception {
        run((disk, root) -> {
            assertThat(disk.list(root)).isEmpty();
            put(disk, root.resolve("b"), new byte[5]);
            put(disk, root.resolve("a"), new byte[0]);
            put(disk, root.resolve("B"), new byte[5000]);
            disk.createDirectories(root.resolve("ab/inner"));
            put(disk, root.resolve("ab/hidden"), new byte[1]);
            assertThat(disk.list(root))
                    .containsExactly(
                            new Disk.Entry("B", 5000, Disk.Kind.FILE),
                            new Disk.Entry("a", 0, Disk.Kind.FILE),
                            new Disk.Entry("ab", 0, Disk.Kind.DIRECTORY),
                            new Disk.Entry("b", 5, Disk.Kind.FILE));
            assertWrongState(() -> disk.list(root.resolve("missing")), root.resolve("missing"));
            assertWrongState(() -> disk.list(root.resolve("b")), root.resolve("b"));
        });
    }

    @Test
    void looksForAnEntryNoFurtherThanTheFirst() throws Exception {
        run((disk, root) -> {
            assertThat(disk.hasAny(root, entry -> true)).isFalse();
            put(disk, root.resolve("a"), new byte[5]);
            put(disk, root.resolve("b"), new byte[5]);
            disk.createDirectories(root.resolve("folder"));
            List<Disk.Entry> asked = new ArrayList<>();
            assertThat(disk.hasAny(root, entry -> asked.add(entry))).isTrue();
            assertThat(asked).hasSize(1);
            asked.clear();
            assertThat(disk.hasAny(root, entry -> !asked.add(entry))).isFalse();
            assertThat(asked).containsExactlyInAnyOrderElementsOf(disk.list(root));
            assertThat(disk.hasAny(root, entry -> entry.kind() == Disk.Kind.DIRECTORY))
                    .isTrue();
            assertWrongState(() -> disk.hasAny(root.resolve("missing"), entry -> true), root.resolve("missing"));
            assertWrongState(() -> disk.hasAny(root.resolve("b"), entry -> true), root.resolve("b"));
        });
    }

    @Test
    void syncingADirectoryNeedsOne() throws Exception {
        run((disk, root) -> {
            disk.syncDirectory(root);
            assertWrongState(() -> disk.syncDirectory(root.resolve("missing")), root.resolve("missing"));
        });
    }

    @Test
    void thereIsRoomAndNotMoreThanThereIsInAll() throws Exception {
        run((disk, root) -> {
            DiskSpace space = disk.space(root);
            assertThat(space.usableBytes()).isPositive().isLessThanOrEqualTo(space.totalBytes());
        });
    }

    @Test
    void alignmentIsAPowerOfTwo() throws Exception {
        run((disk, root) -> assertThat(Integer.bitCount(disk.alignment())).isEqualTo(1));
    }
}
