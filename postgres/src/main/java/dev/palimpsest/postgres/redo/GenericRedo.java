package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.page.PageMask;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.PayloadReader;

/**
 * Generic: bytes of a page, whatever they mean. Block data: fragments of u16 offset, u16 length and the bytes, until it
 * ends. What lies between lower and upper afterwards becomes zero.
 */
final class GenericRedo implements RmgrRedo {
    @Override
    public Outcome redo(BlockRedo block) throws PageException, MalformedRecordException {
        Page page = block.page();
        PayloadReader data = block.data().readerAt(0);
        while (data.remaining() > 0) {
            int offset = data.u16();
            int length = data.u16();
            page.put(offset, block.data().array(), data.take(length), length);
        }
        page.checkHeader();
        page.zero(page.lower(), page.upper());
        return Outcome.ADVANCE_LSN;
    }

    @Override
    public void mask(Page page, int blockNumber) throws PageException {
        PageMask.lsnAndChecksum(page);
        PageMask.unusedSpace(page);
    }
}
