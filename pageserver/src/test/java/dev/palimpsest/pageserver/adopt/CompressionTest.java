package dev.palimpsest.pageserver.adopt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.luben.zstd.ZstdOutputStream;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.wal.WalSegment;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.compressors.lz4.FramedLZ4CompressorOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class CompressionTest {
    private static final int LENGTH = 700_000;

    @TempDir
    private Path directory;

    private static byte[] content(long seed) {
        byte[] content = new byte[LENGTH];
        new SplittableRandom(seed).nextBytes(content);
        Arrays.fill(content, LENGTH / 2, LENGTH, (byte) 7);
        return content;
    }

    private static byte[] packed(Compression how, byte[] content) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (OutputStream out = switch (how) {
            case NONE -> bytes;
            case GZIP -> new GZIPOutputStream(bytes);
            case ZSTD -> new ZstdOutputStream(bytes);
            case LZ4 -> new FramedLZ4CompressorOutputStream(bytes);
        }) {
            out.write(content);
        }
        return bytes.toByteArray();
    }

    private static String suffix(Compression how) {
        return switch (how) {
            case NONE -> "";
            case GZIP -> ".gz";
            case ZSTD -> ".zst";
            case LZ4 -> ".lz4";
        };
    }

    private static byte[] read(Path file) throws IOException {
        try (InputStream in = Compression.open(file)) {
            return in.readAllBytes();
        }
    }

    @ParameterizedTest
    @EnumSource
    void whatIsCompressedInPiecesIsReadAsAWhole(Compression how) throws Exception {
        byte[] first = content(1);
        byte[] second = content(2);
        ByteArrayOutputStream both = new ByteArrayOutputStream();
        both.write(packed(how, first));
        both.write(packed(how, second));
        Path file = Files.write(directory.resolve("file" + suffix(how)), both.toByteArray());
        byte[] read = read(file);
        assertThat(Arrays.copyOf(read, LENGTH)).isEqualTo(first);
        assertThat(Arrays.copyOfRange(read, LENGTH, read.length)).isEqualTo(second);
        assertThat(Compression.strip(file.getFileName().toString())).isEqualTo("file");
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void whatIsCutOffOrOtherwiseMadeIsNoticed(Compression how) throws Exception {
        byte[] whole = packed(how, content(3));
        for (int length : new int[] {whole.length / 3, whole.length - 1}) {
            Path cut = Files.write(directory.resolve("cut" + length + suffix(how)), Arrays.copyOf(whole, length));
            assertThatThrownBy(() -> read(cut))
                    .as("%s of %s bytes", length, whole.length)
                    .isInstanceOf(IOException.class);
        }
        Path other = Files.write(directory.resolve("other" + suffix(how)), content(4));
        assertThatThrownBy(() -> read(other)).isInstanceOf(IOException.class);
    }

    @Test
    void walThatIsCompressedOtherwiseIsNamed() throws Exception {
        String name = "000000010000000000000003";
        for (String ignored : List.of(".00000028.backup", ".ready", ".done", ".tmp")) {
            Files.write(directory.resolve(name + ignored), new byte[10]);
        }
        WalSegment segment = WalSegment.parse(name, WalSegment.MIN_SIZE);
        WalArchive without = new WalArchive(PostgresVersion.V17, 1, WalSegment.MIN_SIZE, List.of(directory), null);
        assertThat(without.find(segment)).isNull();
        Path other = Files.write(directory.resolve(name + ".xz"), new byte[10]);
        WalArchive with = new WalArchive(PostgresVersion.V17, 1, WalSegment.MIN_SIZE, List.of(directory), null);
        assertThatThrownBy(() -> with.find(segment))
                .isInstanceOf(AdoptException.class)
                .hasMessage("WAL segment " + other + " cannot be read: what is compressed ends in .gz, .zst or .lz4;"
                        + " unpack what is compressed otherwise");
    }

    @ParameterizedTest
    @ValueSource(strings = {"base.tar.bz2", "base.tar.xz", "base.tgz", "monday.tar.Z", "monday.zip"})
    void archivesThatAreCompressedOtherwiseAreNamed(String name) throws Exception {
        Path archive = Files.write(directory.resolve(name), new byte[10]);
        List<Path> ways = name.startsWith("base") ? List.of(archive, directory) : List.of(archive);
        for (Path way : ways) {
            assertThatThrownBy(() -> AdoptPlan.of(way, List.of(), null, false))
                    .isInstanceOf(AdoptException.class)
                    .hasMessageStartingWith(
                            "the archive " + archive + " cannot be read: what is compressed ends in .gz");
        }
    }

    @Test
    void anArchiveThatIsNotNamedAsItIsCompressedIsNotTakenForOne() throws Exception {
        Path archive = Files.write(directory.resolve("base.tar"), packed(Compression.GZIP, content(5)));
        assertThatThrownBy(() -> AdoptPlan.of(archive, List.of(), null, false))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith(archive + " cannot be read to its end: ");
    }
}
