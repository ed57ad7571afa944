package dev.palimpsest.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LsnTest {
    private static final long SEED = 0x6C736E;
    private static final int RUNS = 20_000;

    @ParameterizedTest
    @CsvSource({
        "0/16960E8, 00000000016960E8, 23683304",
        "0/0, 0000000000000000, 0",
        "0/1, 0000000000000001, 1",
        "1/0, 0000000100000000, 4294967296",
        "A/F00, 0000000A00000F00, 42949676800",
        "7FFFFFFF/FFFFFFFF, 7FFFFFFFFFFFFFFF, 9223372036854775807",
        "80000000/0, 8000000000000000, 9223372036854775808",
        "FFFFFFFF/FFFFFFFF, FFFFFFFFFFFFFFFF, 18446744073709551615",
    })
    void hasThreeForms(String text, String hex, String decimal) {
        Lsn lsn = new Lsn(Long.parseUnsignedLong(decimal));
        assertThat(lsn).hasToString(text);
        assertThat(lsn.toHex()).isEqualTo(hex);
        assertThat(Lsn.parse(text)).isEqualTo(lsn);
        assertThat(Lsn.parseHex(hex)).isEqualTo(lsn);
    }

    @Test
    void readsPaddedAndLowercaseDigits() {
        assertThat(Lsn.parse("00000000/016960e8")).isEqualTo(new Lsn(0x16960E8));
        assertThat(Lsn.parseHex("00000000016960e8")).isEqualTo(new Lsn(0x16960E8));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "/",
                "0",
                "0/",
                "/0",
                "0/0/0",
                "0//0",
                " 0/0",
                "0/0 ",
                "0/-1",
                "+1/0",
                "0x1/0",
                "0/G",
                "0/100000000",
                "100000000/0",
                "\u0660/0",
                "0/\uFF11"
            })
    void refusesWhatIsNotAnLsn(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Lsn.parse(text))
                .withMessageContaining("\"" + text + "\"");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "0/16960E8",
                "00000000016960E",
                "000000000016960E8",
                "00000000016960EG",
                "0000000\uFF1116960E8"
            })
    void refusesWhatIsNotSixteenDigits(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Lsn.parseHex(text))
                .withMessageContaining("\"" + text + "\"");
    }

    @Test
    void countsAsUnsignedIntegersDo() {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int i = 0; i < RUNS; i++) {
            Lsn a = any(random);
            Lsn b = any(random);
            int order = number(a).compareTo(number(b));
            assertThat(Integer.signum(a.compareTo(b)))
                    .as("%s and %s, seed %x", a, b, SEED)
                    .isEqualTo(order);
            assertThat(a.isBefore(b)).isEqualTo(order < 0);
            assertThat(a.isAfter(b)).isEqualTo(order > 0);
            assertThat(Lsn.min(a, b)).isEqualTo(order <= 0 ? a : b);
            assertThat(Lsn.max(a, b)).isEqualTo(order >= 0 ? a : b);
            if (order >= 0) {
                BigInteger distance = number(a).subtract(number(b));
                assertThat(a.bytesSince(b)).isEqualTo(distance.longValue());
                assertThat(b.plus(distance.longValue())).isEqualTo(a);
                assertThat(a.minus(distance.longValue())).isEqualTo(b);
            }
            assertThat(Lsn.parse(a.toString())).isEqualTo(a);
            assertThat(Lsn.parseHex(a.toHex())).isEqualTo(a);
        }
    }

    @Test
    void refusesToLeaveItsRange() {
        assertThatThrownBy(() -> Lsn.MAX.plus(1)).isInstanceOf(ArithmeticException.class);
        assertThatThrownBy(() -> new Lsn(2).plus(-1L)).isInstanceOf(ArithmeticException.class);
        assertThatThrownBy(() -> new Lsn(7).minus(8)).isInstanceOf(ArithmeticException.class);
        assertThat(Lsn.MAX.minus(-1L)).isEqualTo(Lsn.INVALID);
        assertThat(Lsn.INVALID.plus(-1L)).isEqualTo(Lsn.MAX);
    }

    @Test
    void knowsWhereRecordsMayStart() {
        assertThat(new Lsn(0x16960E8).isAligned()).isTrue();
        assertThat(new Lsn(0x16960E9).isAligned()).isFalse();
        assertThat(new Lsn(0x16960E4).isAligned()).isFalse();
        assertThat(Lsn.INVALID.isValid()).isFalse();
        assertThat(new Lsn(1).isValid()).isTrue();
    }

    private static Lsn any(SplittableRandom random) {
        return new Lsn(random.nextLong() >>> random.nextInt(64));
    }

    private static BigInteger number(Lsn lsn) {
        return new BigInteger(Long.toUnsignedString(lsn.value()));
    }
}
