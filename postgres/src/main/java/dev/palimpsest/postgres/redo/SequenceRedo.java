package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.page.HeapTuple;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageEditor;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.page.PageMask;
import dev.palimpsest.postgres.rmgr.SequenceRecord;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;

/** Sequence: the whole page is written anew each time. Special area of 8 bytes: u32 0x1717, 4 zeros; one tuple. */
final class SequenceRedo implements RmgrRedo {
    private static final int SPECIAL_SIZE = 8;
    private static final int MAGIC = 0x1717;

    @Override
    public Outcome redo(BlockRedo block) throws PageException, MalformedRecordException {
        Payload data = block.mainData();
        if (block.record().opcode() != 0 || block.blockId() != 0) {
            throw data.malformed("a record of a sequence is of type LOG and changes block 0");
        }
        int length = data.length() - SequenceRecord.TUPLE_OFFSET;
        if (length < HeapTuple.HEADER_SIZE) {
            throw data.malformed("a tuple of " + length + " bytes");
        }
        Page page = block.page();
        page.initialize(SPECIAL_SIZE);
        page.putI32(page.special(), MAGIC);
        block.editor()
                .addItem(
                        page,
                        data.array(),
                        data.arrayOffset() + SequenceRecord.TUPLE_OFFSET,
                        length,
                        1,
                        PageEditor.Placement.SHUFFLE);
        return Outcome.ADVANCE_LSN;
    }

    @Override
    public void mask(Page page, int blockNumber) throws PageException {
        PageMask.lsnAndChecksum(page);
        PageMask.unusedSpace(page);
    }
}
