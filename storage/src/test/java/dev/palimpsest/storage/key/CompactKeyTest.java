package dev.palimpsest.storage.key;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CompactKeyTest {
    private static final long SEED = 0x636F6D70;

    @Test
    void losesBitsOfTheGreatestKey() {
        CompactKey compact = CompactKey.of(Key.MAX);
        assertThat(compact).hasToString("7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF");
        assertThat(compact.toKey()).isEqualTo(Key.of(0x7F, 0xFFFF, -1, -1, 0xFF, -1));
    }

    @Test
    void squeezesTheTwoSpecialTablespaces() {
        assertThat(CompactKey.of(Key.of(0, 0xFFFF_FFFF, 1, 2, 3, 4)).toKey()).isEqualTo(Key.of(0, 0xFFFF, 1, 2, 3, 4));
        assertThat(CompactKey.of(Key.of(0, 0x2222_2222, 1, 2, 3, 4)).toKey()).isEqualTo(Key.of(0, 0x2222, 1, 2, 3, 4));
    }

    @ParameterizedTest
    @ValueSource(ints = {0x10000, 0x22222221, 0x22222223, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE})
    void hasNoRoomForOtherTablespaces(int spcNode) {
        Key key = Key.of(0, spcNode, 1, 2, 3, 4);
        assertThat(CompactKey.accepts(key)).isFalse();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> CompactKey.of(key))
                .withMessageContaining(Integer.toUnsignedString(spcNode));
    }

    @Test
    void isTheSumThatTheFormatSays() {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int i = 0; i < 10_000; i++) {
            Key any = KeyTest.anyKey(random);
            Key key = Key.of(
                    any.field1() & 0x7F, any.field2() & 0xFFFF, any.field3(), any.field4(), any.field5(), any.field6());
            BigInteger expected = unsigned(key.field1())
                    .shiftLeft(120)
                    .add(unsigned(key.field2()).shiftLeft(104))
                    .add(unsigned(key.field3()).shiftLeft(72))
                    .add(unsigned(key.field4()).shiftLeft(40))
                    .add(unsigned(key.field5()).shiftLeft(32))
                    .add(unsigned(key.field6()));
            CompactKey compact = CompactKey.of(key);
            assertThat(new BigInteger(compact.toString(), 16))
                    .as("%s, seed %x", key, SEED)
                    .isEqualTo(expected);
            assertThat(compact.toKey()).as("seed %x", SEED).isEqualTo(key);
            ByteBuffer bytes = ByteBuffer.allocate(CompactKey.SIZE);
            bytes.putLong(compact.high()).putLong(compact.low());
            assertThat(CompactKey.read(bytes, 0)).isEqualTo(compact);
            CompactKey least = CompactKey.of(Key.MIN);
            assertThat(compact.compareTo(least)).isEqualTo(compact.equals(least) ? 0 : 1);
        }
    }

    @Test
    void sortsAsKeysDo() {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int i = 0; i < 10_000; i++) {
            Key a = lossless(KeyTest.anyKey(random));
            Key b = lossless(KeyTest.anyKey(random));
            assertThat(Integer.signum(CompactKey.of(a).compareTo(CompactKey.of(b))))
                    .as("%s and %s, seed %x", a, b, SEED)
                    .isEqualTo(Integer.signum(a.compareTo(b)));
        }
    }

    @Test
    void hasNoBit127() {
        assertThatIllegalArgumentException().isThrownBy(() -> new CompactKey(Long.MIN_VALUE, 0));
    }

    private static Key lossless(Key key) {
        return Key.of(
                key.field1() & 0x7F, key.field2() & 0xFFFF, key.field3(), key.field4(), key.field5(), key.field6());
    }

    private static BigInteger unsigned(int field) {
        return BigInteger.valueOf(Integer.toUnsignedLong(field));
    }
}
