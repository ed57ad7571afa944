package dev.palimpsest.postgres.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.rmgr.Rmgr;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.RecordBuilder;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The files of a cluster as a whole: what is written is read again, and what is damaged is not. */
class ClusterFilesTest {
    private static int crc(byte[] bytes, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, length);
        return (int) crc.getValue();
    }

    private static byte[] control(PostgresVersion version) {
        byte[] bytes = new byte[8192];
        LittleEndian.putI64(bytes, 0, 0x1122334455667788L);
        LittleEndian.putI32(bytes, 8, version.controlVersion());
        LittleEndian.putI32(bytes, 12, version.catalogVersion());
        LittleEndian.putI32(bytes, 16, 6);
        LittleEndian.putI64(bytes, 32, 0x1000028);
        LittleEndian.putI64(bytes, 128, 1000);
        LittleEndian.putI64(bytes, 136, 0x2000000);
        LittleEndian.putI32(bytes, 144, 7);
        bytes[168] = 1;
        LittleEndian.putI32(bytes, 172, 1);
        LittleEndian.putI32(bytes, 228, 16 << 20);
        LittleEndian.putI32(bytes, 252, 1);
        Arrays.fill(bytes, 257, 288, (byte) 0x5A);
        int at = version == PostgresVersion.V18 ? 292 : 288;
        LittleEndian.putI32(bytes, at, crc(bytes, at));
        return bytes;
    }

    private static CheckPoint checkPoint(PostgresVersion version) {
        return new CheckPoint(
                new Lsn(0x3000028),
                1,
                1,
                1,
                version.isAtLeast(PostgresVersion.V17) ? WalLevel.LOGICAL : null,
                5L << 32 | 1000,
                16384,
                3,
                9,
                731,
                1,
                1,
                1,
                1_700_000_000,
                740,
                999,
                0);
    }

    @ParameterizedTest
    @EnumSource
    void controlFilesChangeOnlyWhatIsAskedFor(PostgresVersion version) throws Exception {
        byte[] bytes = control(version);
        ControlFile file = ControlFile.parse(bytes);
        assertThat(file.version()).isEqualTo(version);
        assertThat(file.encode()).isEqualTo(bytes);
        assertThat(file.systemIdentifier()).isEqualTo(0x1122334455667788L);
        assertThat(file.state()).isEqualTo(ClusterState.IN_PRODUCTION);
        assertThat(file.minRecoveryPoint()).isEqualTo(new Lsn(0x2000000));
        ControlFile changed = file.withState(ClusterState.SHUT_DOWN)
                .withCheckPoint(new Lsn(0x3000028), checkPoint(version))
                .withSettings(100, 8, 10, 5, 64, WalLevel.LOGICAL, 1, 1)
                .withoutRecoveryTarget()
                .withUnloggedLsn(new Lsn(2000))
                .withDataChecksumVersion(0)
                .withSystemIdentifier(9)
                .withTime(1_700_000_001);
        ControlFile again = ControlFile.parse(changed.encode());
        assertThat(again).isEqualTo(changed).isNotEqualTo(file);
        assertThat(again.state()).isEqualTo(ClusterState.SHUT_DOWN);
        assertThat(again.checkPointLocation()).isEqualTo(new Lsn(0x3000028));
        assertThat(again.checkPoint()).isEqualTo(checkPoint(version));
        assertThat(again.minRecoveryPoint()).isEqualTo(Lsn.INVALID);
        assertThat(again.minRecoveryPointTimeline()).isZero();
        assertThat(again.maxConnections()).isEqualTo(100);
        assertThat(again.maxWorkerProcesses()).isEqualTo(8);
        assertThat(again.maxWalSenders()).isEqualTo(10);
        assertThat(again.maxPreparedTransactions()).isEqualTo(5);
        assertThat(again.maxLocksPerTransaction()).isEqualTo(64);
        assertThat(again.walLevel()).isEqualTo(WalLevel.LOGICAL);
        assertThat(again.walLogHints()).isTrue();
        assertThat(again.trackCommitTimestamp()).isTrue();
        assertThat(again.unloggedLsn()).isEqualTo(new Lsn(2000));
        assertThat(again.dataChecksumVersion()).isZero();
        assertThat(again.systemIdentifier()).isEqualTo(9);
        assertThat(again.time()).isEqualTo(1_700_000_001);
        assertThat(again.walSegmentSize()).isEqualTo(16 << 20);
        byte[] encoded = changed.encode();
        assertThat(encoded).hasSize(8192);
        assertThat(encoded[168]).as("no backup's end to wait for").isZero();
        assertThat(Arrays.copyOfRange(encoded, 257, 288)).as("nonce").isEqualTo(Arrays.copyOfRange(bytes, 257, 288));
    }

    @ParameterizedTest
    @EnumSource
    void damagedControlFilesAreRefused(PostgresVersion version) {
        int covered = version == PostgresVersion.V18 ? 296 : 292;
        for (int at = 0; at < covered; at++) {
            byte[] bytes = control(version);
            bytes[at] ^= 0x10;
            assertThatThrownBy(() -> ControlFile.parse(bytes))
                    .as("byte %d", at)
                    .isInstanceOf(MalformedFileException.class)
                    .hasMessageStartingWith("global/pg_control: ");
        }
        assertThatThrownBy(() -> ControlFile.parse(new byte[295])).isInstanceOf(MalformedFileException.class);
        for (int at : new int[] {16, 172, 228}) {
            byte[] bytes = control(version);
            LittleEndian.putI32(bytes, at, 77);
            LittleEndian.putI32(bytes, covered - 4, crc(bytes, covered - 4));
            assertThatThrownBy(() -> ControlFile.parse(bytes))
                    .as("impossible value at %d", at)
                    .isInstanceOf(MalformedFileException.class);
        }
    }

    @ParameterizedTest
    @EnumSource
    void relationMapsAreReadAndWritten(PostgresVersion version) throws Exception {
        int slots = version.isAtLeast(PostgresVersion.V16) ? 64 : 62;
        Map<Integer, Integer> files = new HashMap<>();
        for (int i = 0; i < slots; i++) {
            files.put(1200 + i, 16384 + 3 * i);
            RelationMap map = RelationMap.of(version, files);
            byte[] bytes = map.encode();
            assertThat(bytes).hasSize(version.relationMapSize());
            RelationMap again = RelationMap.parse(version, bytes);
            assertThat(again).isEqualTo(map);
            assertThat(again.files()).isEqualTo(new TreeMap<>(files));
            assertThat(again.fileOf(1200 + i)).hasValue(16384 + 3 * i);
            assertThat(again.fileOf(1201 + i)).isEmpty();
        }
        files.put(9999, 1);
        assertThatThrownBy(() -> RelationMap.of(version, files)).isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @EnumSource
    void damagedRelationMapsAreRefused(PostgresVersion version) {
        byte[] good = RelationMap.of(version, Map.of(1259, 16390)).encode();
        int covered = version.isAtLeast(PostgresVersion.V16) ? 524 : 508;
        for (int at = 0; at < covered; at++) {
            byte[] bytes = good.clone();
            bytes[at] ^= 0x40;
            assertThatThrownBy(() -> RelationMap.parse(version, bytes))
                    .as("byte %d", at)
                    .isInstanceOf(MalformedFileException.class);
        }
        byte[] shorter = Arrays.copyOf(good, good.length - 1);
        assertThatThrownBy(() -> RelationMap.parse(version, shorter)).isInstanceOf(MalformedFileException.class);
        byte[] count = good.clone();
        LittleEndian.putI32(count, 4, 65);
        LittleEndian.putI32(count, covered - 4, crc(count, covered - 4));
        assertThatThrownBy(() -> RelationMap.parse(version, count)).hasMessageContaining("65 entries");
    }

    @Test
    void preparedStateIsTheRecordAndItsChecksum() throws Exception {
        byte[] main = new byte[120];
        new Random(1).nextBytes(main);
        LittleEndian.putI32(main, 0, 0x57F94534);
        LittleEndian.putI32(main, 4, 124);
        LittleEndian.putI32(main, 8, 0x2A1);
        WalRecord record = new RecordBuilder(PostgresVersion.V18, Rmgr.TRANSACTION.id(), 0x10)
                .main(main)
                .decoded(0x100, 0x180);
        byte[] content = TwoPhaseFile.content(record);
        assertThat(content).hasSize(124).startsWith(main);
        assertThat(LittleEndian.i32(content, 120)).isEqualTo(crc(main, 120));
        assertThat(TwoPhaseFile.check("a", content)).isEqualTo(0x2A1);
        for (int at = 0; at < content.length; at++) {
            byte[] bytes = content.clone();
            bytes[at] ^= 1;
            assertThatThrownBy(() -> TwoPhaseFile.check("a", bytes)).isInstanceOf(MalformedFileException.class);
        }
        assertThatThrownBy(() -> TwoPhaseFile.check("a", new byte[15])).isInstanceOf(MalformedFileException.class);
        main[4]++;
        assertThatThrownBy(
                        () -> TwoPhaseFile.content(new RecordBuilder(PostgresVersion.V18, Rmgr.TRANSACTION.id(), 0x10)
                                .main(main)
                                .decoded(0x100, 0x180)))
                .isInstanceOf(MalformedRecordException.class);
        assertThat(TwoPhaseFile.name(PostgresVersion.V16, 3L << 32 | 0xABC)).isEqualTo("00000ABC");
        assertThat(TwoPhaseFile.name(PostgresVersion.V17, 3L << 32 | 0xABC)).isEqualTo("0000000300000ABC");
    }
}
