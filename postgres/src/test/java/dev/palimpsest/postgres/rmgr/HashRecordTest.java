package dev.palimpsest.postgres.rmgr;

import static dev.palimpsest.postgres.Bytes.buffer;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.RecordBuilder;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class HashRecordTest {
    private static HashRecord decoded(PostgresVersion version, int opcode, byte[] main)
            throws MalformedRecordException {
        return HashRecord.decode(new RecordBuilder(version, 12, opcode)
                .main(main)
                .block(0, new RelFileNode(1663, 5, 24650), 3)
                .decoded(0x100, 0x180));
    }

    private static HashRecord decoded(int opcode, byte[] main) throws MalformedRecordException {
        return decoded(PostgresVersion.V16, opcode, main);
    }

    @Test
    void anIndexIsMade() throws Exception {
        byte[] meta =
                buffer(14).putDouble(1234.5).putInt(450).putShort((short) 307).array();
        assertThat(decoded(0x00, meta))
                .isEqualTo(new HashRecord.InitMetaPage(1234.5, 450, 307))
                .hasToString("num_tuples 1235, fillfactor 307");
        assertThat(decoded(0x10, buffer(2).putShort((short) 4096).array()))
                .isEqualTo(new HashRecord.InitBitmapPage(4096))
                .hasToString("bmsize 4096");
        assertThat(decoded(0x20, buffer(2).putShort((short) 7).array()))
                .isEqualTo(new HashRecord.Insert(7))
                .hasToString("off 7");
        assertThat(decoded(0x30, buffer(3).putShort((short) 4096).put((byte) 1).array()))
                .isEqualTo(new HashRecord.AddOverflowPage(4096, true))
                .hasToString("bmsize 4096, bmpage_found T");
        assertThat(decoded(0xB0, buffer(8).putDouble(77).array()))
                .isEqualTo(new HashRecord.UpdateMetaPage(77))
                .hasToString("ntuples 77");
    }

    @Test
    void aBucketIsSplit() throws Exception {
        byte[] main = buffer(9)
                .putInt(-2)
                .putShort((short) 0x22)
                .putShort((short) 0x12)
                .array();
        main[8] = 1;
        assertThat(decoded(0x40, main))
                .isEqualTo(new HashRecord.SplitAllocatePage(-2, 0x22, 0x12, true, false))
                .hasToString("new_bucket 4294967294, meta_page_masks_updated T, issplitpoint_changed F");
        main[8] = 2;
        assertThat(decoded(0x40, main)).isEqualTo(new HashRecord.SplitAllocatePage(-2, 0x22, 0x12, false, true));
        assertThat(decoded(0x50, new byte[0]))
                .isEqualTo(new HashRecord.SplitPage())
                .hasToString("");
        assertThat(decoded(
                        0x60,
                        buffer(4).putShort((short) 0x42).putShort((short) 2).array()))
                .isEqualTo(new HashRecord.SplitComplete(0x42, 2))
                .hasToString("old_bucket_flag 66, new_bucket_flag 2");
        assertThat(decoded(0xA0, new byte[0]))
                .isEqualTo(new HashRecord.SplitCleanup())
                .hasToString("");
    }

    @Test
    void tuplesMoveAndGo() throws Exception {
        assertThat(decoded(0x70, buffer(3).putShort((short) 9).put((byte) 1).array()))
                .isEqualTo(new HashRecord.MovePageContents(9, true))
                .hasToString("ntups 9, is_primary T");
        byte[] squeeze = buffer(12)
                .putInt(5)
                .putInt(-1)
                .putShort((short) 9)
                .put(11, (byte) 1)
                .array();
        assertThat(decoded(0x80, squeeze))
                .isEqualTo(new HashRecord.SqueezePage(5, -1, 9, false, true))
                .hasToString("prevblkno 5, nextblkno 4294967295, ntups 9, is_primary F");
        assertThat(decoded(0x90, new byte[] {1, 0}))
                .isEqualTo(new HashRecord.Delete(true, false))
                .hasToString("clear_dead_marking T, is_primary F");
        byte[] before16 = buffer(12)
                .putInt(700)
                .putInt(2)
                .putShort((short) 3)
                .putShort((short) 8)
                .array();
        for (PostgresVersion version : List.of(PostgresVersion.V14, PostgresVersion.V15)) {
            assertThat(decoded(version, 0xC0, before16))
                    .isEqualTo(new HashRecord.VacuumOnePage(700, List.of(3, 8), null))
                    .hasToString("ntuples 2, snapshotConflictHorizon 700");
        }
        byte[] since16 = before16.clone();
        since16[6] = 1;
        since16[7] = 99;
        assertThat(decoded(0xC0, since16))
                .isEqualTo(new HashRecord.VacuumOnePage(700, List.of(3, 8), true))
                .hasToString("ntuples 2, snapshotConflictHorizon 700, isCatalogRel T");
        assertThatThrownBy(() -> decoded(PostgresVersion.V15, 0xC0, since16))
                .isInstanceOf(MalformedRecordException.class)
                .hasMessageContaining("where there are 4 bytes for them");
        assertThatThrownBy(() -> decoded(0xC0, Arrays.copyOf(since16, 10))).hasMessageContaining("2 items");
        assertThatThrownBy(() -> decoded(0xD0, since16))
                .isInstanceOf(MalformedRecordException.class)
                .hasMessageContaining("there is no record type");
    }
}
