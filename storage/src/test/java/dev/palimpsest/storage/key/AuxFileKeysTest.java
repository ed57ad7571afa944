package dev.palimpsest.storage.key;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigInteger;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AuxFileKeysTest {
    private static final BigInteger PRIME = BigInteger.TWO.pow(88).add(BigInteger.valueOf(0x13B));

    @ParameterizedTest
    @CsvSource({
        "'', 144066263297769815596495629667062367629",
        "test1, 265160408618497461376862998434862070044",
        "test/test2, 295486155126299629456360817749600553988",
    })
    void hashesAsTheReferenceDoes(String text, BigInteger expected) {
        assertThat(number(AuxFileKeys.Hash.of(text.getBytes(UTF_8)))).isEqualTo(expected);
    }

    @Test
    void hashesAsTheDefinitionSays() {
        byte[] bytes = new byte[300];
        BigInteger expected = number(AuxFileKeys.Hash.of(new byte[0]));
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (i * 7);
            expected = expected.xor(BigInteger.valueOf(bytes[i] & 0xFF))
                    .multiply(PRIME)
                    .mod(BigInteger.TWO.pow(128));
        }
        assertThat(number(AuxFileKeys.Hash.of(bytes))).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({
        "pg_logical/mappings/test1, 62000001017F8B83D94F7081693471ABF91C",
        "pg_logical/snapshots/test2, 62000001027F8E83D94F7081693471ABFCCD",
        "pg_logical/replorigin_checkpoint, 62000001032E07BB014262B821756295C58D",
        "pg_logical/unsupported, 62000001FF4F38E1C74754E7D03C1A660178",
        "pg_replslot/test3, 62000002017F8D83D94F7081693471ABFB92",
        "other_file_not_supported, 620000FFFF2B6ECC8AEF93F643DC44F15E03",
    })
    void givesTheKeysOfTheReference(String path, String key) {
        assertThat(AuxFileKeys.file(path)).hasToString(key);
        assertThat(AuxFileKeys.ALL.contains(AuxFileKeys.file(path))).isTrue();
    }

    @Test
    void directoriesAreTakenByTheirWholePrefix() {
        assertThat(AuxFileKeys.file("pg_stat/pgstat.stat").field2()).isEqualTo(0x0301);
        assertThat(AuxFileKeys.file("pg_stat").field2()).isEqualTo(0xFFFF);
        assertThat(AuxFileKeys.file("pg_logical/replorigin_checkpoint.tmp").field2())
                .isEqualTo(0x01FF);
        assertThat(AuxFileKeys.file("pg_logical/mappings").field2()).isEqualTo(0x01FF);
        assertThat(AuxFileKeys.file("").field2()).isEqualTo(0xFFFF);
    }

    @Test
    void hashesTheBytesOfUtf8() {
        byte[] bytes = "fu\u00DF".getBytes(UTF_8);
        String hash = String.format(Locale.ROOT, "%032X", number(AuxFileKeys.Hash.of(bytes)));
        assertThat(AuxFileKeys.file("fu\u00DF").toString()).endsWith(hash.substring(6));
    }

    private static BigInteger number(AuxFileKeys.Hash hash) {
        return new BigInteger(Long.toUnsignedString(hash.high()))
                .shiftLeft(64)
                .add(new BigInteger(Long.toUnsignedString(hash.low())));
    }
}
