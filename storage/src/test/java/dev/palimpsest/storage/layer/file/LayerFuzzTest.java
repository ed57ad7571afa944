package dev.palimpsest.storage.layer.file;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.layer.file.LayerDamageTest.Expectation;
import dev.palimpsest.storage.layer.file.LayerDamageTest.Sample;
import org.junit.jupiter.api.Tag;

/**
 * Changes of layer files that cover ever more of their readers. The files are as Neon writes them: with our checksums nearly
 * every change would end at the first look.
 */
@Tag("fuzz")
class LayerFuzzTest {
    @FuzzTest(maxDuration = "60s")
    void aChangedDeltaLayerIsReadOrDamaged(byte[] changes) throws StorageException {
        LayerDamageTest layers = new LayerDamageTest();
        layers.newDisk();
        read(layers, layers.delta(1), changes);
    }

    @FuzzTest(maxDuration = "60s")
    void aChangedImageLayerIsReadOrDamaged(byte[] changes) throws StorageException {
        LayerDamageTest layers = new LayerDamageTest();
        layers.newDisk();
        read(layers, layers.image(1), changes);
    }

    /** Each change is an offset of three bytes and what the byte there becomes. */
    private static void read(LayerDamageTest layers, Sample sample, byte[] changes) throws StorageException {
        byte[] neon = LayerDamageTest.withoutTable(sample.bytes());
        for (int i = 0; i + 3 < changes.length; i += 4) {
            int at = ((changes[i] & 0xFF) << 16 | (changes[i + 1] & 0xFF) << 8 | (changes[i + 2] & 0xFF)) % neon.length;
            neon[at] = changes[i + 3];
        }
        layers.check(new Sample(sample.file(), neon, sample.contents()), neon, Expectation.NO_CRASH, "fuzzed");
    }
}
