package dev.palimpsest.storage.layer.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.blob.BlobCompression;
import dev.palimpsest.storage.blob.BlobHeader;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.layer.ImageLayerName;
import dev.palimpsest.storage.layer.Layers;
import dev.palimpsest.storage.layer.Layers.At;
import dev.palimpsest.storage.layer.LsnRange;
import dev.palimpsest.storage.layer.TimelineFile;
import dev.palimpsest.storage.layer.delta.BlobRun;
import dev.palimpsest.storage.layer.delta.DeltaLayerWriter;
import dev.palimpsest.storage.layer.verify.LayerVerifier;
import dev.palimpsest.storage.value.Value;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class LayerWritingTest {
    private static final LsnRange LSNS = new LsnRange(new Lsn(0x1000), new Lsn(0x1400));
    private static final KeyRange KEYS = new KeyRange(Layers.key(0), Layers.key(1000));

    private static NavigableMap<At, Value> contents() {
        return Layers.contents(new Random(1), 20, LSNS, 4, 9000);
    }

    @Test
    void noCrashLeavesAnIncompleteFileUnderAFinalName() throws StorageException {
        for (int failing = 1; ; failing++) {
            CrashingDisk disk = new CrashingDisk(Layers.DIRECTORY, failing);
            Layers layers = new Layers(disk);
            boolean finished = false;
            try {
                layers.writeDelta(KEYS, LSNS, contents());
                finished = true;
            } catch (DiskException e) {
                assertThat(e).hasMessageContaining(Layers.DIRECTORY.toString());
            }
            int complete = 0;
            for (int choice = 0; choice < 4; choice++) {
                Layers restarted = new Layers();
                for (Map.Entry<Path, byte[]> file :
                        disk.afterCrash((choice & 1) != 0, (choice & 2) != 0).entrySet()) {
                    restarted.replace(file.getKey(), file.getValue());
                    if (TimelineFile.classify(file.getKey().getFileName().toString()) instanceof TimelineFile.Layer) {
                        var report =
                                new LayerVerifier(restarted.io).verify(file.getKey(), Layers.TENANT, Layers.context());
                        assertThat(report.damage())
                                .as("call %d fails, choice %d", failing, choice)
                                .isEmpty();
                        assertThat(report.values()).isEqualTo(contents().size());
                        complete++;
                    }
                }
            }
            if (finished) {
                assertThat(complete).isEqualTo(4);
                assertThat(failing).isGreaterThan(6);
                return;
            }
        }
    }

    @Test
    void aWriterThatIsClosedEarlyLeavesNothing() throws StorageException {
        Layers layers = new Layers();
        try (DeltaLayerWriter writer = layers.deltaWriter(KEYS.start(), LSNS)) {
            writer.put(Layers.key(1), LSNS.start(), ByteBuffer.allocate(20), false);
            assertThat(layers.disk.list(Layers.DIRECTORY)).hasSize(1);
            assertThat(layers.disk.list(Layers.DIRECTORY).getFirst().name()).endsWith(".___temp");
        }
        assertThat(layers.disk.list(Layers.DIRECTORY)).isEmpty();
    }

    @Test
    void aFileThatIsThereIsNotReplaced() throws StorageException {
        Layers layers = new Layers();
        LayerFile first = layers.writeDelta(KEYS, LSNS, contents());
        byte[] bytes = layers.bytes(first.path());
        assertThatThrownBy(() -> layers.writeDelta(KEYS, LSNS, contents())).isInstanceOf(DiskException.class);
        assertThat(layers.bytes(first.path())).isEqualTo(bytes);
        assertThat(layers.disk.list(Layers.DIRECTORY)).hasSize(1);
    }

    @Test
    void whatIsOutOfOrderOrOutsideIsRefused() throws StorageException {
        Layers layers = new Layers();
        try (DeltaLayerWriter writer = layers.deltaWriter(Layers.key(10), LSNS)) {
            ByteBuffer value = Layers.encoded(new Value.Image(new byte[5]));
            assertThatThrownBy(() -> writer.finish(Key.MAX, Generation.NONE, DirectorySync.NOW))
                    .isInstanceOf(IllegalStateException.class);
            writer.put(Layers.key(20), new Lsn(0x1100), value.duplicate(), true);
            Map<Key, Lsn> wrong = Map.of(
                    Layers.key(20), new Lsn(0x1100),
                    Layers.key(19), new Lsn(0x1200),
                    Layers.key(9), new Lsn(0x1100),
                    Layers.key(21), LSNS.end(),
                    Layers.key(22), LSNS.start().minus(1));
            wrong.forEach((key, lsn) -> assertThatThrownBy(() -> writer.put(key, lsn, value.duplicate(), true))
                    .as("%s@%s", key, lsn)
                    .isInstanceOf(IllegalArgumentException.class));
            assertThatThrownBy(() -> writer.finish(Layers.key(20), Generation.NONE, DirectorySync.NOW))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThat(writer.count()).isEqualTo(1);
            LayerFile file = writer.finish(Layers.key(21), Generation.NONE, DirectorySync.LEFT_TO_CALLER);
            assertThat(file.path().getFileName())
                    .hasToString(file.fileName().name().toString());
        }
    }

    @Test
    void blobsAndRunsOfBlobsGiveTheSameFileAsValues() throws StorageException {
        NavigableMap<At, Value> contents = Layers.contents(new Random(5), 300, LSNS, 6, 9000);
        Layers plain = new Layers();
        byte[] expected = plain.bytes(plain.writeDelta(KEYS, LSNS, contents).path());
        List<At> places = new ArrayList<>(contents.keySet());
        List<ByteBuffer> blobs = new ArrayList<>();
        int total = 0;
        for (Value value : contents.values()) {
            ByteBuffer encoded = Layers.encoded(value);
            ByteBuffer blob = ByteBuffer.allocate(4 + encoded.remaining());
            BlobHeader.write(BlobHeader.raw(encoded.remaining()), blob);
            blobs.add(blob.put(encoded).flip());
            total += blob.remaining();
        }
        Layers one = new Layers();
        try (DeltaLayerWriter writer = one.deltaWriter(KEYS.start(), LSNS)) {
            for (int i = 0; i < places.size(); i++) {
                At at = places.get(i);
                writer.putBlob(
                        at.key(),
                        at.lsn(),
                        blobs.get(i).duplicate(),
                        Layers.get(contents, at).willInit());
            }
            assertThat(one.bytes(writer.finish(KEYS.end(), new Generation(1), DirectorySync.NOW)
                            .path()))
                    .isEqualTo(expected);
        }
        ByteBuffer run = ByteBuffer.allocateDirect(total);
        blobs.forEach(blob -> run.put(blob.duplicate()));
        Layers all = new Layers();
        try (DeltaLayerWriter writer = all.deltaWriter(KEYS.start(), LSNS)) {
            writer.putBlobs(run.flip(), new Run(places, blobs, contents));
            assertThat(run.hasRemaining()).isFalse();
            LayerFile file = writer.finish(KEYS.end(), new Generation(1), DirectorySync.NOW);
            assertThat(all.bytes(file.path())).isEqualTo(expected);
        }
    }

    private record Run(List<At> places, List<ByteBuffer> blobs, Map<At, Value> contents) implements BlobRun {
        @Override
        public int count() {
            return places.size();
        }

        @Override
        public Key key(int index) {
            return places.get(index).key();
        }

        @Override
        public Lsn lsn(int index) {
            return places.get(index).lsn();
        }

        @Override
        public int length(int index) {
            return blobs.get(index).remaining();
        }

        @Override
        public boolean willInit(int index) {
            return Layers.get(contents, places.get(index)).willInit();
        }
    }

    @Test
    void theSummaryIsWhereNeonLooksForIt() throws StorageException {
        Layers layers = new Layers();
        TreeMap<At, Value> one =
                new TreeMap<>(Map.of(new At(Layers.key(0), LSNS.start()), new Value.Image(new byte[] {7})));
        byte[] delta = layers.bytes(layers.writeDelta(KeyRange.ALL, LSNS, one).path());
        String ids = Layers.TENANT.toString() + Layers.TIMELINE;
        assertThat(HexFormat.of().formatHex(delta, 0, 96))
                .isEqualTo("5a610003" + ids + "00".repeat(18) + "ff".repeat(18) + "0000000000001000"
                        + "0000000000001400" + "00000003" + "00000000");
        ByteBuffer leaf = ByteBuffer.wrap(delta, 3 * 8192, 8192).slice();
        assertThat(leaf.getShort(0)).isEqualTo((short) 1);
        assertThat(HexFormat.of().formatHex(delta, 3 * 8192 + 5 + 26, 3 * 8192 + 5 + 31))
                .isEqualTo("0000004001");
        assertThat(HexFormat.of().formatHex(delta, 8192, 8192 + 14)).isEqualTo("0d00000000000000000000000107");
        ImageLayerName name = new ImageLayerName(KeyRange.ALL, new Lsn(0x1000));
        byte[] image = layers.bytes(layers.writeImage(name, Map.of(Layers.key(0), new byte[] {7}), BlobCompression.NONE)
                .path());
        assertThat(HexFormat.of().formatHex(image, 0, 88))
                .isEqualTo("5a600003" + ids + "00".repeat(18) + "ff".repeat(18) + "0000000000001000" + "00000003"
                        + "00000000");
        assertThat(HexFormat.of().formatHex(image, 3 * 8192 + 5 + 18, 3 * 8192 + 5 + 23))
                .isEqualTo("0000002000");
        assertThat(image.length).isEqualTo(4 * 8192).isEqualTo(delta.length);
    }
}
