package dev.palimpsest.pageserver.datadir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.pageserver.datadir.DirectorySink.Durability;
import dev.palimpsest.storage.DiskException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class DirectorySinkTest {
    @TempDir
    Path temporary = Path.of("");

    private DirectorySink sink(Path root) throws Exception {
        return new DirectorySink(root, null, Durability.NONE);
    }

    private static void file(DataDirectorySink sink, String path, int size) throws Exception {
        byte[] content = new byte[size];
        Arrays.fill(content, (byte) 7);
        sink.startFile(path, size);
        sink.write(content, 0, size);
        sink.endFile();
    }

    private static List<String> everything(Path root) throws Exception {
        try (Stream<Path> paths = Files.walk(root)) {
            return paths.map(path -> root.relativize(path).toString()).sorted().toList();
        }
    }

    @ParameterizedTest
    @EnumSource(Durability.class)
    void writesFilesThatOnlyTheirOwnerCanRead(Durability durability) throws Exception {
        Path root = temporary.resolve("a/b");
        try (DirectorySink sink = new DirectorySink(root, null, durability)) {
            sink.directory("global");
            file(sink, "global/1", 10000);
            sink.startFile("global/2", 1 << 20);
            sink.write(new byte[] {1, 2, 3}, 1, 2);
            sink.zeros((1 << 20) - 2);
            sink.endFile();
            file(sink, "global/3", 0);
            file(sink, "global/pg_control", 8192);
            assertThat(root.resolve("global/pg_control")).doesNotExist();
            sink.complete();
        }
        assertThat(everything(root))
                .containsExactly("", "global", "global/1", "global/2", "global/3", "global/pg_control");
        byte[] second = Files.readAllBytes(root.resolve("global/2"));
        assertThat(second).hasSize(1 << 20).startsWith(2, 3, 0);
        assertThat(second[second.length - 1]).isZero();
        assertThat(Files.getAttribute(root, "unix:mode")).isEqualTo(040700);
        assertThat(Files.getAttribute(root.resolve("global"), "unix:mode")).isEqualTo(040700);
        assertThat(Files.getAttribute(root.resolve("global/1"), "unix:mode")).isEqualTo(0100600);
    }

    @Test
    void takesAnEmptyDirectoryButNoOther() throws Exception {
        Path root = Files.createDirectory(temporary.resolve("root"));
        try (DirectorySink sink = sink(root)) {
            sink.directory("base");
        }
        assertThat(everything(root)).containsExactly("");
        Files.writeString(root.resolve("mine"), "x");
        assertThatThrownBy(() -> sink(root))
                .isInstanceOf(DiskException.class)
                .hasMessageContaining(root.toString())
                .hasMessageContaining("not empty");
        assertThat(root.resolve("mine")).exists();
        Path file = Files.writeString(temporary.resolve("file"), "x");
        assertThatThrownBy(() -> sink(file)).isInstanceOf(DiskException.class);
        assertThat(file).exists();
    }

    @Test
    void takesBackWhatWasNotCompleted() throws Exception {
        Path root = temporary.resolve("root");
        Path tablespace = temporary.resolve("tablespaces/one");
        Path existing = Files.createDirectory(temporary.resolve("existing"));
        try (DirectorySink sink = sink(root)) {
            sink.tablespace(16390, tablespace.toString());
            sink.tablespace(16391, existing.toString());
            sink.directory("pg_tblspc/16390/PG_17_202406281");
            file(sink, "pg_tblspc/16390/PG_17_202406281/1", 10);
            assertThat(tablespace.resolve("PG_17_202406281/1")).hasSize(10);
            assertThat(Files.readSymbolicLink(root.resolve("pg_tblspc/16390"))).isEqualTo(tablespace);
            sink.directory("pg_tblspc");
            sink.directory("global");
            file(sink, "global/pg_control", 10);
            sink.startFile("global/1", 100);
            sink.write(new byte[10], 0, 10);
        }
        assertThat(Files.exists(root, LinkOption.NOFOLLOW_LINKS)).isFalse();
        assertThat(tablespace).doesNotExist();
        assertThat(everything(existing)).containsExactly("");
    }

    @Test
    void refusesTablespacesThatAreInUseOrInside() throws Exception {
        Path used = Files.createDirectory(temporary.resolve("used"));
        Files.createDirectory(used.resolve("x"));
        Path root = temporary.resolve("root");
        try (DirectorySink sink = sink(root)) {
            assertThatThrownBy(() -> sink.tablespace(1, used.toString()))
                    .isInstanceOf(DiskException.class)
                    .hasMessageContaining("not empty");
            assertThatThrownBy(() -> sink.tablespace(1, root.resolve("x").toString()))
                    .isInstanceOf(DiskException.class)
                    .hasMessageContaining("outside");
            assertThatThrownBy(() -> sink.directory("../x")).isInstanceOf(IllegalArgumentException.class);
        }
        assertThat(used.resolve("x")).exists();
    }

    @Test
    void insistsOnTheSizeThatWasSaid() throws Exception {
        try (DirectorySink sink = sink(temporary.resolve("root"))) {
            sink.startFile("x", 10);
            assertThatThrownBy(() -> sink.write(new byte[11], 0, 11)).isInstanceOf(IllegalStateException.class);
            sink.write(new byte[9], 0, 9);
            assertThatThrownBy(sink::endFile).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> sink.startFile("y", 0)).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(sink::complete).isInstanceOf(IllegalStateException.class);
        }
    }
}
