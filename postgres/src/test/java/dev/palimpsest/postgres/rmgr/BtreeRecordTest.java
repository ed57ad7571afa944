package dev.palimpsest.postgres.rmgr;

import static dev.palimpsest.postgres.Bytes.concat;
import static dev.palimpsest.postgres.Bytes.i32s;
import static dev.palimpsest.postgres.Bytes.u16s;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.wal.ImageCompression;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.RecordBuilder;
import java.util.List;
import org.junit.jupiter.api.Test;

class BtreeRecordTest {
    private static final RelFileNode INDEX = new RelFileNode(1663, 5, 24650);
    private static final byte[] META = i32s(4, 5, 1, 7, 0, 9, 0xFFFFFF01);
    private static final BtreeRecord.Metadata METADATA = new BtreeRecord.Metadata(4, 5, 1, 7, 0, 9, true);

    private static RecordBuilder builder(PostgresVersion version, int opcode, byte[] main) {
        return new RecordBuilder(version, 11, opcode).main(main);
    }

    private static BtreeRecord decoded(RecordBuilder builder) throws MalformedRecordException {
        return BtreeRecord.decode(builder.decoded(0x100, 0x180));
    }

    private static BtreeRecord decoded(int opcode, byte[] main) throws MalformedRecordException {
        return decoded(builder(PostgresVersion.V16, opcode, main));
    }

    private static BtreeRecord withMeta(int opcode, byte[] main, int blockId) throws MalformedRecordException {
        return decoded(builder(PostgresVersion.V16, opcode, main)
                .block(blockId, INDEX, 0)
                .willInit()
                .data(META));
    }

    @Test
    void insertsAndSplits() throws Exception {
        assertThat(decoded(0x00, u16s(7)))
                .isEqualTo(new BtreeRecord.Insert(7, null))
                .hasToString("off: 7");
        assertThat(decoded(0x10, u16s(7))).isEqualTo(new BtreeRecord.Insert(7, null));
        assertThat(withMeta(0x20, u16s(7), 2))
                .isEqualTo(new BtreeRecord.Insert(7, METADATA))
                .hasToString("off: 7; meta: root 5 level 1 fastroot 7 fastlevel 0");
        for (int opcode : new int[] {0x30, 0x40}) {
            assertThat(decoded(opcode, u16s(1, 0, 11, 12, 13)))
                    .isEqualTo(new BtreeRecord.Split(1, 11, 12, 13))
                    .hasToString("level: 1, firstrightoff: 11, newitemoff: 12, postingoff: 13");
        }
        assertThat(decoded(0x50, u16s(7))).isEqualTo(new BtreeRecord.InsertPosting(7));
        assertThat(decoded(0x60, u16s(7)))
                .isEqualTo(new BtreeRecord.Deduplicate(7))
                .hasToString("nintervals: 7");
    }

    @Test
    void deletions() throws Exception {
        byte[] data = u16s(1, 3, 4, 5, /* item 4 */ 2, 0, 6, /* item 5 */ 1, 9);
        BtreeRecord.Deletions deletions = new BtreeRecord.Deletions(
                2,
                2,
                List.of(1, 3),
                List.of(new BtreeRecord.PostingUpdate(4, List.of(0, 6)), new BtreeRecord.PostingUpdate(5, List.of(9))));
        BtreeRecord vacuum = decoded(builder(PostgresVersion.V14, 0xC0, u16s(2, 2))
                .block(0, INDEX, 3)
                .data(data));
        assertThat(vacuum)
                .isEqualTo(new BtreeRecord.Vacuum(deletions))
                .hasToString(
                        "ndeleted: 2, nupdated: 2, deleted: [1, 3], updated: [{ off: 4, nptids: 2, ptids: [0, 6] },"
                                + " { off: 5, nptids: 1, ptids: [9] }]");
        byte[] main = concat(i32s(-2), u16s(2, 2));
        assertThat(decoded(builder(PostgresVersion.V15, 0x70, main)
                        .block(0, INDEX, 3)
                        .data(data)))
                .isEqualTo(new BtreeRecord.Delete(-2, deletions, null));
        byte[] since16 = concat(main, new byte[] {1});
        assertThat(decoded(builder(PostgresVersion.V16, 0x70, since16)
                        .block(0, INDEX, 3)
                        .data(data)))
                .isEqualTo(new BtreeRecord.Delete(-2, deletions, true))
                .asString()
                .startsWith("snapshotConflictHorizon: 4294967294, ndeleted: 2")
                .endsWith("isCatalogRel: T");
        Page image = new Page();
        image.initialize(16);
        assertThat(decoded(builder(PostgresVersion.V17, 0xC0, u16s(2, 2))
                        .block(0, INDEX, 3)
                        .image(image, RecordBuilder.ImageUse.APPLY, ImageCompression.NONE)))
                .isEqualTo(new BtreeRecord.Vacuum(new BtreeRecord.Deletions(2, 2, List.of(), List.of())))
                .hasToString("ndeleted: 2, nupdated: 2");
        assertThatThrownBy(() -> decoded(builder(PostgresVersion.V16, 0x70, main)
                        .block(0, INDEX, 3)
                        .data(data)))
                .isInstanceOf(MalformedRecordException.class)
                .hasMessageContaining("1 bytes at offset 8");
        assertThatThrownBy(() -> decoded(0xC0, u16s(2, 2))).hasMessageContaining("needs block reference 0");
    }

    @Test
    void pagesLeaveAndJoinTheTree() throws Exception {
        byte[] unlink = i32s(1, 2, 3, -1, 8, 9, 4, 5, 6);
        assertThat(decoded(0x80, unlink))
                .isEqualTo(new BtreeRecord.Unlink(1, 2, 3, 0x9_0000_0008L, 4, 5, 6, null))
                .hasToString("left: 1, right: 2, level: 3, safexid: 9:8, leafleft: 4, leafright: 5, leaftopparent: 6");
        assertThat(withMeta(0x90, unlink, 4))
                .isEqualTo(new BtreeRecord.Unlink(1, 2, 3, 0x9_0000_0008L, 4, 5, 6, METADATA));
        assertThat(withMeta(0xA0, i32s(5, 1), 2)).isEqualTo(new BtreeRecord.NewRoot(5, 1, METADATA));
        assertThat(decoded(0xB0, i32s(0xFFFF0000 | 9, 1, 2, 3, 4)))
                .isEqualTo(new BtreeRecord.MarkHalfDead(9, 1, 2, 3, 4))
                .hasToString("topparent: 4, leaf: 1, left: 2, right: 3");
        assertThat(withMeta(0xE0, new byte[0], 0))
                .isEqualTo(new BtreeRecord.MetaCleanup(METADATA))
                .hasToString("last_cleanup_num_delpages: 9");
        byte[] reuse = i32s(1663, 5, 24650, 77, 8, 9);
        assertThat(decoded(builder(PostgresVersion.V14, 0xD0, reuse)))
                .isEqualTo(new BtreeRecord.ReusePage(INDEX, 77, 0x9_0000_0008L, null));
        assertThat(decoded(0xD0, concat(reuse, new byte[1])))
                .isEqualTo(new BtreeRecord.ReusePage(INDEX, 77, 0x9_0000_0008L, false))
                .hasToString("rel: 1663/5/24650, blk: 77, snapshotConflictHorizon: 9:8, isCatalogRel: F");
        assertThatThrownBy(() -> decoded(0xF0, unlink))
                .isInstanceOf(MalformedRecordException.class)
                .hasMessageContaining("there is no record type");
    }
}
