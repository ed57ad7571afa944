package dev.palimpsest.storage.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.runtime.SystemClock;
import dev.palimpsest.storage.runtime.Task;
import dev.palimpsest.storage.runtime.VirtualThreadTasks;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the machine's disk promises beyond every disk, in either mode. */
@Timeout(60)
abstract class LocalDiskContract extends DiskContract {
    private final VirtualThreadTasks tasks = new VirtualThreadTasks(new SystemClock());

    @TempDir
    Path directory;

    abstract LocalDiskSettings.Mode mode();

    private LocalDisk disk(int maxOpen) {
        return new LocalDisk(new LocalDiskSettings(mode(), maxOpen, 2, 8192), tasks);
    }

    @Override
    protected void run(Body body) throws Exception {
        LocalDisk disk = disk(4);
        body.run(disk, directory);
        assertThat(disk.openForReadingCount()).isZero();
        assertThat(disk.openForWritingCount()).isZero();
    }

    private static byte[] content(int file) {
        byte[] bytes = new byte[6000 + file];
        new SplittableRandom(file).nextBytes(bytes);
        return bytes;
    }

    private static void put(Disk disk, Path path, byte[] content) throws DiskException {
        try (WritableFile file = disk.create(path)) {
            file.write(0, ByteBuffer.wrap(content));
        }
    }

    private static byte[] get(ReadableFile file, int length) throws DiskException {
        byte[] read = new byte[length];
        assertThat(file.read(0, ByteBuffer.wrap(read))).isEqualTo(length);
        return read;
    }

    @Test
    void moreFilesMayBeOpenThanThereAreDescriptors() throws Exception {
        LocalDisk disk = disk(3);
        List<ReadableFile> files = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            put(disk, directory.resolve("f" + i), content(i));
            files.add(disk.open(directory.resolve("f" + i)));
            assertThat(disk.openForReadingCount()).isLessThanOrEqualTo(3);
        }
        assertThat(disk.openForReadingCount()).isEqualTo(3);
        SplittableRandom random = new SplittableRandom(7);
        for (int n = 0; n < 300; n++) {
            int i = random.nextInt(20);
            assertThat(get(files.get(i), 6000 + i)).isEqualTo(content(i));
            assertThat(disk.openForReadingCount()).isLessThanOrEqualTo(3);
        }
        assertThat(disk.counters().reopens()).isPositive();
        assertThat(disk.counters().evictions())
                .isGreaterThanOrEqualTo(disk.counters().reopens());
        for (ReadableFile file : files) {
            file.close();
        }
        assertThat(disk.openForReadingCount()).isZero();
    }

    @Test
    void manyThreadsShareFewDescriptors() throws Exception {
        LocalDisk disk = disk(2);
        List<ReadableFile> files = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            put(disk, directory.resolve("f" + i), content(i));
            files.add(disk.open(directory.resolve("f" + i)));
        }
        List<Task> readers = new ArrayList<>();
        for (int t = 0; t < 8; t++) {
            SplittableRandom random = new SplittableRandom(t);
            readers.add(tasks.start("reader " + t, () -> {
                for (int n = 0; n < 300; n++) {
                    int i = random.nextInt(8);
                    assertThat(get(files.get(i), 6000 + i)).isEqualTo(content(i));
                    assertThat(disk.openForReadingCount()).isLessThanOrEqualTo(2);
                }
            }));
        }
        for (Task reader : readers) {
            reader.join();
            assertThat(reader.failure()).isEmpty();
        }
        for (ReadableFile file : files) {
            file.close();
        }
        assertThat(disk.openForReadingCount()).isZero();
    }

    @Test
    void aFileThatHasItsDescriptorIsUsedWithoutOpeningIt() throws Exception {
        LocalDisk disk = disk(2);
        put(disk, directory.resolve("f"), content(0));
        try (ReadableFile file = disk.open(directory.resolve("f"))) {
            get(file, 100);
            assertThat(disk.delete(directory.resolve("f"))).isTrue();
            get(file, 100);
            assertThat(disk.counters().reopens()).isZero();
        }
    }

    /** Makes every other file lose its descriptor. */
    private void evictAll(LocalDisk disk) throws DiskException {
        List<ReadableFile> files = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            Path path = directory.resolve("evict" + i);
            if (!disk.exists(path)) {
                put(disk, path, content(i));
            }
            files.add(disk.open(path));
        }
        for (ReadableFile file : files) {
            file.close();
        }
    }

    @Test
    void aFileReplacedMeanwhileIsNeverTakenForTheOldOne() throws Exception {
        LocalDisk disk = disk(2);
        Path path = directory.resolve("f");
        for (int round = 0; round < 20; round++) {
            put(disk, path, content(0));
            ReadableFile file = disk.open(path);
            assertThat(disk.delete(path)).isTrue();
            put(disk, path, content(0));
            evictAll(disk);
            assertReplaced(() -> get(file, 1));
            file.close();
            assertThat(disk.delete(path)).isTrue();
        }
    }

    @Test
    void aFileReplacedByAnotherProcessIsNeverTakenForTheOldOne() throws Exception {
        LocalDisk disk = disk(2);
        Path path = directory.resolve("f");
        put(disk, path, content(0));
        Path other = directory.resolve("other");
        Files.write(other, content(1));
        try (ReadableFile file = disk.open(path)) {
            Files.move(other, path, StandardCopyOption.REPLACE_EXISTING);
            evictAll(disk);
            assertReplaced(() -> get(file, 1));
        }
    }

    @Test
    void aFileDeletedOrRenamedMeanwhileIsMissed() throws Exception {
        LocalDisk disk = disk(2);
        put(disk, directory.resolve("f"), content(0));
        put(disk, directory.resolve("g"), content(1));
        try (ReadableFile deleted = disk.open(directory.resolve("f"));
                ReadableFile renamed = disk.open(directory.resolve("g"))) {
            disk.delete(directory.resolve("f"));
            disk.rename(directory.resolve("g"), directory.resolve("f"));
            evictAll(disk);
            assertReplaced(() -> get(deleted, 1));
            assertReplaced(() -> get(renamed, 1));
        }
    }

    @Test
    void aRenameThatFailedHarmsNoReader() throws Exception {
        LocalDisk disk = disk(2);
        put(disk, directory.resolve("f"), content(0));
        try (ReadableFile file = disk.open(directory.resolve("f"))) {
            assertThatThrownBy(() -> disk.rename(directory.resolve("missing"), directory.resolve("f")))
                    .isInstanceOf(DiskException.class);
            evictAll(disk);
            assertThat(get(file, 6000)).isEqualTo(content(0));
        }
    }

    private static void assertReplaced(ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        DiskException.class, e -> assertThat(e.kind()).isEqualTo(DiskException.Kind.WRONG_STATE));
    }

    @Test
    void interruptsHarmNobodyAndAreKept() throws Exception {
        LocalDisk disk = disk(4);
        int blocks = 64;
        byte[] content = new byte[blocks * 4096];
        new SplittableRandom(3).nextBytes(content);
        try (WritableFile file = disk.create(directory.resolve("written"))) {
            Thread.currentThread().interrupt();
            file.write(0, ByteBuffer.wrap(content));
            file.sync();
            disk.syncDirectory(directory);
            assertThat(get(file, 100)).hasSize(100);
            assertThat(Thread.interrupted()).isTrue();

            try (ReadableFile opened = disk.open(directory.resolve("written"))) {
                interruptReaders(disk, List.of(file, opened), content);
            }
            file.sync();
        }
        assertThat(disk.openForReadingCount()).isZero();
        assertThat(disk.openForWritingCount()).isZero();
    }

    private void interruptReaders(LocalDisk disk, List<ReadableFile> files, byte[] content) {
        AtomicBoolean stop = new AtomicBoolean();
        AtomicInteger running = new AtomicInteger();
        Thread[] threads = new Thread[4];
        List<Task> readers = new ArrayList<>();
        for (int t = 0; t < threads.length; t++) {
            int me = t;
            readers.add(tasks.start("reader " + t, () -> {
                threads[me] = Thread.currentThread();
                running.incrementAndGet();
                ByteBuffer target = ByteBuffer.allocateDirect(20_000);
                for (long n = 0; !stop.get() || n < 200; n++) {
                    int offset = (int) (n * 7919L % (content.length - 20_000));
                    assertThat(files.get((int) (n % 2)).read(offset, target.clear()))
                            .isEqualTo(20_000);
                    assertThat(target.flip()).isEqualTo(ByteBuffer.wrap(content, offset, 20_000));
                }
            }));
        }
        while (running.get() < threads.length) {
            Thread.onSpinWait();
        }
        // Goes on until enough came in the middle of a transfer to have closed a channel.
        for (int n = 0; disk.counters().interrupts() < 20 && !anyDone(readers); n++) {
            threads[n % threads.length].interrupt();
        }
        stop.set(true);
        for (Task reader : readers) {
            reader.join();
            assertThat(reader.failure()).isEmpty();
        }
    }

    private static boolean anyDone(List<Task> tasks) {
        return tasks.stream().anyMatch(Task::isDone);
    }

    @Test
    void onlyOneOfManyRenamesWithoutReplacing() throws Exception {
        LocalDisk disk = disk(4);
        for (int round = 0; round < 20; round++) {
            Path to = directory.resolve("to" + round);
            AtomicInteger won = new AtomicInteger();
            List<Task> renamers = new ArrayList<>();
            for (int t = 0; t < 4; t++) {
                Path from = directory.resolve("from" + round + "-" + t);
                put(disk, from, content(t));
                renamers.add(tasks.start("renames", () -> {
                    disk.renameNoReplace(from, to);
                    won.incrementAndGet();
                }));
            }
            renamers.forEach(Task::join);
            assertThat(won).hasValue(1);
        }
    }

    @Test
    void failuresAreSortedByWhatToDo() {
        assertThat(IoFailures.kind(new AccessDeniedException("f"))).isEqualTo(DiskException.Kind.FATAL);
        assertThat(IoFailures.kind(new IOException("Input/output error"))).isEqualTo(DiskException.Kind.FATAL);
        assertThat(IoFailures.kind(new FileSystemException("f", null, "Read-only file system")))
                .isEqualTo(DiskException.Kind.FATAL);
        assertThat(IoFailures.kind(new IOException("No space left on device"))).isEqualTo(DiskException.Kind.RETRYABLE);
        assertThat(IoFailures.kind(new FileSystemException("f", null, "Too many open files")))
                .isEqualTo(DiskException.Kind.RETRYABLE);
        assertThat(IoFailures.kind(new FileSystemException("f"))).isEqualTo(DiskException.Kind.FATAL);
    }
}
