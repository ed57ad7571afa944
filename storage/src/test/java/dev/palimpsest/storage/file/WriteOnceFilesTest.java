package dev.palimpsest.storage.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.DiskException.Kind;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class WriteOnceFilesTest {
    private static final Path FILE = Path.of("/metadata.json");
    private static final Path TEMPORARY = Path.of("/metadata.json.___temp");
    private static final String OLD = "old content, the longer one of the two";
    private static final String NEW = "new content";

    private static ByteBuffer bytes(String text) {
        return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String text(Disk disk) throws Exception {
        return new String(new WriteOnceFiles(disk).read(FILE, 100), StandardCharsets.UTF_8);
    }

    @Test
    void writesAndOverwrites() throws Exception {
        MemoryDisk disk = new MemoryDisk(1);
        WriteOnceFiles files = new WriteOnceFiles(disk);
        for (String content : new String[] {OLD, NEW, "", OLD}) {
            ByteBuffer source = bytes(content);
            files.overwrite(FILE, source);
            assertThat(source.hasRemaining()).isFalse();
            assertThat(text(disk)).isEqualTo(content);
            assertThat(disk.list(Path.of("/"))).hasSize(1);
        }
    }

    @Test
    void removesWhatACrashLeftBehind() throws Exception {
        MemoryDisk disk = new MemoryDisk(1);
        try (WritableFile stale = disk.create(TEMPORARY)) {
            stale.write(0, bytes("a longer content that must not show behind the new one"));
        }
        new WriteOnceFiles(disk).overwrite(FILE, bytes(NEW));
        assertThat(text(disk)).isEqualTo(NEW);
        assertThat(disk.exists(TEMPORARY)).isFalse();
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void aFailureAtAnyCallLeavesTheOldContentOrTheNewOne(Kind kind) throws Exception {
        int failAt = 0;
        while (true) {
            MemoryDisk disk = new MemoryDisk(1);
            new WriteOnceFiles(disk).overwrite(FILE, bytes(OLD));
            FailingDisk failing = new FailingDisk(disk, failAt, kind);
            if (!overwriteFails(failing, kind)) {
                break;
            }
            boolean onlyTheLastSyncFailed = failAt == 5;
            assertThat(text(disk)).as("failed at call %d", failAt).isEqualTo(onlyTheLastSyncFailed ? NEW : OLD);
            assertThat(disk.exists(TEMPORARY)).as("failed at call %d", failAt).isFalse();
            new WriteOnceFiles(disk).overwrite(FILE, bytes(NEW));
            assertThat(text(disk)).isEqualTo(NEW);
            failAt++;
        }
        // Delete the stale one, create, write, sync, rename, sync the directory.
        assertThat(failAt).isEqualTo(6);
    }

    private static boolean overwriteFails(FailingDisk disk, Kind kind) {
        try {
            new WriteOnceFiles(disk).overwrite(FILE, bytes(NEW));
            assertThat(disk.hasFailed()).isFalse();
            return false;
        } catch (DiskException e) {
            assertThat(disk.hasFailed()).isTrue();
            assertThat(e.kind()).isEqualTo(kind);
            return true;
        }
    }

    @Test
    void aFirstContentThatFailsLeavesNoFile() throws Exception {
        for (int failAt = 0; failAt < 5; failAt++) {
            MemoryDisk disk = new MemoryDisk(1);
            assertThat(overwriteFails(new FailingDisk(disk, failAt, Kind.RETRYABLE), Kind.RETRYABLE))
                    .isTrue();
            assertThat(disk.list(Path.of("/"))).as("failed at call %d", failAt).isEmpty();
        }
    }

    @Test
    void readIsBounded() throws Exception {
        MemoryDisk disk = new MemoryDisk(1);
        WriteOnceFiles files = new WriteOnceFiles(disk);
        files.overwrite(FILE, bytes("12345"));
        assertThat(files.read(FILE, 5)).hasSize(5);
        assertThatThrownBy(() -> files.read(FILE, 4))
                .isInstanceOf(CorruptionException.class)
                .hasMessageContaining("metadata.json");
        assertThatThrownBy(() -> files.read(Path.of("/missing"), 4))
                .isInstanceOfSatisfying(
                        DiskException.class, e -> assertThat(e.kind()).isEqualTo(Kind.WRONG_STATE));
    }
}
