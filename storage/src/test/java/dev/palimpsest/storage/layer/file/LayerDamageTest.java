package dev.palimpsest.storage.layer.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.blob.BlobCompression;
import dev.palimpsest.storage.blob.Block;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.ImageLayerName;
import dev.palimpsest.storage.layer.Layers;
import dev.palimpsest.storage.layer.Layers.At;
import dev.palimpsest.storage.layer.LsnRange;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layer.ReconstructState;
import dev.palimpsest.storage.layer.verify.LayerVerifier;
import dev.palimpsest.storage.value.Value;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Files that were damaged after they were written: what is served is right, or nothing is. */
class LayerDamageTest {
    private static final LsnRange LSNS = new LsnRange(new Lsn(0x1000), new Lsn(0x1400));
    private static final KeyRange KEYS = new KeyRange(Layers.key(0), Layers.key(1000));

    private Layers layers;

    @BeforeEach
    void newDisk() throws StorageException {
        layers = new Layers();
    }

    /** A layer file and what it holds. */
    record Sample(LayerFile file, byte[] bytes, NavigableMap<At, Value> contents) {}

    Sample delta(long seed) throws StorageException {
        NavigableMap<At, Value> contents = Layers.contents(new Random(seed), 12, LSNS, 5, 6000);
        LayerFile file = layers.writeDelta(KEYS, LSNS, contents);
        return new Sample(file, layers.bytes(file.path()), contents);
    }

    Sample image(long seed) throws StorageException {
        Random random = new Random(seed);
        ImageLayerName name = new ImageLayerName(KEYS, new Lsn(0x1200));
        TreeMap<At, Value> contents = new TreeMap<>();
        TreeMap<Key, byte[]> images = new TreeMap<>();
        for (int i = 0; i < 12; i++) {
            Value.Image image = Layers.image(random, random.nextInt(3000), true);
            contents.put(new At(Layers.key(7 * i), name.lsn()), image);
            images.put(Layers.key(7 * i), image.bytes());
        }
        LayerFile file = layers.writeImage(name, images, new BlobCompression.Zstd(1));
        return new Sample(file, layers.bytes(file.path()), contents);
    }

    /** The file without what Neon does not write; the index has the same offsets. */
    private static byte[] asNeonWrites(byte[] bytes) {
        byte[] neon = bytes.clone();
        Arrays.fill(neon, LayerChecksums.OFFSET_HEADER, Block.SIZE, (byte) 0);
        return neon;
    }

    enum Expectation {
        /** Verifying finds it, and no read gives anything else than what was written. */
        FOUND,
        /** It cannot be told from what somebody may have written. */
        NO_CRASH
    }

    /** Reads everything in every way: each read must give what was written or fail with the file's name and an offset in it. */
    boolean check(Sample sample, byte[] damaged, Expectation expectation, String what) throws StorageException {
        layers.replace(sample.file().path(), damaged);
        PersistentLayer layer = layers.open(sample.file());
        boolean found = false;
        try {
            NavigableMap<At, Value> all = Layers.all(layer.iterator(Layers.context()));
            if (expectation != Expectation.NO_CRASH) {
                assertThat(all).as(what).isEqualTo(sample.contents());
            }
        } catch (CorruptionException | DiskException e) {
            checkNames(sample, e, what);
            found = true;
        }
        ReconstructState state = new ReconstructState();
        try {
            layer.collect(KeySpace.of(KEYS), Lsn.INVALID, Lsn.MAX, state, Layers.context());
            for (Map.Entry<Key, ReconstructState.KeyState> entry : state.keys().entrySet()) {
                StorageException failure = entry.getValue().failure();
                if (failure != null) {
                    checkNames(sample, failure, what);
                    found = true;
                } else if (expectation != Expectation.NO_CRASH) {
                    for (ReconstructState.Version version : entry.getValue().versions()) {
                        assertThat(version.value())
                                .as(what)
                                .isEqualTo(sample.contents().get(new At(entry.getKey(), version.lsn())));
                    }
                }
            }
            if (expectation != Expectation.NO_CRASH) {
                assertThat(state.keys().keySet())
                        .as(what)
                        .containsExactlyInAnyOrderElementsOf(sample.contents().keySet().stream()
                                .map(At::key)
                                .distinct()
                                .toList());
            }
        } catch (CorruptionException | DiskException e) {
            checkNames(sample, e, what);
            found = true;
        }
        layer.retire();
        var report = new LayerVerifier(layers.io).verify(sample.file().path(), Layers.TENANT, Layers.context());
        report.damage().forEach(damage -> checkNames(sample, damage, what));
        if (expectation == Expectation.FOUND) {
            assertThat(report.isSound()).as("verified: " + what).isFalse();
        }
        return found;
    }

    private static void checkNames(Sample sample, StorageException e, String what) {
        String path = sample.file().path().toString();
        if (e instanceof CorruptionException corruption) {
            assertThat(corruption.resource()).as(what).isEqualTo(path);
            assertThat(corruption.offset()).as(what).isBetween(0L, Long.MAX_VALUE);
        } else {
            assertThat(e).as(what).hasMessageContaining(path);
        }
    }

    private void flip(Sample sample, int step, Expectation expectation) throws StorageException {
        byte[] sound = sample.bytes();
        for (int bit = 0; bit < 8 * sound.length; bit += step) {
            byte[] damaged = sound.clone();
            damaged[bit / 8] ^= (byte) (1 << bit % 8);
            check(sample, damaged, expectation, "bit " + bit % 8 + " of byte " + bit / 8 + " flipped");
        }
    }

    @Test
    void noFlippedBitIsOverlookedInADeltaLayer() throws StorageException {
        flip(delta(1), 331, Expectation.FOUND);
    }

    @Test
    void noFlippedBitIsOverlookedInAnImageLayer() throws StorageException {
        flip(image(1), 331, Expectation.FOUND);
    }

    @Test
    void noFlippedBitOfTheSummaryOrTheHeaderIsOverlooked() throws StorageException {
        for (Sample sample : new Sample[] {delta(2), image(2)}) {
            for (int bit = 0; bit < 8 * 170; bit += 3) {
                byte[] damaged = sample.bytes().clone();
                damaged[bit / 8] ^= (byte) (1 << bit % 8);
                assertThat(check(sample, damaged, Expectation.FOUND, "bit " + bit))
                        .as("bit %d", bit)
                        .isTrue();
            }
        }
    }

    @Test
    @Tag("long")
    void noFlippedBitIsOverlookedInMoreLayers() throws StorageException {
        for (long seed = 3; seed < 5; seed++) {
            newDisk();
            flip(delta(seed), 29, Expectation.FOUND);
            flip(image(seed), 29, Expectation.FOUND);
        }
    }

    @Test
    void aFlippedBitFailsOnlyTheKeysOfItsBlock() throws StorageException {
        TreeMap<At, Value> contents = new TreeMap<>();
        for (int i = 0; i < 40; i++) {
            contents.put(new At(Layers.key(i), new Lsn(0x1001)), Layers.image(new Random(i), 1000, false));
        }
        LayerFile file = layers.writeDelta(KEYS, LSNS, contents);
        byte[] damaged = layers.bytes(file.path());
        damaged[2 * Block.SIZE + 5] ^= 1;
        layers.replace(file.path(), damaged);
        ReconstructState state = new ReconstructState();
        layers.open(file).collect(KeySpace.of(KEYS), Lsn.INVALID, Lsn.MAX, state, Layers.context());
        int size = Layers.encoded(contents.firstEntry().getValue()).remaining() + 4;
        for (int i = 0; i < 40; i++) {
            long start = Block.SIZE + (long) i * size;
            boolean inBlock = start < 3 * Block.SIZE && start + size > 2 * Block.SIZE;
            ReconstructState.KeyState found = Layers.get(state.keys(), Layers.key(i));
            assertThat(found.failure() != null).as("key %d", i).isEqualTo(inBlock);
            if (!inBlock) {
                assertThat(found.versions()).hasSize(1);
            } else {
                assertThat(found.failure()).hasMessageStartingWith(file.path() + ":" + 2 * Block.SIZE + ": ");
            }
        }
    }

    @Test
    void aFileThatNeonWroteIsReadAndChangesOfItsStructureAreFound() throws StorageException {
        for (Sample sample : new Sample[] {delta(6), image(6)}) {
            byte[] neon = withoutTable(sample.bytes());
            layers.replace(sample.file().path(), neon);
            PersistentLayer layer =
                    layers.open(sample.file().path(), sample.file().fileName().name(), neon.length);
            assertThat(Layers.all(layer.iterator(Layers.context()))).isEqualTo(sample.contents());
            var report = new LayerVerifier(layers.io).verify(sample.file().path(), Layers.TENANT, Layers.context());
            assertThat(report.damage()).isEmpty();
            assertThat(report.protection()).isEqualTo(LayerReport.Protection.NONE);
            Sample asNeon = new Sample(sample.file(), neon, sample.contents());
            for (int bit = 0; bit < 8 * neon.length; bit += 331) {
                byte[] damaged = neon.clone();
                damaged[bit / 8] ^= (byte) (1 << bit % 8);
                check(asNeon, damaged, Expectation.NO_CRASH, "bit " + bit + " flipped in a file of Neon's");
            }
        }
    }

    /** As {@link #asNeonWrites}, and the index right behind the blobs. */
    static byte[] withoutTable(byte[] bytes) {
        ByteBuffer block = ByteBuffer.wrap(bytes).order(ByteOrder.BIG_ENDIAN);
        int tableStart = block.getInt(LayerChecksums.OFFSET_HEADER + 12);
        int at = block.getChar(0) == 0x5A61 ? 88 : 80;
        int indexStart = block.getInt(at);
        byte[] neon = asNeonWrites(bytes);
        ByteBuffer.wrap(neon).putInt(at, tableStart);
        byte[] whole = Arrays.copyOf(neon, neon.length - (indexStart - tableStart) * Block.SIZE);
        System.arraycopy(
                bytes, indexStart * Block.SIZE, whole, tableStart * Block.SIZE, bytes.length - indexStart * Block.SIZE);
        return whole;
    }

    @Test
    void aHeaderThatWasOverwrittenWithZerosIsFoundByVerifying() throws StorageException {
        for (Sample sample : new Sample[] {delta(7), image(7)}) {
            check(sample, asNeonWrites(sample.bytes()), Expectation.FOUND, "header zeroed");
        }
    }

    @Test
    void aTruncatedFileIsFoundAtEveryLength() throws StorageException {
        for (Sample sample : new Sample[] {delta(8), image(8)}) {
            for (byte[] whole : new byte[][] {sample.bytes(), withoutTable(sample.bytes())}) {
                Sample written = new Sample(sample.file(), whole, sample.contents());
                for (int length = 0; length < whole.length; length += length % Block.SIZE < 2 ? 1 : 2039) {
                    boolean found =
                            check(written, Arrays.copyOf(whole, length), Expectation.FOUND, "truncated to " + length);
                    assertThat(found).as("truncated to %d", length).isTrue();
                }
            }
        }
    }

    @Test
    void exchangedBlocksAreFound() throws StorageException {
        Sample sample = delta(9);
        int blocks = sample.bytes().length / Block.SIZE;
        if (blocks < 5) {
            fail("the sample is too small: " + blocks + " blocks");
        }
        for (int a = 1; a < blocks; a++) {
            for (int b = a + 1; b < blocks; b++) {
                byte[] damaged = sample.bytes().clone();
                System.arraycopy(sample.bytes(), a * Block.SIZE, damaged, b * Block.SIZE, Block.SIZE);
                System.arraycopy(sample.bytes(), b * Block.SIZE, damaged, a * Block.SIZE, Block.SIZE);
                check(sample, damaged, Expectation.FOUND, "blocks " + a + " and " + b + " exchanged");
            }
        }
    }
}
