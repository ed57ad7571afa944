package dev.palimpsest.storage.layer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.blob.BlobCompression;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.layer.Layers.At;
import dev.palimpsest.storage.layer.file.LayerFile;
import dev.palimpsest.storage.value.Value;
import dev.palimpsest.storage.value.WalRecord;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/**
 * Files that were written once and never change. A line is an offset and what is there, in hexadecimal; everything else is
 * zeros, and the last line is the end of the file.
 */
class LayerGoldenFileTest {
    private static final KeyRange KEYS = new KeyRange(Layers.key(0), Layers.key(16));

    private static NavigableMap<At, Value> deltaContents() {
        TreeMap<At, Value> contents = new TreeMap<>();
        byte[] page = new byte[300];
        Arrays.fill(page, (byte) 0xAB);
        contents.put(new At(Layers.key(1), new Lsn(0x16960E8)), new Value.Image(page));
        contents.put(new At(Layers.key(1), new Lsn(0x16960F8)), new WalRecord.Postgres(false, new byte[] {1, 2, 3}));
        contents.put(new At(Layers.key(1), new Lsn(0x1696108)), new WalRecord.Postgres(true, new byte[] {4}));
        contents.put(new At(Layers.key(3), new Lsn(0x16960F0)), new WalRecord.Postgres(false, new byte[111]));
        return contents;
    }

    private static NavigableMap<Key, byte[]> images() {
        TreeMap<Key, byte[]> images = new TreeMap<>();
        byte[] page = new byte[8192];
        for (int i = 0; i < page.length; i += 512) {
            page[i] = (byte) (i / 512 + 1);
        }
        images.put(Layers.key(1), page);
        images.put(Layers.key(2), new byte[0]);
        images.put(Layers.key(9), "a value of another size".getBytes(StandardCharsets.US_ASCII));
        return images;
    }

    private static LayerFile writeDelta(Layers layers) throws Exception {
        return layers.writeDelta(KEYS, new LsnRange(new Lsn(0x16960E8), new Lsn(0x1696109)), deltaContents());
    }

    private static LayerFile writeImage(Layers layers) throws Exception {
        return layers.writeImage(new ImageLayerName(KEYS, new Lsn(0x16960E8)), images(), BlobCompression.NONE);
    }

    static String dump(byte[] bytes) {
        StringBuilder dump = new StringBuilder();
        for (int at = 0; at < bytes.length; at += 32) {
            int end = at + 32;
            if (!Arrays.equals(bytes, at, end, new byte[32], 0, 32)) {
                dump.append("%06x %s%n".formatted(at, HexFormat.of().formatHex(bytes, at, end)));
            }
        }
        return dump.append("%06x%n".formatted(bytes.length)).toString();
    }

    private static String golden(String name) throws IOException {
        try (InputStream file = LayerGoldenFileTest.class.getResourceAsStream(name)) {
            assertThat(file).as(name).isNotNull();
            return new String(file.readAllBytes(), StandardCharsets.US_ASCII);
        }
    }

    private static byte[] undump(String dump) {
        String[] lines = dump.split("\n");
        byte[] bytes = new byte[Integer.parseInt(lines[lines.length - 1], 16)];
        for (int i = 0; i < lines.length - 1; i++) {
            byte[] line = HexFormat.of().parseHex(lines[i].substring(7));
            System.arraycopy(line, 0, bytes, Integer.parseInt(lines[i].substring(0, 6), 16), line.length);
        }
        return bytes;
    }

    @Test
    void theSameBytesAreStillWritten() throws Exception {
        Layers layers = new Layers();
        assertThat(dump(layers.bytes(writeDelta(layers).path()))).isEqualTo(golden("delta-v3.hex"));
        assertThat(dump(layers.bytes(writeImage(layers).path()))).isEqualTo(golden("image-v3.hex"));
    }

    @Test
    void theyAreStillRead() throws Exception {
        Layers layers = new Layers();
        LayerName delta = new DeltaLayerName(KEYS, new LsnRange(new Lsn(0x16960E8), new Lsn(0x1696109)));
        byte[] bytes = undump(golden("delta-v3.hex"));
        layers.replace(Layers.DIRECTORY.resolve(new LayerFileName(delta, Generation.NONE).local()), bytes);
        assertThat(Layers.all(layers.open(Layers.DIRECTORY.resolve(delta.toString()), delta, bytes.length)
                        .iterator(Layers.context())))
                .isEqualTo(deltaContents());
        ImageLayerName image = new ImageLayerName(KEYS, new Lsn(0x16960E8));
        bytes = undump(golden("image-v3.hex"));
        layers.replace(Layers.DIRECTORY.resolve(image.toString()), bytes);
        TreeMap<At, Value> expected = new TreeMap<>();
        images().forEach((key, page) -> expected.put(new At(key, image.lsn()), new Value.Image(page)));
        assertThat(Layers.all(layers.open(Layers.DIRECTORY.resolve(image.toString()), image, bytes.length)
                        .iterator(Layers.context())))
                .isEqualTo(expected);
    }
}
