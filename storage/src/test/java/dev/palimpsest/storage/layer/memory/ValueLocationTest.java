package dev.palimpsest.storage.layer.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ValueLocationTest {
    @Test
    void everyFieldHoldsItsExtremes() {
        for (long position : new long[] {0, 1, (1L << 34) - 2, (1L << 34) - 1}) {
            for (int length : new int[] {0, 1, 110, 111, 127, 128, 0x0FFFFFED, 0x0FFFFFEE, 0x0FFFFFFE, 0x0FFFFFFF}) {
                for (boolean willInit : new boolean[] {false, true}) {
                    assertUnpacks(position, length, false, willInit);
                    if (length <= 0x0FFFFFEE) {
                        assertUnpacks(position, length, true, willInit);
                    }
                }
            }
        }
    }

    @Test
    void randomFieldsComeBack() {
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < 100_000; i++) {
            assertUnpacks(
                    random.nextLong(1L << 34),
                    random.nextInt((1 << 28) - 17),
                    random.nextBoolean(),
                    random.nextBoolean());
        }
    }

    private static void assertUnpacks(long position, int length, boolean isBare, boolean willInit) {
        long location = ValueLocation.pack(position, length, isBare, willInit);
        assertThat(ValueLocation.position(location)).isEqualTo(position);
        assertThat(ValueLocation.length(location)).isEqualTo(length);
        assertThat(ValueLocation.isBare(location)).isEqualTo(isBare);
        assertThat(ValueLocation.willInit(location)).isEqualTo(willInit);
        assertThat(ValueLocation.shape(location))
                .isEqualTo(ValueLocation.shape(ValueLocation.pack(0, length, isBare, willInit)));
        assertThat(ValueLocation.storedLength(location)).isEqualTo(4 + length);
        assertThat(ValueLocation.end(location)).isEqualTo(position + 4 + length);
        int encoded = isBare ? 17 + length : length;
        assertThat(ValueLocation.encodedLength(location)).isEqualTo(encoded);
        assertThat(ValueLocation.blobLength(location)).isEqualTo((encoded < 128 ? 1 : 4) + encoded);
    }

    @Test
    void everyBitHasItsMeaning() {
        assertThat(ValueLocation.pack(1, 0, false, false)).isEqualTo(1L << 30);
        assertThat(ValueLocation.pack(0, 1, false, false)).isEqualTo(4);
        assertThat(ValueLocation.pack(0, 0, true, false)).isEqualTo(2);
        assertThat(ValueLocation.pack(0, 0, false, true)).isEqualTo(1);
        assertThat(ValueLocation.pack((1L << 34) - 1, 0x0FFFFFFF, false, true)).isEqualTo(-3L);
    }

    @Test
    void whatDoesNotFitIsRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> ValueLocation.pack(1L << 34, 0, false, false));
        assertThatIllegalArgumentException().isThrownBy(() -> ValueLocation.pack(-1, 0, false, false));
        assertThatIllegalArgumentException().isThrownBy(() -> ValueLocation.pack(0, 1 << 28, false, false));
        assertThatIllegalArgumentException().isThrownBy(() -> ValueLocation.pack(0, (1 << 28) - 17, true, false));
        assertThatIllegalArgumentException().isThrownBy(() -> ValueLocation.pack(0, -1, false, false));
    }

    @Test
    void shiftingMovesThePositionOnly() {
        long shifted = ValueLocation.shift(ValueLocation.pack(5, 0x0FFFFFFF, false, true), (1L << 34) - 6);
        assertThat(shifted).isEqualTo(ValueLocation.pack((1L << 34) - 1, 0x0FFFFFFF, false, true));
    }
}
