package dev.palimpsest.storage.key;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class KeyTest {
    private static final long SEED = 0x6B657973;
    private static final int RUNS = 20_000;
    private static final int[] EDGES = {
        0, 1, 2, 0x7F, 0x80, 0xFF, 0x100, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, -2, -1
    };

    @Test
    void placesEachFieldWhereTheFormatSays() {
        Key key = Key.of(0x01, 0x11121314, 0x21222324, 0x31323334, 0x41, 0x51525354);
        assertThat(key).hasToString("011112131421222324313233344151525354");
        assertThat(key.field1()).isEqualTo(0x01);
        assertThat(key.field2()).isEqualTo(0x11121314);
        assertThat(key.field3()).isEqualTo(0x21222324);
        assertThat(key.field4()).isEqualTo(0x31323334);
        assertThat(key.field5()).isEqualTo(0x41);
        assertThat(key.field6()).isEqualTo(0x51525354);
    }

    @Test
    void ignoresTheUpperBitsOfTheByteFields() {
        assertThat(Key.of(0x1FF, 0, 0, 0, 0x1FE, 0)).isEqualTo(Key.of(0xFF, 0, 0, 0, 0xFE, 0));
    }

    @Test
    void survivesBytesTextAndFields() {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int i = 0; i < RUNS; i++) {
            Key key = anyKey(random);
            ByteBuffer bytes = ByteBuffer.allocate(Key.SIZE + 5).position(3);
            key.write(bytes);
            assertThat(bytes.position()).as("seed %x", SEED).isEqualTo(3 + Key.SIZE);
            assertThat(Key.read(bytes, 3)).as("seed %x", SEED).isEqualTo(key);
            assertThat(Key.parse(key.toString())).isEqualTo(key);
            assertThat(Key.of(key.field1(), key.field2(), key.field3(), key.field4(), key.field5(), key.field6()))
                    .isEqualTo(key);
        }
    }

    @Test
    void sortsAsItsBytesAndAsItsFields() {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int i = 0; i < RUNS; i++) {
            Key a = anyKey(random);
            Key b = random.nextBoolean() ? anyKey(random) : neighbour(a, random);
            int byBytes = Integer.signum(Arrays.compareUnsigned(bytes(a), bytes(b)));
            assertThat(Integer.signum(a.compareTo(b)))
                    .as("%s and %s, seed %x", a, b, SEED)
                    .isEqualTo(byBytes);
            assertThat(Integer.signum(byFields(a, b)))
                    .as("%s and %s, seed %x", a, b, SEED)
                    .isEqualTo(byBytes);
            assertThat(a.equals(b)).isEqualTo(byBytes == 0);
        }
    }

    @Test
    void addsAsIntegersDo() {
        SplittableRandom random = new SplittableRandom(SEED);
        BigInteger most = number(Key.MAX);
        for (int i = 0; i < RUNS; i++) {
            Key key = anyKey(random);
            long count = random.nextBoolean() ? random.nextInt(3) : random.nextLong() >>> (1 + random.nextInt(62));
            BigInteger sum = number(key).add(BigInteger.valueOf(count));
            if (sum.compareTo(most) > 0) {
                assertThatThrownBy(() -> key.plus(count)).isInstanceOf(ArithmeticException.class);
            } else {
                assertThat(number(key.plus(count)))
                        .as("%s + %d, seed %x", key, count, SEED)
                        .isEqualTo(sum);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "010000000200000003000000040500000006, 010000000200000003000000040500000007",
        "01000000020000000300000004050000FFFF, 010000000200000003000000040500010000",
        "0100000002000000030000000405FFFFFFFF, 010000000200000003000000040600000000",
        "01000000020000000300000004FFFFFFFFFF, 010000000200000003000000050000000000",
        "010000000200000003FFFFFFFFFFFFFFFFFF, 010000000200000004000000000000000000",
        "0100000002FFFFFFFFFFFFFFFFFFFFFFFFFF, 010000000300000000000000000000000000",
        "010000FFFFFFFFFFFFFFFFFFFFFFFFFFFFFF, 010001000000000000000000000000000000",
        "01FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF, 020000000000000000000000000000000000",
        "7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF, 800000000000000000000000000000000000",
        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFE, FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
    })
    void carriesThroughEveryField(String key, String next) {
        assertThat(Key.parse(key).next()).hasToString(next);
    }

    @Test
    void nothingFollowsTheGreatestKey() {
        assertThatThrownBy(Key.MAX::next)
                .isInstanceOf(ArithmeticException.class)
                .hasMessageContaining("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF");
        assertThat(Key.MAX.plus(0)).isEqualTo(Key.MAX);
        assertThatIllegalArgumentException().isThrownBy(() -> Key.MIN.plus(-1));
    }

    @Test
    void leastAndGreatest() {
        assertThat(Key.MIN).hasToString("00".repeat(18));
        assertThat(Key.MAX).hasToString("FF".repeat(18));
        assertThat(Key.MIN).isLessThan(Key.MAX);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "0",
                "01000000020000000300000004050000000",
                "0100000002000000030000000405000000066",
                "0x00000002000000030000000405000000FF",
                "01000000020000000300000004050000000g",
                "01 0000002000000030000000405 0000006",
                "-10000000200000003000000040500000006",
                "\u0660\u0661000000020000000300000004050000ABCD",
            })
    void refusesWhatIsNotAKey(String text) {
        assertThatIllegalArgumentException().isThrownBy(() -> Key.parse(text)).withMessageContaining(text);
    }

    @Test
    void readsLowercaseDigits() {
        assertThat(Key.parse("abcdefabcdefabcdefabcdefabcdefabcdef")).hasToString("ABCDEF".repeat(6));
    }

    static Key anyKey(SplittableRandom random) {
        return Key.of(field(random), field(random), field(random), field(random), field(random), field(random));
    }

    private static int field(SplittableRandom random) {
        return random.nextInt(3) == 0 ? random.nextInt() : EDGES[random.nextInt(EDGES.length)];
    }

    private static Key neighbour(Key key, SplittableRandom random) {
        return random.nextBoolean() || key.equals(Key.MAX) ? key : key.next();
    }

    private static byte[] bytes(Key key) {
        ByteBuffer bytes = ByteBuffer.allocate(Key.SIZE);
        key.write(bytes);
        return bytes.array();
    }

    static BigInteger number(Key key) {
        return new BigInteger(1, bytes(key));
    }

    private static int byFields(Key a, Key b) {
        int[] orders = {
            Integer.compare(a.field1(), b.field1()),
            Integer.compareUnsigned(a.field2(), b.field2()),
            Integer.compareUnsigned(a.field3(), b.field3()),
            Integer.compareUnsigned(a.field4(), b.field4()),
            Integer.compare(a.field5(), b.field5()),
            Integer.compareUnsigned(a.field6(), b.field6()),
        };
        return Arrays.stream(orders).filter(order -> order != 0).findFirst().orElse(0);
    }
}
