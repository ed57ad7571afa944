package dev.palimpsest.postgres.datadir;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import java.util.HexFormat;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The bytes are those that the reference of Neon's base backup gives, field by field. */
class ContinuedWalTest {
    private static final long SYSTEM = 0x6A1B2C3D4E5F6071L;
    private static final int SEGMENT = 16 << 20;

    private static ContinuedWal at(String lsn, PostgresVersion version) {
        return ContinuedWal.at(Lsn.parse(lsn), version, SYSTEM, 1, SEGMENT);
    }

    private static String header(ContinuedWal wal, int at) {
        return hex(Objects.requireNonNull(wal.headers().get(at)));
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    @ParameterizedTest
    @CsvSource({"V14, 0dd1", "V15, 10d1", "V16, 13d1", "V17, 16d1", "V18, 18d1"})
    void aPageInTheMiddleContinuesARecord(PostgresVersion version, String magic) {
        ContinuedWal wal = at("0/16B5A50", version);
        assertThat(wal.segment().fileName()).isEqualTo("000000010000000000000001");
        assertThat(wal.headers()).containsOnlyKeys(0, 0x6B4000);
        assertThat(header(wal, 0))
                .isEqualTo(magic + "0200" + "01000000" + "0000000100000000" + "00000000" + "00000000"
                        + "71605f4e3d2c1b6a" + "00000001" + "00200000");
        assertThat(header(wal, 0x6B4000))
                .isEqualTo(magic + "0100" + "01000000" + "00406b0100000000" + "381a0000" + "00000000");
        byte[] beginning = wal.beginning();
        assertThat(beginning).hasSize(0x6B4000 + 24);
        assertThat(hex(beginning)).endsWith(header(wal, 0x6B4000));
        assertThat(hex(beginning)).startsWith(header(wal, 0) + "0000000000000000");
    }

    @Test
    void inTheFirstPageTheLongHeaderSaysWhatGoesOn() {
        ContinuedWal wal = at("0/1000100", PostgresVersion.V16);
        assertThat(hex(wal.beginning()))
                .isEqualTo("13d1" + "0300" + "01000000" + "0000000100000000" + "d8000000" + "00000000"
                        + "71605f4e3d2c1b6a" + "00000001" + "00200000");
    }

    @Test
    void whereAPageBeginsNothingGoesOn() {
        assertThat(header(at("0/1002000", PostgresVersion.V16), 0x2000))
                .isEqualTo("13d1" + "0000" + "01000000" + "0020000100000000" + "00000000" + "00000000");
        assertThat(hex(at("0/2000000", PostgresVersion.V16).beginning()))
                .startsWith("13d1" + "0200" + "01000000" + "0000000200000000" + "00000000");
    }

    @ParameterizedTest
    @CsvSource({
        "0/16B5A50, 0/16B5A50",
        "0/16B5A51, 0/16B5A58",
        "0/16B6000, 0/16B6018",
        "0/16B5FF9, 0/16B6018",
        "0/2000000, 0/2000028",
        "1/0, 1/28"
    })
    void aRecordBeginsBehindTheHeader(String lsn, String start) {
        assertThat(ContinuedWal.recordStart(Lsn.parse(lsn), SEGMENT)).isEqualTo(Lsn.parse(start));
    }
}
