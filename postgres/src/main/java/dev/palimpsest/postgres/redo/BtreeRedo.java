package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageEditor;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.page.PageMask;
import dev.palimpsest.postgres.rmgr.BtreeRecord;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;
import dev.palimpsest.postgres.wal.PayloadReader;
import dev.palimpsest.postgres.wal.WalRecord;

/** Btree. {@link BtreeRecord} has the records, {@link BtreePage} the pages, {@link BtreeTuple} the tuples. */
final class BtreeRedo implements RmgrRedo {
    private static final int INSERT_META_BLOCK = 2;
    private static final int NEW_ROOT_META_BLOCK = 2;
    private static final int UNLINK_META_BLOCK = 4;

    @Override
    public Outcome redo(BlockRedo block) throws PageException, MalformedRecordException {
        switch (block.record().opcode()) {
            case BtreeRecord.INSERT_LEAF, BtreeRecord.INSERT_UPPER, BtreeRecord.INSERT_META -> insert(block);
            case BtreeRecord.INSERT_POST -> insertIntoPosting(block);
            case BtreeRecord.SPLIT_L, BtreeRecord.SPLIT_R -> split(block);
            case BtreeRecord.DEDUP -> BtreeRebuild.deduplicate(only(block));
            case BtreeRecord.DELETE -> delete(only(block), 4);
            case BtreeRecord.VACUUM -> vacuum(only(block));
            case BtreeRecord.MARK_PAGE_HALFDEAD -> markHalfDead(block);
            case BtreeRecord.UNLINK_PAGE, BtreeRecord.UNLINK_PAGE_META -> unlink(block);
            case BtreeRecord.NEWROOT -> newRoot(block);
            case BtreeRecord.META_CLEANUP -> restoreMeta(only(block));
            default -> throw noSuchBlock(block);
        }
        return Outcome.ADVANCE_LSN;
    }

    /** Inserts are the bulk of an index's WAL; they are checked in full before they change anything. */
    @Override
    public boolean checksFirst(WalRecord record) {
        int opcode = record.opcode();
        return opcode <= BtreeRecord.INSERT_META || opcode == BtreeRecord.INSERT_POST;
    }

    @Override
    public void mask(Page page, int blockNumber) throws PageException {
        PageMask.lsnAndChecksum(page);
        PageMask.headerHints(page);
        PageMask.unusedSpace(page);
        BtreePage.mask(page);
    }

    private static MalformedRecordException noSuchBlock(BlockRedo block) {
        return block.mainData().malformed("a record of this type does not change block reference " + block.blockId());
    }

    private static BlockRedo only(BlockRedo block) throws MalformedRecordException {
        if (block.blockId() != 0) {
            throw noSuchBlock(block);
        }
        return block;
    }

    /** @throws MalformedRecordException if the record does not say that the page is made anew */
    private static Page newPage(BlockRedo block) throws MalformedRecordException {
        if (block.action() != BlockRedo.Action.INITIALIZE) {
            throw block.mainData().malformed("block reference " + block.blockId() + " is not marked as made anew");
        }
        return block.page();
    }

    private static void insert(BlockRedo block) throws PageException, MalformedRecordException {
        int opcode = block.record().opcode();
        boolean leaf = opcode == BtreeRecord.INSERT_LEAF;
        if (block.blockId() == 0) {
            Payload tuple = block.data();
            int size = BtreeTuple.alignedSizeOfLast(tuple, 0);
            int number = block.mainData().u16(0);
            Page page = block.page();
            BtreePage.checkLevel(page, leaf);
            block.editor()
                    .addItem(page, tuple.array(), tuple.arrayOffset(), size, number, PageEditor.Placement.SHUFFLE);
        } else if (block.blockId() == 1 && !leaf) {
            finishSplit(block.page());
        } else if (block.blockId() == INSERT_META_BLOCK && opcode == BtreeRecord.INSERT_META) {
            restoreMeta(block);
        } else {
            throw noSuchBlock(block);
        }
    }

    /** The new tuple belongs between the heap tuples of an existing one: it takes the last of them instead. */
    private static void insertIntoPosting(BlockRedo block) throws PageException, MalformedRecordException {
        Payload data = only(block).data();
        int position = data.u16(0);
        int size = BtreeTuple.alignedSizeOfLast(data, 2);
        int number = block.mainData().u16(0);
        Page page = block.page();
        BtreePage.checkLevel(page, true);
        int posting = BtreeTuple.postingAt(page, number - 1);
        BtreeTuple.checkPosition(page, posting, position);
        int at = block.editor().reserve(page, size, number, PageEditor.Placement.SHUFFLE);
        page.put(at, data.array(), data.arrayOffset() + 2, size);
        BtreeTuple.putTid(page, at, BtreeTuple.swap(page, posting, position, page.tidBlock(at), page.tidOffset(at)));
    }

    private static void finishSplit(Page page) throws PageException {
        BtreePage.check(page);
        BtreePage.clearFlags(page, BtreePage.INCOMPLETE_SPLIT);
    }

    private static void restoreMeta(BlockRedo block) throws PageException, MalformedRecordException {
        BtreePage.restoreMeta(newPage(block), block.data());
    }

    private static void split(BlockRedo block) throws PageException, MalformedRecordException {
        WalRecord record = block.record();
        Payload main = block.mainData();
        int level = main.i32(0);
        if (!record.hasBlock(0) || !record.hasBlock(1)) {
            throw main.malformed("a split without a left or a right page");
        }
        switch (block.blockId()) {
            case 0 -> BtreeRebuild.splitLeft(block, level == 0, record.blockNumber(1));
            case 1 -> {
                Page page = newPage(block);
                int next = record.hasBlock(2) ? record.blockNumber(2) : 0;
                BtreePage.initialize(page, record.blockNumber(0), next, level, leafFlag(level));
                BtreePage.restoreItems(page, block.data());
            }
            case 2 -> {
                BtreePage.check(block.page());
                BtreePage.putPrevious(block.page(), record.blockNumber(1));
            }
            case 3 -> {
                if (level == 0) {
                    throw noSuchBlock(block);
                }
                finishSplit(block.page());
            }
            default -> throw noSuchBlock(block);
        }
    }

    private static int leafFlag(int level) {
        return level == 0 ? BtreePage.LEAF : 0;
    }

    private static void vacuum(BlockRedo block) throws PageException, MalformedRecordException {
        delete(block, 0);
        if (block.version().isAtLeast(PostgresVersion.V18)) {
            BtreePage.clearCycleId(block.page());
        }
    }

    /** @param counts where in the main data stands how many items go and how many change */
    private static void delete(BlockRedo block, int counts) throws PageException, MalformedRecordException {
        Page page = block.page();
        BtreePage.checkLevel(page, true);
        int deleted = block.mainData().u16(counts);
        int updated = block.mainData().u16(counts + 2);
        Payload data = block.data();
        data.check(0, 2 * (deleted + updated));
        PayloadReader updates = data.readerAt(2 * (deleted + updated));
        for (int i = 0; i < updated; i++) {
            int number = data.u16(2 * (deleted + i));
            BtreeTuple.removeFromPosting(block.editor(), page, number, updates, data, block.scratch());
        }
        updates.expectEnd();
        if (deleted > 0) {
            int[] numbers = new int[deleted];
            for (int i = 0; i < deleted; i++) {
                numbers[i] = data.u16(2 * i);
            }
            block.editor().deleteItems(page, numbers, deleted);
        }
        BtreePage.clearFlags(page, BtreePage.HAS_GARBAGE);
    }

    private static void markHalfDead(BlockRedo block) throws PageException, MalformedRecordException {
        Payload main = block.mainData();
        switch (block.blockId()) {
            case 0 -> halfDead(block, main.i32(8), main.i32(12), main.i32(16));
            case 1 -> {
                Page page = block.page();
                BtreePage.checkLevel(page, false);
                int number = main.u16(0);
                int tuple = BtreeTuple.at(page, number);
                page.putTid(tuple, page.tidBlock(BtreeTuple.at(page, number + 1)), page.tidOffset(tuple));
                block.editor().deleteItem(page, number + 1);
            }
            default -> throw noSuchBlock(block);
        }
    }

    private static void halfDead(BlockRedo block, int previous, int next, int topParent)
            throws PageException, MalformedRecordException {
        Page page = newPage(block);
        BtreePage.initialize(page, previous, next, 0, BtreePage.HALF_DEAD | BtreePage.LEAF);
        BtreeTuple.addTopParent(block.editor(), page, topParent);
    }

    private static void unlink(BlockRedo block) throws PageException, MalformedRecordException {
        Payload main = block.mainData();
        int left = main.i32(0);
        int right = main.i32(4);
        switch (block.blockId()) {
            case 0 -> {
                Page page = newPage(block);
                int level = main.i32(8);
                int flags = BtreePage.DELETED | BtreePage.HAS_FULL_XID | leafFlag(level);
                BtreePage.initialize(page, left, right, level, flags);
                BtreePage.putDeletionXid(page, main.i64(16));
            }
            case 1 -> {
                BtreePage.check(block.page());
                BtreePage.putNext(block.page(), right);
            }
            case 2 -> {
                BtreePage.check(block.page());
                BtreePage.putPrevious(block.page(), left);
            }
            case 3 -> halfDead(block, main.i32(24), main.i32(28), main.i32(32));
            case UNLINK_META_BLOCK -> {
                if (block.record().opcode() != BtreeRecord.UNLINK_PAGE_META) {
                    throw noSuchBlock(block);
                }
                restoreMeta(block);
            }
            default -> throw noSuchBlock(block);
        }
    }

    private static void newRoot(BlockRedo block) throws PageException, MalformedRecordException {
        int level = block.mainData().i32(4);
        switch (block.blockId()) {
            case 0 -> {
                Page page = newPage(block);
                BtreePage.initialize(page, 0, 0, level, BtreePage.ROOT | leafFlag(level));
                if (level != 0) {
                    BtreePage.restoreItems(page, block.data());
                }
            }
            case 1 -> finishSplit(block.page());
            case NEW_ROOT_META_BLOCK -> restoreMeta(block);
            default -> throw noSuchBlock(block);
        }
    }
}
