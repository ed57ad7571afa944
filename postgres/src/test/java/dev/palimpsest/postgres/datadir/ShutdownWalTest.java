package dev.palimpsest.postgres.datadir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.control.CheckPoint;
import dev.palimpsest.postgres.control.WalLevel;
import dev.palimpsest.postgres.wal.WalRecord;
import dev.palimpsest.postgres.wal.WalSegment;
import dev.palimpsest.postgres.wal.WalStreamDecoder;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class ShutdownWalTest {
    private static final int MIB = 1 << 20;
    private static final long SYSTEM_ID = 0x6A1B2C3D4E5F6071L;

    private static CheckPoint checkPoint(Lsn redo, int timeline, @Nullable WalLevel level) {
        return new CheckPoint(redo, timeline, timeline, 1, level, 1000, 16384, 1, 0, 731, 1, 1, 1, 0, 0, 0, 0);
    }

    /** Checksums that real servers computed for this very record. */
    @Test
    void hasTheChecksumsOfRealServers() {
        WalSegment segment = new WalSegment(1, 1, 16 * MIB);
        Lsn lsn = Lsn.parse("0/1000028");
        assertThat(ShutdownWal.lsnIn(segment)).isEqualTo(lsn);
        ShutdownWal old = ShutdownWal.of(PostgresVersion.V16, SYSTEM_ID, segment, checkPoint(lsn, 1, null));
        assertThat(LittleEndian.i32(old.firstPage(), 60)).isEqualTo(0x55E82B46);
        ShutdownWal recent =
                ShutdownWal.of(PostgresVersion.V17, SYSTEM_ID, segment, checkPoint(lsn, 1, WalLevel.REPLICA));
        assertThat(LittleEndian.i32(recent.firstPage(), 60)).isEqualTo(0x52FDE515);
        assertThat(recent.end()).isEqualTo(Lsn.parse("0/10000A0"));
        assertThat(recent.segment().fileName()).isEqualTo("000000010000000000000001");
    }

    @ParameterizedTest
    @EnumSource(PostgresVersion.class)
    void isReadBackByTheDecoder(PostgresVersion version) throws Exception {
        WalSegment segment = new WalSegment(0x89ABCDEF, (3L << 32) / MIB + 7, MIB);
        WalLevel level = version.isAtLeast(PostgresVersion.V17) ? WalLevel.LOGICAL : null;
        CheckPoint checkPoint = checkPoint(ShutdownWal.lsnIn(segment), 0x89ABCDEF, level);
        ShutdownWal wal = ShutdownWal.of(version, SYSTEM_ID, segment, checkPoint);
        WalStreamDecoder decoder = new WalStreamDecoder(version, MIB, -1, segment.start());
        decoder.feed(wal.firstPage(), 0, 8192);
        assertThat(decoder.next()).isTrue();
        WalRecord record = decoder.record();
        assertThat(record.startLsn()).isEqualTo(wal.lsn().value());
        assertThat(record.endLsn()).isEqualTo(wal.end().value());
        byte[] data = record.mainData().copy(0, CheckPoint.SIZE);
        assertThat(CheckPoint.decode(version, data, 0)).isEqualTo(checkPoint);
    }

    @ParameterizedTest
    @CsvSource({
        "0/1000028, 16, 0/2000000",
        "0/2000000, 16, 0/2000000",
        "0/2000008, 16, 0/3000000",
        "0/FFFFFFF8, 1, 1/0",
        "2/40000000, 1024, 2/40000000",
        "2/40000008, 1024, 2/80000000",
        "FFFFFFFE/FFFFFFF8, 1024, FFFFFFFF/0"
    })
    void beginsWithTheNextSegment(String lsn, int mebibytes, String start) {
        assertThat(ShutdownWal.segmentFrom(Lsn.parse(lsn), 2, mebibytes * MIB).start())
                .isEqualTo(Lsn.parse(start));
    }

    @Test
    void wantsACheckpointThatPointsToItself() {
        WalSegment segment = new WalSegment(2, 1, 16 * MIB);
        assertThatThrownBy(() ->
                        ShutdownWal.of(PostgresVersion.V14, 1, segment, checkPoint(Lsn.parse("0/1000020"), 2, null)))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() ->
                        ShutdownWal.of(PostgresVersion.V14, 1, segment, checkPoint(Lsn.parse("0/1000028"), 1, null)))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
