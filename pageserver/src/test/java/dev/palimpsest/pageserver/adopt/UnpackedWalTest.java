package dev.palimpsest.pageserver.adopt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Nothing of unpacked WAL outlives the process, and what does is swept away. */
class UnpackedWalTest {
    private static final String SEGMENT = "000000010000000000000003";

    @TempDir
    private Path parent;

    /** Unpacks something, says so, and waits. */
    static final class Unpacking {
        private Unpacking() {}

        public static void main(String[] arguments) throws IOException {
            UnpackedWal wal = UnpackedWal.create(Path.of(arguments[0]));
            wal.add(SEGMENT, content());
            System.out.println(wal.directory());
            System.in.read();
            wal.add("never", content());
        }
    }

    private static InputStream content() {
        return new ByteArrayInputStream("WAL".getBytes(StandardCharsets.UTF_8));
    }

    private List<Path> left() throws IOException {
        try (Stream<Path> files = Files.list(parent)) {
            return files.toList();
        }
    }

    private Process start() throws IOException {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Unpacking.class.getName(),
                        parent.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        BufferedReader lines = process.inputReader();
        Path directory = Path.of(String.valueOf(lines.readLine()));
        assertThat(directory.resolve(SEGMENT)).hasContent("WAL");
        return process;
    }

    private static void end(Process process) throws InterruptedException {
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void itIsThereUntilItIsClosed() throws Exception {
        UnpackedWal wal = UnpackedWal.create(parent);
        assertThat(wal.isEmpty()).isTrue();
        wal.add(SEGMENT, content());
        assertThat(wal.isEmpty()).isFalse();
        assertThat(wal.directory().resolve(SEGMENT)).hasContent("WAL");
        try (UnpackedWal other = UnpackedWal.create(parent)) {
            assertThat(left()).containsExactlyInAnyOrder(wal.directory(), other.directory());
        }
        wal.close();
        assertThat(left()).isEmpty();
        wal.close();
        assertThatThrownBy(() -> wal.add(SEGMENT, content())).isInstanceOf(IOException.class);
        assertThat(left()).isEmpty();
    }

    @Test
    void aProcessThatIsToldToEndLeavesNothing() throws Exception {
        Process process = start();
        process.destroy();
        end(process);
        assertThat(left()).isEmpty();
    }

    @Test
    void theNextOneDeletesWhatAKilledProcessHasLeft() throws Exception {
        Path others = Files.createDirectory(parent.resolve("palimpsest-wal-of-another-kind"));
        Files.createFile(others.resolve("something"));
        Files.createDirectory(parent.resolve("palimpsest-wal0"));
        Files.createSymbolicLink(parent.resolve("palimpsest-wal1"), others);
        Process process = start();
        try {
            try (UnpackedWal wal = UnpackedWal.create(parent)) {
                assertThat(left())
                        .as("one in use, this, what is none, and no empty one")
                        .hasSize(4)
                        .contains(wal.directory(), others)
                        .doesNotContain(parent.resolve("palimpsest-wal0"));
            }
        } finally {
            process.destroyForcibly();
        }
        end(process);
        assertThat(left()).hasSize(3);
        UnpackedWal.create(parent).close();
        assertThat(left()).containsExactlyInAnyOrder(others, parent.resolve("palimpsest-wal1"));
        assertThat(others.resolve("something")).exists();
    }
}
