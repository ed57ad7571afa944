package dev.palimpsest.postgres.rmgr;

import static dev.palimpsest.postgres.Bytes.u16s;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.RecordBuilder;
import java.util.List;
import org.junit.jupiter.api.Test;

class SpGistRecordTest {
    private static SpGistRecord decoded(PostgresVersion version, int opcode, byte... main)
            throws MalformedRecordException {
        return SpGistRecord.decode(
                new RecordBuilder(version, 16, opcode).main(main).decoded(0x100, 0x180));
    }

    private static SpGistRecord decoded(int opcode, int... main) throws MalformedRecordException {
        return decoded(PostgresVersion.V16, opcode, u16s(main));
    }

    @Test
    void leafs() throws Exception {
        assertThat(decoded(0x10, 0x0001, 2, 3, 4, 5))
                .isEqualTo(new SpGistRecord.AddLeaf(true, false, 2, 3, 4, 5))
                .hasToString("off: 2, headoff: 3, parentoff: 4, nodeI: 5 (newpage)");
        assertThat(decoded(0x20, 9, 0x0100, 0x0001, 4, 5, 0, 7, 8, 1, 0))
                .isEqualTo(new SpGistRecord.MoveLeafs(9, false, true, true, 4, 5, 0x80007, true))
                .hasToString("nmoves: 9, parentoff: 4, nodeI: 5 (replacedead) (nulls) (isbuild)");
        assertThat(decoded(0x50, 1, 2, 3, 0x0001, 5, 0x0100, 1, 6, 7, 0, 8, 0, 0, 0))
                .isEqualTo(new SpGistRecord.PickSplit(true, 2, 3, true, false, 5, false, true, true, 6, 7, 8, false))
                .asString()
                .startsWith("ndelete: 2, ninsert: 3, inneroff: 5");
    }

    @Test
    void innerTuples() throws Exception {
        assertThat(decoded(0x30, 1, 2, 0xFF01, 4, 5, 0, 7, 0, 0, 0))
                .isEqualTo(new SpGistRecord.AddNode(1, 2, true, -1, 4, 5, 7, false))
                .hasToString("off: 1, newoff: 2, parentblk: -1, parentoff: 4, nodeI: 5 (newpage)");
        assertThat(decoded(0x40, 1, 2, 0x0100))
                .isEqualTo(new SpGistRecord.SplitTuple(1, 2, false, true))
                .hasToString("prefixoff: 1, postfixoff: 2 (same)");
        assertThatThrownBy(() -> decoded(0x00, 1, 2))
                .isInstanceOf(MalformedRecordException.class)
                .hasMessageContaining("there is no record type");
    }

    @Test
    void vacuums() throws Exception {
        assertThat(decoded(0x60, 1, 2, 3, 4, 5, 0, 1, 0))
                .isEqualTo(new SpGistRecord.VacuumLeaf(1, 2, 3, 4, 5, true))
                .hasToString("ndead: 1, nplaceholder: 2, nmove: 3, nchain: 4");
        assertThat(decoded(0x70, 2, 0, 5, 0, 0, 0, 8, 9))
                .isEqualTo(new SpGistRecord.VacuumRoot(List.of(8, 9), 5, false))
                .hasToString("ndelete: 2, deleted: [8, 9]");
        assertThat(decoded(PostgresVersion.V15, 0x80, u16s(2, 7, 5, 0, 8, 9)))
                .isEqualTo(new SpGistRecord.VacuumRedirect(List.of(8, 9), 7, 5, null));
        assertThat(decoded(0x80, 2, 7, 5, 0, 1, 8, 9))
                .isEqualTo(new SpGistRecord.VacuumRedirect(List.of(8, 9), 7, 5, true))
                .hasToString("ntoplaceholder: 2, firstplaceholder: 7, snapshotConflictHorizon: 5, isCatalogRel: T,"
                        + " redirects: [8, 9]");
        assertThatThrownBy(() -> decoded(0x80, 2, 7, 5, 0, 8, 9)).hasMessageContaining("4 bytes at offset 10");
    }
}
