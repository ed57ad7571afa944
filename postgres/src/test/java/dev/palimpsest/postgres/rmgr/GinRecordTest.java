package dev.palimpsest.postgres.rmgr;

import static dev.palimpsest.postgres.Bytes.concat;
import static dev.palimpsest.postgres.Bytes.i32s;
import static dev.palimpsest.postgres.Bytes.u16s;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.wal.ImageCompression;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.RecordBuilder;
import java.util.List;
import org.junit.jupiter.api.Test;

class GinRecordTest {
    private static final RelFileNode INDEX = new RelFileNode(1663, 5, 24660);
    private static final byte[] META = i32s(11, 12, 13, 14, 15, 1, 16, 17, 18, 0, 19, 1, 2, 0);
    private static final GinRecord.Metadata METADATA =
            new GinRecord.Metadata(11, 12, 13, 14, 0x1_0000_000FL, 16, 17, 18, 0x1_0000_0013L, 2);
    private static final byte[] RECOMPRESSION = concat(
            u16s(4),
            new byte[] {0, 1, 1, 2},
            u16s(0, 7, 1, 3, 0, 0),
            new byte[] {1, 3},
            u16s(0, 8, 1, 0),
            new byte[] {2, 4},
            u16s(2, 0, 9, 1, 0, 9, 2));

    private static RecordBuilder builder(int opcode, byte[] main) {
        return new RecordBuilder(PostgresVersion.V16, 13, opcode).main(main);
    }

    private static GinRecord decoded(RecordBuilder builder) throws MalformedRecordException {
        return GinRecord.decode(builder.decoded(0x100, 0x180));
    }

    private static GinRecord decoded(int opcode, byte[] main) throws MalformedRecordException {
        return decoded(builder(opcode, main));
    }

    private static GinRecord decoded(int opcode, byte[] main, byte[] data) throws MalformedRecordException {
        return decoded(builder(opcode, main).block(0, INDEX, 7).data(data));
    }

    @Test
    void inserts() throws Exception {
        byte[] tuple = concat(u16s(7, 1), u16s(0, 3, 4, 0xC010), new byte[8]);
        assertThat(decoded(0x20, u16s(2), tuple))
                .isEqualTo(new GinRecord.Insert(false, true, null, new GinRecord.EntryTuple(7, true, 16)))
                .hasToString("isdata: F isleaf: T isdelete: T off: 7 size: 16");
        GinRecord.Children children = new GinRecord.Children(0x10002, -1);
        byte[] inner = u16s(0, 1, 2, 0xFFFF, 0xFFFF);
        assertThat(decoded(0x20, inner, concat(u16s(7, 0), u16s(0, 3, 4, 16), new byte[8])))
                .isEqualTo(new GinRecord.Insert(false, false, children, new GinRecord.EntryTuple(7, false, 16)))
                .hasToString("isdata: F isleaf: F children: 65538/4294967295 isdelete: F off: 7 size: 16");
        LittleEndian.putU16(inner, 0, 1);
        assertThat(decoded(0x20, inner, u16s(7, 1, 3, 2, 4, 5)))
                .isEqualTo(
                        new GinRecord.Insert(true, false, children, new GinRecord.PostingItem(7, 0x10003, 0x20004, 5)))
                .hasToString("isdata: T isleaf: F children: 65538/4294967295 pitem: 65539-131076/5 off: 7");
        assertThat(decoded(0x20, u16s(3), RECOMPRESSION))
                .hasToString("isdata: T isleaf: T 4 segments: 0 (delete) 1 (insert 12 bytes) 1 (replace 8 bytes)"
                        + " 2 (add 2 items)");
        assertThatThrownBy(() -> decoded(0x20, u16s(3)))
                .isInstanceOf(MalformedRecordException.class)
                .hasMessageContaining("needs block reference 0");
        assertThatThrownBy(() -> decoded(0x20, u16s(1), RECOMPRESSION)).hasMessageContaining("2 bytes at offset 2");
    }

    @Test
    void vacuumAndImages() throws Exception {
        GinRecord.Recompression recompression = new GinRecord.Recompression(List.of(
                new GinRecord.SegmentAction(0, GinRecord.DELETE_SEGMENT, 0),
                new GinRecord.SegmentAction(1, GinRecord.INSERT_SEGMENT, 12),
                new GinRecord.SegmentAction(1, GinRecord.REPLACE_SEGMENT, 8),
                new GinRecord.SegmentAction(2, GinRecord.ADD_ITEMS, 2)));
        assertThat(decoded(0x90, new byte[0], RECOMPRESSION)).isEqualTo(new GinRecord.VacuumDataLeaf(recompression));
        Page page = new Page();
        page.initialize(8);
        assertThat(decoded(builder(0x90, new byte[0])
                        .block(0, INDEX, 7)
                        .image(page, RecordBuilder.ImageUse.APPLY, ImageCompression.NONE)))
                .isEqualTo(new GinRecord.VacuumDataLeaf(null))
                .hasToString("(full page image)");
        assertThat(decoded(builder(0x20, u16s(3))
                        .block(0, INDEX, 7)
                        .image(page, RecordBuilder.ImageUse.APPLY, ImageCompression.NONE)))
                .isEqualTo(new GinRecord.Insert(true, true, null, null))
                .hasToString("isdata: T isleaf: T (full page image)");
        assertThat(decoded(0x40, new byte[0])).isEqualTo(new GinRecord.VacuumPage());
        assertThatThrownBy(() -> decoded(0x90, new byte[0], concat(u16s(1), new byte[] {0, 5})))
                .hasMessageContaining("there is no action 5");
        assertThatThrownBy(() -> decoded(0x90, new byte[0], concat(u16s(1), new byte[] {0, 1, 1})))
                .hasMessageContaining("1 bytes are left over");
        assertThatThrownBy(() -> decoded(0x90, new byte[0], u16s(1))).hasMessageContaining("at offset 2");
    }

    @Test
    void theTreesChange() throws Exception {
        assertThat(decoded(0x10, concat(i32s(10), new byte[10]))).isEqualTo(new GinRecord.CreatePostingTree(10));
        assertThatThrownBy(() -> decoded(0x10, concat(i32s(10), new byte[9]))).hasMessageContaining("10 bytes");
        assertThatThrownBy(() -> decoded(0x10, i32s(-1))).hasMessageContaining("-1 bytes");
        byte[] split = concat(i32s(1663, 5, 24660, 9, 10, 11), u16s(5, 0));
        assertThat(decoded(0x30, split))
                .isEqualTo(new GinRecord.Split(true, false, true, 9, new GinRecord.Children(10, 11)))
                .hasToString("isrootsplit: T isdata: T isleaf: F");
        LittleEndian.putU16(split, 24, 2);
        assertThat(decoded(0x30, split))
                .isEqualTo(new GinRecord.Split(false, true, false, 9, null))
                .hasToString("isrootsplit: F isdata: F isleaf: T");
        assertThat(decoded(0x50, concat(u16s(3, 0xFFFF), i32s(8, -2))))
                .isEqualTo(new GinRecord.DeletePage(3, 8, -2))
                .hasToString("parentoff: 3, right: 8, deletexid: 4294967294");
        assertThatThrownBy(() -> decoded(0x00, split))
                .isInstanceOf(MalformedRecordException.class)
                .hasMessageContaining("there is no record type");
        assertThatThrownBy(() -> decoded(0xA0, split)).hasMessageContaining("there is no record type");
    }

    @Test
    void thePendingListChanges() throws Exception {
        assertThat(decoded(0x60, concat(i32s(1663, 5, 24660, 0), META, i32s(-1, 5, 6, 0))))
                .isEqualTo(new GinRecord.UpdateMeta(METADATA, -1, 5, 6))
                .hasToString("ntuples: 6; meta: pending head 11 tail 12 pages 14 tuples 4294967311");
        assertThat(decoded(0x70, i32s(-1, 6)))
                .isEqualTo(new GinRecord.InsertListPage(-1, 6))
                .hasToString("ntuples: 6");
        byte[] empty = META.clone();
        LittleEndian.putI64(empty, 0, -1);
        assertThat(decoded(0x80, concat(empty, i32s(3, 0))))
                .hasToString("ndeleted: 3; meta: pending head none tail none pages 14 tuples 4294967311");
        assertThat(decoded(0x80, concat(META, i32s(3, 0)))).isEqualTo(new GinRecord.DeleteListPages(METADATA, 3));
        assertThatThrownBy(() -> decoded(0x80, new byte[55])).hasMessageContaining("56 bytes at offset 0");
    }
}
