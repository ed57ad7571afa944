package dev.palimpsest.postgres.redo;

import static dev.palimpsest.postgres.Bytes.buffer;
import static dev.palimpsest.postgres.Bytes.concat;
import static dev.palimpsest.postgres.Bytes.i32s;
import static dev.palimpsest.postgres.Bytes.u16s;
import static dev.palimpsest.postgres.redo.HashSamples.NOTHING;
import static dev.palimpsest.postgres.redo.HashSamples.change;
import static dev.palimpsest.postgres.redo.HashSamples.tuple;

import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.redo.MutatedRecords.Area;
import dev.palimpsest.postgres.rmgr.HashRecord;
import java.util.List;
import org.junit.jupiter.api.Test;

class HashRedoMutationTest {
    private static final int SPECIAL = 8176;

    private static final List<IndexChange> CHANGES = List.of(
            change(HashRecord.INSERT, 0, false, u16s(2), tuple(20, 16)),
            change(HashRecord.INSERT, 1, false, u16s(2), NOTHING),
            change(
                    HashRecord.INIT_META_PAGE,
                    0,
                    true,
                    buffer(14).put(12, (byte) 10).array(),
                    NOTHING),
            change(HashRecord.INIT_BITMAP_PAGE, 0, true, u16s(4096), NOTHING),
            change(HashRecord.INIT_BITMAP_PAGE, 1, false, u16s(4096), NOTHING),
            change(HashRecord.ADD_OVFL_PAGE, 1, false, new byte[3], NOTHING),
            change(HashRecord.ADD_OVFL_PAGE, 2, false, new byte[3], i32s(45)),
            change(HashRecord.ADD_OVFL_PAGE, 4, false, new byte[3], i32s(45)),
            change(HashRecord.SPLIT_ALLOCATE_PAGE, 0, false, new byte[9], NOTHING),
            change(
                    HashRecord.SPLIT_ALLOCATE_PAGE,
                    2,
                    false,
                    buffer(9).put(8, (byte) 3).array(),
                    i32s(31, 63, 5, 10)),
            change(HashRecord.SPLIT_COMPLETE, 0, false, u16s(0x42, 2), NOTHING),
            change(
                    HashRecord.MOVE_PAGE_CONTENTS,
                    1,
                    false,
                    new byte[] {2, 0, 0},
                    concat(u16s(1, 3), tuple(5, 16), tuple(15, 24))),
            change(HashRecord.MOVE_PAGE_CONTENTS, 2, false, new byte[] {2, 0, 0}, u16s(1, 3, 4)),
            change(
                    HashRecord.SQUEEZE_PAGE,
                    1,
                    false,
                    buffer(12).put(8, (byte) 1).put(11, (byte) 1).array(),
                    concat(u16s(2), tuple(15, 16))),
            change(HashRecord.SQUEEZE_PAGE, 2, false, new byte[12], NOTHING),
            change(HashRecord.SQUEEZE_PAGE, 5, false, new byte[12], i32s(45)),
            change(HashRecord.DELETE, 1, false, new byte[] {1, 0}, u16s(1, 2, 5)),
            change(HashRecord.VACUUM_ONE_PAGE, 0, false, concat(i32s(7, 2), u16s(1, 4)), NOTHING),
            change(HashRecord.VACUUM_ONE_PAGE, 1, false, concat(i32s(7, 2), u16s(1, 4)), NOTHING),
            change(HashRecord.UPDATE_META_PAGE, 0, false, new byte[8], NOTHING));

    @Test
    void mutatedRecordsAndPagesNeverHalfChangeAPage() throws Exception {
        try (IndexRedo index = new IndexRedo()) {
            MutatedRecords.check(
                    13,
                    3000,
                    index,
                    CHANGES,
                    change -> fuzzedPage(index.page(), change),
                    new Area(8, 70),
                    new Area(SPECIAL - 100, 100),
                    new Area(SPECIAL, 16));
        }
    }

    /** A page of the type that the change is for. */
    private static void fuzzedPage(Page page, IndexChange change) throws PageException {
        int key = change.opcode() | change.blockId();
        switch (key) {
            case 0x11, 0x21, 0x34, 0x42, 0xB0, 0xC1 -> HashSamples.meta(page);
            case 0x32, 0x85 -> HashSamples.bitmap(page, 4096);
            default ->
                HashSamples.bucket(page, 2, tuple(1, 16), tuple(2, 24), tuple(3, 16), tuple(4, 16), tuple(5, 16));
        }
    }
}
