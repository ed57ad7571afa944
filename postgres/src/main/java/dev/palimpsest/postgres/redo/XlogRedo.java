package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageMask;
import dev.palimpsest.postgres.wal.MalformedRecordException;

/**
 * XLOG: page images, which need nothing but to be restored. A hint's image may be missing, when full-page writes are off;
 * then nothing happens, and the page's LSN stays too.
 */
final class XlogRedo implements RmgrRedo {
    private static final int FPI_FOR_HINT = 0xA0;

    @Override
    public Outcome redo(BlockRedo block) throws MalformedRecordException {
        if (block.record().opcode() == FPI_FOR_HINT) {
            return Outcome.UNCHANGED;
        }
        throw block.mainData().malformed("block reference " + block.blockId() + " has no image");
    }

    /** PostgreSQL has none: these records are never compared. */
    @Override
    public void mask(Page page, int blockNumber) {
        PageMask.lsnAndChecksum(page);
    }
}
