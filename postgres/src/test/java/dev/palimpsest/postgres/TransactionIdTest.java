package dev.palimpsest.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TransactionIdTest {
    @Test
    void normalIdsCompareOnACircle() {
        assertThat(TransactionId.precedes(5, 6)).isTrue();
        assertThat(TransactionId.precedes(6, 5)).isFalse();
        assertThat(TransactionId.precedes(-10, 5)).as("before the wraparound").isTrue();
        assertThat(TransactionId.precedes(5, -10)).isFalse();
        assertThat(TransactionId.precedes(TransactionId.FROZEN, -10)).isTrue();
        assertThat(TransactionId.precedes(-10, TransactionId.FROZEN)).isFalse();
        assertThat(TransactionId.precedes(0, 2)).isTrue();
        assertThat(TransactionId.multiPrecedes(-10, 1)).isTrue();
    }

    @Test
    void theNextOneLeavesOutTheSpecialOnes() {
        assertThat(TransactionId.next(-1)).isEqualTo(3);
        assertThat(TransactionId.next(7)).isEqualTo(8);
        assertThat(TransactionId.toString(-1)).isEqualTo("4294967295");
    }

    @Test
    void wideningFindsTheNearestEpoch() {
        long near = 5L << 32 | 10;
        assertThat(TransactionId.widen(12, near)).isEqualTo(5L << 32 | 12);
        assertThat(TransactionId.widen(-3, near)).isEqualTo(4L << 32 | 0xFFFFFFFDL);
        assertThat(TransactionId.widen(4, 4L << 32 | 0xFFFFFFFDL)).isEqualTo(5L << 32 | 4);
        assertThat(TransactionId.widen(2, near)).isEqualTo(2);
        assertThat(TransactionId.widen(-3, 10))
                .as("there is no epoch before the first")
                .isEqualTo(0xFFFFFFFDL);
    }

    @Test
    void timestampsCountFrom2000() {
        assertThat(new TimestampTz(0)).hasToString("2000-01-01T00:00:00Z");
        assertThat(new TimestampTz(-1)).hasToString("1999-12-31T23:59:59.999999Z");
        assertThat(new TimestampTz(Long.MAX_VALUE)).hasToString("infinity");
    }
}
