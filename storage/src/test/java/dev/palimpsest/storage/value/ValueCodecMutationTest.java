package dev.palimpsest.storage.value;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ValueCodecMutationTest {
    private static final long SEED = 0x6D757461;
    private static final int VALUES = 200;

    @Test
    void everyTruncationIsCorruption() {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int i = 0; i < VALUES; i++) {
            Value value = Values.any(i % Values.KINDS, random);
            byte[] bytes = encode(value);
            for (int length = 0; length < bytes.length; length++) {
                byte[] shorter = Arrays.copyOf(bytes, length);
                assertThat(ValueCodecProbe.decodes(shorter))
                        .as("%s cut to %d bytes, seed %x", value, length, SEED)
                        .isFalse();
            }
            assertThat(ValueCodecProbe.decodes(Arrays.copyOf(bytes, bytes.length + 1)))
                    .as("%s with a byte more, seed %x", value, SEED)
                    .isFalse();
        }
    }

    @Test
    void flippedBitsDecodeOrAreCorruption() {
        SplittableRandom random = new SplittableRandom(SEED);
        int decoded = 0;
        for (int i = 0; i < VALUES; i++) {
            byte[] bytes = encode(Values.any(i % Values.KINDS, random));
            for (int bit = 0; bit < bytes.length * 8; bit++) {
                bytes[bit / 8] ^= (byte) (1 << bit % 8);
                decoded += ValueCodecProbe.decodes(bytes) ? 1 : 0;
                bytes[bit / 8] ^= (byte) (1 << bit % 8);
            }
        }
        assertThat(decoded).as("seed %x", SEED).isPositive();
    }

    @Test
    void noiseDecodesOrIsCorruption() {
        SplittableRandom random = new SplittableRandom(SEED);
        int decoded = 0;
        for (int i = 0; i < 40_000; i++) {
            byte[] bytes = new byte[random.nextInt(40)];
            random.nextBytes(bytes);
            for (int at = 0; at < Math.min(16, bytes.length); at++) {
                bytes[at] = random.nextInt(4) == 0 ? (byte) random.nextInt(12) : 0;
            }
            decoded += ValueCodecProbe.decodes(bytes) ? 1 : 0;
        }
        assertThat(decoded).as("seed %x", SEED).isPositive();
    }

    private static byte[] encode(Value value) {
        ByteBuffer target = ByteBuffer.allocate(ValueCodec.encodedSize(value));
        ValueCodec.encode(value, target);
        return target.array();
    }
}
