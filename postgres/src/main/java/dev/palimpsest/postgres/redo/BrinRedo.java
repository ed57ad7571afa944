package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageEditor;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.rmgr.BrinRecord;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;
import dev.palimpsest.postgres.wal.WalRecord;

/** BRIN. {@link BrinRecord} has the records, {@link BrinPage} the pages. */
final class BrinRedo implements RmgrRedo {
    private static final int NO_BLOCK = -1;

    @Override
    public Outcome redo(BlockRedo block) throws PageException, MalformedRecordException {
        Payload main = block.mainData();
        switch (block.record().opcode()) {
            case BrinRecord.CREATE_INDEX -> {
                only(block);
                BrinPage.initializeMeta(newPage(block), main.i32(0), main.u16(4));
            }
            case BrinRecord.INSERT, BrinRecord.INSERT | BrinRecord.INIT_PAGE -> insert(block, 0);
            case BrinRecord.UPDATE, BrinRecord.UPDATE | BrinRecord.INIT_PAGE -> {
                if (block.blockId() == 2) {
                    delete(block, main.u16(0));
                } else {
                    insert(block, 4);
                }
            }
            case BrinRecord.SAMEPAGE_UPDATE -> replace(block);
            case BrinRecord.REVMAP_EXTEND -> extendRangeMap(block);
            case BrinRecord.DESUMMARIZE -> {
                switch (block.blockId()) {
                    case 0 -> putSummary(block, main.i32(4), main.i32(0), NO_BLOCK, 0);
                    case 1 -> delete(block, main.u16(8));
                    default -> throw noSuchBlock(block);
                }
            }
            default -> throw noSuchBlock(block);
        }
        return Outcome.ADVANCE_LSN;
    }

    /** New and changed summaries are all there is, mostly; they are checked in full before they change anything. */
    @Override
    public boolean checksFirst(WalRecord record) {
        int opcode = record.opcode();
        return opcode == BrinRecord.INSERT || opcode == BrinRecord.SAMEPAGE_UPDATE;
    }

    @Override
    public void mask(Page page, int blockNumber) throws PageException {
        BrinPage.mask(page);
    }

    private static MalformedRecordException noSuchBlock(BlockRedo block) {
        return block.mainData().malformed("a record of this type does not change block reference " + block.blockId());
    }

    private static void only(BlockRedo block) throws MalformedRecordException {
        if (block.blockId() != 0) {
            throw noSuchBlock(block);
        }
    }

    /** @throws MalformedRecordException if the record does not say that the page is made anew */
    private static Page newPage(BlockRedo block) throws MalformedRecordException {
        if (block.action() != BlockRedo.Action.INITIALIZE) {
            throw block.mainData().malformed("block reference " + block.blockId() + " is not marked as made anew");
        }
        return block.page();
    }

    /** @param at where in the main data stands what an INSERT has */
    private static void insert(BlockRedo block, int at) throws PageException, MalformedRecordException {
        Payload main = block.mainData();
        int heapBlock = main.i32(at);
        int pagesPerRange = main.i32(at + 4);
        int item = main.u16(at + 8);
        switch (block.blockId()) {
            case 0 -> {
                Payload tuple = tuple(block);
                Page page = block.page();
                if ((block.record().opcode() & BrinRecord.INIT_PAGE) != 0) {
                    BrinPage.initialize(newPage(block), BrinPage.REGULAR);
                }
                BrinPage.check(page, BrinPage.REGULAR);
                block.editor()
                        .addItem(
                                page,
                                tuple.array(),
                                tuple.arrayOffset(),
                                tuple.length(),
                                item,
                                PageEditor.Placement.OVERWRITE);
            }
            case 1 -> {
                if (!block.record().hasBlock(0)) {
                    throw main.malformed("a record of this type needs block reference 0");
                }
                putSummary(block, heapBlock, pagesPerRange, block.record().blockNumber(0), item);
            }
            default -> throw noSuchBlock(block);
        }
    }

    private static Payload tuple(BlockRedo block) throws MalformedRecordException {
        Payload tuple = block.data();
        if (tuple.length() == 0) {
            throw tuple.malformed("there is no tuple");
        }
        return tuple;
    }

    private static void putSummary(BlockRedo block, int heapBlock, int pagesPerRange, int summaryBlock, int item)
            throws PageException, MalformedRecordException {
        if (pagesPerRange == 0) {
            throw block.mainData().malformed("a range of no pages");
        }
        BrinPage.putSummary(block.page(), heapBlock, pagesPerRange, summaryBlock, item);
    }

    private static void replace(BlockRedo block) throws PageException, MalformedRecordException {
        only(block);
        int item = block.mainData().u16(0);
        Payload tuple = tuple(block);
        Page page = block.page();
        BrinPage.check(page, BrinPage.REGULAR);
        block.editor().overwriteItem(page, item, tuple.array(), tuple.arrayOffset(), tuple.length());
    }

    private static void delete(BlockRedo block, int item) throws PageException {
        BrinPage.check(block.page(), BrinPage.REGULAR);
        block.editor().deleteItemKeepingNumbers(block.page(), item);
    }

    private static void extendRangeMap(BlockRedo block) throws PageException, MalformedRecordException {
        int target = block.mainData().i32(0);
        switch (block.blockId()) {
            case 0 -> BrinPage.putLastRangeMapBlock(block.page(), target);
            case 1 -> BrinPage.initialize(newPage(block), BrinPage.RANGE_MAP);
            default -> throw noSuchBlock(block);
        }
    }
}
