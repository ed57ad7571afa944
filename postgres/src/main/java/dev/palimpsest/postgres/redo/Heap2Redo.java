package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.ForkNumber;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.page.PageLayout;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;
import dev.palimpsest.postgres.wal.PayloadReader;
import dev.palimpsest.postgres.wal.WalRecord;

/**
 * Heap2: what vacuum does to a heap page, many tuples at once, and setting bits of the visibility map;
 * {@link dev.palimpsest.postgres.rmgr.Heap2Record} has the main data, {@link HeapPruning} the block data of pruning and
 * freezing. Block data of MULTI_INSERT: for each tuple, from the next multiple of 2 on, u16 length, u16 infomask2, u16
 * infomask, u8 hoff, and that many bytes of the tuple from byte 23 on.
 *
 * <p>VISIBLE: block 0 is a page of the visibility map, block 1 the heap page. MULTI_INSERT and LOCK_UPDATED may, from
 * 17.11 and 18.6 on, refer to a page of the map as block 1.
 */
final class Heap2Redo implements RmgrRedo {
    static final int MULTI_INSERT = 0x50;
    static final int LOCK_UPDATED = 0x60;

    /** Up to PostgreSQL 16 PRUNE, VACUUM and FREEZE_PAGE; since 17 one format for three occasions. */
    static final int PRUNE = 0x10;

    static final int VACUUM = 0x20;
    static final int FREEZE_PAGE = 0x30;

    private static final int VISIBLE = 0x40;
    private static final int ALL_VISIBLE_CLEARED = 0x01;
    private static final int ALL_FROZEN_SET = 0x20;

    @Override
    public Outcome redo(BlockRedo block) throws PageException, MalformedRecordException {
        int type = block.record().opcode() & HeapRedo.TYPE;
        if (type == VISIBLE) {
            return visible(block);
        }
        if (block.record().forkNumber(block.blockId()) == ForkNumber.VISIBILITY_MAP.number()) {
            return clearOnMap(block, type);
        }
        if (block.blockId() != 0) {
            throw block.mainData().malformed("block reference " + block.blockId() + " is no heap page");
        }
        switch (type) {
            case PRUNE, VACUUM, FREEZE_PAGE -> {
                if (block.version().isAtLeast(PostgresVersion.V17)) {
                    HeapPruning.combined(block);
                } else {
                    HeapPruning.separate(block, type);
                }
            }
            case MULTI_INSERT -> multiInsert(block);
            case LOCK_UPDATED -> HeapEdits.lock(block);
            default -> throw block.mainData().malformed("a record of this type changes no page");
        }
        return Outcome.ADVANCE_LSN;
    }

    private static void multiInsert(BlockRedo block) throws PageException, MalformedRecordException {
        Page page = block.page();
        Payload main = block.mainData();
        Payload data = block.data();
        boolean anew = block.action() == BlockRedo.Action.INITIALIZE;
        int flags = main.u8(0);
        int count = main.u16(2);
        if (anew) {
            page.initialize(0);
        }
        PayloadReader reader = data.readerAt(0);
        for (int i = 0; i < count; i++) {
            reader.align(2);
            int length = reader.u16();
            int header = reader.position();
            reader.take(HeapEdits.WAL_TUPLE_HEADER + length);
            HeapEdits.addTuple(block, data, header, length, anew ? i + 1 : main.u16(4 + 2 * i));
        }
        reader.expectEnd();
        if ((flags & ALL_VISIBLE_CLEARED) != 0) {
            page.clearFlags(PageLayout.ALL_VISIBLE);
        }
        if ((flags & ALL_FROZEN_SET) != 0) {
            page.setFlags(PageLayout.ALL_VISIBLE);
        }
    }

    private static Outcome visible(BlockRedo block) throws PageException, MalformedRecordException {
        Page page = block.page();
        WalRecord record = block.record();
        int bits = block.mainData().u8(4) & VisibilityMap.ALL_BITS;
        if (!record.hasBlock(1)) {
            throw block.mainData().malformed("the heap page is missing");
        }
        if (block.blockId() == 1) {
            page.setFlags(PageLayout.ALL_VISIBLE);
            return block.hintLogging() == HintLogging.ON ? Outcome.ADVANCE_LSN : Outcome.KEEP_LSN;
        }
        int heapBlock = record.blockNumber(1);
        if (block.blockId() != 0 || VisibilityMap.pageOf(heapBlock) != block.blockNumber()) {
            throw block.mainData()
                    .malformed("page " + block.blockNumber() + " of the visibility map is not the one of"
                            + " heap block " + Integer.toUnsignedString(heapBlock));
        }
        if (bits == 0) {
            return Outcome.UNCHANGED;
        }
        if (page.isNew()) {
            page.initialize(0);
        }
        return VisibilityMap.set(page, heapBlock, bits) ? Outcome.ADVANCE_LSN : Outcome.UNCHANGED;
    }

    private static Outcome clearOnMap(BlockRedo block, int type) throws PageException, MalformedRecordException {
        boolean changed = switch (type) {
            case MULTI_INSERT -> HeapRedo.clearForPage(block, 0, VisibilityMap.ALL_BITS);
            case LOCK_UPDATED -> HeapRedo.clearForPage(block, 7, VisibilityMap.ALL_FROZEN);
            default -> throw block.mainData().malformed("this type does not change the visibility map");
        };
        return changed ? Outcome.ADVANCE_LSN : Outcome.UNCHANGED;
    }

    /** Pages of the visibility map come into being when a bit is set. */
    @Override
    public boolean acceptsMissingPage(WalRecord record, int blockId) {
        return blockId == 0 && (record.opcode() & HeapRedo.TYPE) == VISIBLE;
    }

    /** LOCK_UPDATED and VISIBLE; pruning and MULTI_INSERT find faults on the way. */
    @Override
    public boolean checksFirst(WalRecord record) {
        int type = record.opcode() & HeapRedo.TYPE;
        return type == LOCK_UPDATED || type == VISIBLE;
    }

    @Override
    public void mask(Page page, int blockNumber) throws PageException {
        HeapEdits.mask(page, blockNumber);
    }
}
