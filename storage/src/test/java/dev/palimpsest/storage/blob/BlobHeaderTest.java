package dev.palimpsest.storage.blob;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.storage.CorruptionException;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class BlobHeaderTest {
    @Test
    void isTheseBytes() throws CorruptionException {
        check(BlobHeader.raw(0), "00", 0, false);
        check(BlobHeader.raw(5), "05", 5, false);
        check(BlobHeader.raw(127), "7F", 127, false);
        check(BlobHeader.raw(128), "80000080", 128, false);
        check(BlobHeader.raw(8192), "80002000", 8192, false);
        check(BlobHeader.raw(0x0FFF_FFFF), "8FFFFFFF", 0x0FFF_FFFF, false);
        check(BlobHeader.zstd(300), "9000012C", 300, true);
        check(BlobHeader.zstd(20), "90000014", 20, true);
        check(BlobHeader.zstd(0x0FFF_FFFF), "9FFFFFFF", 0x0FFF_FFFF, true);
    }

    private static void check(int header, String hex, int length, boolean zstd) {
        byte[] expected = HexFormat.of().parseHex(hex);
        ByteBuffer bytes = ByteBuffer.allocate(4);
        BlobHeader.write(header, bytes);
        assertThat(bytes.flip()).isEqualTo(ByteBuffer.wrap(expected));
        assertThat(BlobHeader.size(header)).isEqualTo(expected.length);
        assertThat(BlobHeader.length(header)).isEqualTo(length);
        assertThat(BlobHeader.isZstd(header)).isEqualTo(zstd);
    }

    @Test
    void everyFirstByteIsReadOrRefused() throws CorruptionException {
        for (int first = 0; first < 256; first++) {
            ByteBuffer bytes = ByteBuffer.allocate(1000);
            bytes.put(3, (byte) first).put(5, (byte) 1).put(6, (byte) 2);
            if (first < 128 || first == 0x80 || first == 0x90) {
                int header = BlobHeader.read(bytes, 3, 1000, "file", 3);
                assertThat(BlobHeader.length(header)).isEqualTo(first < 128 ? first : 0x102);
                assertThat(BlobHeader.isZstd(header)).isEqualTo(first == 0x90);
            } else {
                assertThatThrownBy(() -> BlobHeader.read(bytes, 3, 1000, "file", 77))
                        .isInstanceOfSatisfying(CorruptionException.class, e -> {
                            assertThat(e.resource()).isEqualTo("file");
                            assertThat(e.offset()).isEqualTo(77);
                        });
            }
        }
    }

    @Test
    void whatItPromisesMustFit() throws CorruptionException {
        ByteBuffer small = ByteBuffer.allocate(100).put(0, (byte) 5);
        assertThat(BlobHeader.read(small, 0, 6, "file", 0)).isEqualTo(5);
        refused(small, 5);
        refused(small, 1);
        refused(small, 0);
        ByteBuffer large = ByteBuffer.allocate(1000).putInt(0, 0x8000_0080);
        assertThat(BlobHeader.read(large, 0, 132, "file", 0)).isEqualTo(0x8000_0080);
        refused(large, 131);
        refused(large, 4);
        refused(large, 3);
        refused(large, 1);
        refused(ByteBuffer.allocate(1000).putInt(0, 0x8000_007F), 1000);
        refused(ByteBuffer.allocate(1000).putInt(0, 0x8FFF_FFFF), 1000);
    }

    private static void refused(ByteBuffer bytes, int end) {
        assertThatThrownBy(() -> BlobHeader.read(bytes, 0, end, "file", 0)).isInstanceOf(CorruptionException.class);
    }

    @Test
    void lengthsThatCannotBeAreRefused() {
        assertThatThrownBy(() -> BlobHeader.raw(0x1000_0000)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> BlobHeader.zstd(0x1000_0000)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> BlobHeader.raw(-1)).isInstanceOf(IllegalArgumentException.class);
    }
}
