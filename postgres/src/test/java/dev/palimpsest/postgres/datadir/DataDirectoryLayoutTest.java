package dev.palimpsest.postgres.datadir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.ForkNumber;
import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.RelFileNode;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class DataDirectoryLayoutTest {
    @Test
    void namesTheFilesOfRelations() {
        assertThat(file(PostgresVersion.V17, new RelFileNode(1663, 5, 16384), ForkNumber.MAIN, 0))
                .isEqualTo("base/5/16384");
        assertThat(file(PostgresVersion.V17, new RelFileNode(1663, 5, 16384), ForkNumber.FSM, 2))
                .isEqualTo("base/5/16384_fsm.2");
        assertThat(file(PostgresVersion.V14, new RelFileNode(1664, 0, 1262), ForkNumber.VISIBILITY_MAP, 0))
                .isEqualTo("global/1262_vm");
        assertThat(file(PostgresVersion.V18, new RelFileNode(-1, -2, -3), ForkNumber.INIT, 0))
                .isEqualTo("pg_tblspc/4294967295/PG_18_202506291/4294967294/4294967293_init");
    }

    private static String file(PostgresVersion version, RelFileNode relation, ForkNumber fork, int segment) {
        return DataDirectoryLayout.relationFile(version, relation, fork, segment);
    }

    @Test
    void refusesDatabasesThatThereAreNot() {
        assertThatThrownBy(() -> DataDirectoryLayout.databaseDirectory(PostgresVersion.V17, 1664, 5))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> DataDirectoryLayout.databaseDirectory(PostgresVersion.V17, 1663, 0))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @EnumSource(PostgresVersion.class)
    void listsDirectoriesAfterTheirParents(PostgresVersion version) {
        List<String> directories = DataDirectoryLayout.directories(version);
        Set<String> seen = new HashSet<>();
        for (String directory : directories) {
            int slash = directory.lastIndexOf('/');
            assertThat(slash < 0 || seen.contains(directory.substring(0, slash)))
                    .as(directory)
                    .isTrue();
            assertThat(seen.add(directory)).isTrue();
        }
        assertThat(directories.contains("pg_wal/summaries")).isEqualTo(version.major() >= 17);
    }

    @Test
    void writesHistories() {
        byte[] none = {};
        byte[] first = TimelineHistory.ofChild(none, 1, Lsn.parse("0/3000028"), "branched");
        assertThat(first).asString().isEqualTo("1\t0/3000028\tbranched\n");
        byte[] second = TimelineHistory.ofChild(first, 2, Lsn.parse("1/0"), "again");
        assertThat(second).asString().isEqualTo("1\t0/3000028\tbranched\n2\t1/0\tagain\n");
        byte[] cut = "1\t0/28\tx".getBytes(StandardCharsets.UTF_8);
        assertThat(TimelineHistory.ofChild(cut, -1, Lsn.parse("1/0"), "y"))
                .asString()
                .isEqualTo("1\t0/28\tx\n4294967295\t1/0\ty\n");
        assertThat(TimelineHistory.path(0xAB)).isEqualTo("pg_wal/000000AB.history");
        assertThat(TimelineHistory.isPath("pg_wal/000000AB.history")).isTrue();
        assertThat(TimelineHistory.isPath("pg_wal/000000ABC.history")).isFalse();
        assertThat(TimelineHistory.isPath("pg_wal/000000AB.history.bak")).isFalse();
    }

    @Test
    void writesReplicationOrigins() {
        TreeMap<Integer, Lsn> origins = new TreeMap<>();
        origins.put(1, Lsn.parse("0/16960E8"));
        origins.put(65535, Lsn.parse("A/B"));
        byte[] file = ReplicationOriginFile.encode(origins);
        assertThat(file).hasSize(4 + 2 * 16 + 4);
        assertThat(LittleEndian.i32(file, 0)).isEqualTo(0x1257DADE);
        assertThat(LittleEndian.i64(file, 4)).isEqualTo(1);
        assertThat(LittleEndian.i64(file, 12)).isEqualTo(0x16960E8);
        assertThat(LittleEndian.i64(file, 20)).isEqualTo(65535);
        assertThat(LittleEndian.i64(file, 28)).isEqualTo(0xA0000000BL);
        CRC32C crc = new CRC32C();
        crc.update(file, 0, 36);
        assertThat(LittleEndian.i32(file, 36)).isEqualTo((int) crc.getValue());
        origins.put(65536, Lsn.INVALID);
        assertThatThrownBy(() -> ReplicationOriginFile.encode(origins)).isInstanceOf(IllegalArgumentException.class);
    }
}
