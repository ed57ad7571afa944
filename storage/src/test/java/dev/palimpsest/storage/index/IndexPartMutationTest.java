package dev.palimpsest.storage.index;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.storage.CorruptionException;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class IndexPartMutationTest {
    private static final long SEED = 0x696E6465;

    @Test
    void truncationIsCorruption() {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int version = 1; version <= IndexPartCodec.VERSION; version++) {
            byte[] bytes = IndexPartCodecTest.file(version);
            for (int length = 0; length < bytes.length; length += 1 + random.nextInt(24)) {
                if (decodes(Arrays.copyOf(bytes, length), "version " + version + " cut to " + length)) {
                    throw new AssertionError("version " + version + " cut to " + length + " bytes was read");
                }
            }
        }
    }

    @Test
    void flippedBitsDecodeOrAreCorruption() {
        SplittableRandom random = new SplittableRandom(SEED);
        int decoded = 0;
        for (int version = 1; version <= IndexPartCodec.VERSION; version++) {
            byte[] bytes = IndexPartCodecTest.file(version);
            for (int bit = 0; bit < bytes.length * 8; bit += 1 + random.nextInt(40)) {
                bytes[bit / 8] ^= (byte) (1 << bit % 8);
                decoded += decodes(bytes, "version " + version + " with bit " + bit + " flipped") ? 1 : 0;
                bytes[bit / 8] ^= (byte) (1 << bit % 8);
            }
        }
        assertThat(decoded).isPositive();
    }

    @Test
    void shuffledPiecesDecodeOrAreCorruption() {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int run = 0; run < 1_500; run++) {
            byte[] bytes = IndexPartCodecTest.file(1 + random.nextInt(IndexPartCodec.VERSION));
            for (int i = 1 + random.nextInt(3); i > 0; i--) {
                int length = random.nextInt(12);
                int from = random.nextInt(bytes.length - length);
                int to = random.nextInt(bytes.length - length);
                System.arraycopy(bytes, from, bytes, to, length);
            }
            decodes(bytes, "run " + run + " of seed " + SEED);
        }
    }

    /** Fails unless the codec answers by an index part, which it can write and read again, or by a corruption. */
    static boolean decodes(byte[] bytes, String what) {
        try {
            IndexPart index = IndexPartCodec.decode(bytes, what);
            if (!IndexPartCodec.decode(IndexPartCodec.encode(index), what).equals(index)) {
                throw new AssertionError(what + " changed when it was written and read again");
            }
            return true;
        } catch (CorruptionException e) {
            assertThat(e.offset()).as(what).isBetween(0L, (long) bytes.length);
            return false;
        } catch (RuntimeException e) {
            throw new AssertionError(what, e);
        }
    }
}
