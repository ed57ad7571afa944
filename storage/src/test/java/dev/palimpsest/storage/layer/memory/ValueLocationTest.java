package dev.palimpsest.storage.layer.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ValueLocationTest {
    @Test
    void everyFieldHoldsItsExtremes() {
        for (long position : new long[] {0, 1, (1L << 35) - 2, (1L << 35) - 1}) {
            for (int length : new int[] {0, 1, 127, 128, 0x0FFFFFFE, 0x0FFFFFFF}) {
                for (boolean willInit : new boolean[] {false, true}) {
                    assertUnpacks(position, length, willInit);
                }
            }
        }
    }

    @Test
    void randomFieldsComeBack() {
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < 100_000; i++) {
            assertUnpacks(random.nextLong(1L << 35), random.nextInt(1 << 28), random.nextBoolean());
        }
    }

    private static void assertUnpacks(long position, int length, boolean willInit) {
        long location = ValueLocation.pack(position, length, willInit);
        assertThat(ValueLocation.position(location)).isEqualTo(position);
        assertThat(ValueLocation.length(location)).isEqualTo(length);
        assertThat(ValueLocation.willInit(location)).isEqualTo(willInit);
        int header = length < 128 ? 1 : 4;
        assertThat(ValueLocation.blobLength(location)).isEqualTo(header + length);
        assertThat(ValueLocation.end(location)).isEqualTo(position + header + length);
    }

    @Test
    void theLayoutIsThatOfNeon() {
        assertThat(ValueLocation.pack(1, 0, false)).isEqualTo(1L << 29);
        assertThat(ValueLocation.pack(0, 1, false)).isEqualTo(2);
        assertThat(ValueLocation.pack(0, 0, true)).isEqualTo(1);
        assertThat(ValueLocation.pack((1L << 35) - 1, 0x0FFFFFFF, true)).isEqualTo(-1L);
    }

    @Test
    void whatDoesNotFitIsRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> ValueLocation.pack(1L << 35, 0, false));
        assertThatIllegalArgumentException().isThrownBy(() -> ValueLocation.pack(-1, 0, false));
        assertThatIllegalArgumentException().isThrownBy(() -> ValueLocation.pack(0, 1 << 28, false));
        assertThatIllegalArgumentException().isThrownBy(() -> ValueLocation.pack(0, -1, false));
    }

    @Test
    void shiftingMovesThePositionOnly() {
        long shifted = ValueLocation.shift(ValueLocation.pack(5, 0x0FFFFFFF, true), (1L << 35) - 6);
        assertThat(shifted).isEqualTo(ValueLocation.pack((1L << 35) - 1, 0x0FFFFFFF, true));
    }
}
