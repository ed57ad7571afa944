package dev.palimpsest.postgres.rmgr;

import static dev.palimpsest.postgres.Bytes.u16s;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.RecordBuilder;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class GistRecordTest {
    private static final RelFileNode INDEX = new RelFileNode(1663, 5, 24650);

    private static GistRecord decoded(PostgresVersion version, int opcode, byte... main)
            throws MalformedRecordException {
        return GistRecord.decode(
                new RecordBuilder(version, 14, opcode).main(main).decoded(0x100, 0x180));
    }

    @Test
    void changesAndSplits() throws Exception {
        assertThat(decoded(PostgresVersion.V14, 0x00, u16s(3, 1)))
                .isEqualTo(new GistRecord.PageUpdate(3, 1))
                .hasToString("ndeleted: 3, ninserted: 1");
        byte[] split = u16s(9, 1, 0xFFFF, 0xFFFF, 8, 0, 7, 0, 1, 3, 1, 0);
        assertThat(decoded(PostgresVersion.V18, 0x30, split))
                .isEqualTo(new GistRecord.PageSplit(0x10009, 0x7_0000_0008L, true, 3, true))
                .hasToString("splits to 3 pages, leaf: T, followright: T");
        assertThat(decoded(PostgresVersion.V18, 0x70, u16s(0, 0)))
                .isEqualTo(new GistRecord.AssignLsn())
                .hasToString("");
        assertThatThrownBy(() -> decoded(PostgresVersion.V14, 0x40, split))
                .isInstanceOf(MalformedRecordException.class)
                .hasMessageContaining("there is no record type");
    }

    @Test
    void deletions() throws Exception {
        byte[] old = u16s(0xFFFE, 0xFFFF, 2, 5, 6);
        assertThat(decoded(PostgresVersion.V15, 0x10, old))
                .isEqualTo(new GistRecord.Delete(-2, List.of(5, 6), null))
                .hasToString("snapshotConflictHorizon: 4294967294, nitems: 2, deleted: [5, 6]");
        byte[] since16 = u16s(0xFFFE, 0xFFFF, 2, 0xFF01, 5, 6);
        assertThat(decoded(PostgresVersion.V16, 0x10, since16))
                .isEqualTo(new GistRecord.Delete(-2, List.of(5, 6), true))
                .hasToString("snapshotConflictHorizon: 4294967294, nitems: 2, deleted: [5, 6], isCatalogRel: T");
        assertThatThrownBy(() -> decoded(PostgresVersion.V16, 0x10, old))
                .isInstanceOf(MalformedRecordException.class)
                .hasMessageContaining("4 bytes at offset 8");
    }

    @Test
    void pagesLeaveAndJoinTheTree() throws Exception {
        assertThat(decoded(PostgresVersion.V17, 0x60, u16s(8, 0, 9, 0, 4)))
                .isEqualTo(new GistRecord.PageDelete(0x9_0000_0008L, 4))
                .hasToString("deleteXid: 9:8, downlink: 4");
        byte[] reuse = u16s(1663, 0, 5, 0, 24650, 0, 77, 0, 8, 0, 9, 0);
        assertThat(decoded(PostgresVersion.V14, 0x20, reuse))
                .isEqualTo(new GistRecord.PageReuse(INDEX, 77, 0x9_0000_0008L, null));
        assertThat(decoded(PostgresVersion.V16, 0x20, Arrays.copyOf(reuse, 25)))
                .isEqualTo(new GistRecord.PageReuse(INDEX, 77, 0x9_0000_0008L, false))
                .hasToString("rel: 1663/5/24650, blk: 77, snapshotConflictHorizon: 9:8, isCatalogRel: F");
    }
}
