package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.BlockTag;
import dev.palimpsest.postgres.ForkNumber;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.page.HeapTuple;
import dev.palimpsest.postgres.page.LinePointer;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.page.PageLayout;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;
import dev.palimpsest.postgres.wal.PayloadReader;
import dev.palimpsest.postgres.wal.WalRecord;

/**
 * Heap: changes to single tuples; {@link dev.palimpsest.postgres.rmgr.HeapRecord} has the main data. Block data:
 *
 * <pre>
 * INSERT   u16 infomask2, u16 infomask, u8 hoff; the tuple from byte 23 on
 * UPDATE   on block 0, the new tuple's page: u16 length of the prefix taken from the old tuple, if flag 0x20; u16 length
 *          of the suffix, if flag 0x40; u16 infomask2, u16 infomask, u8 hoff; the tuple from byte 23 on without prefix
 *          (which belongs at hoff) and suffix
 * INPLACE  the attributes, all of them
 * </pre>
 *
 * <p>Block 1 of an update is the old tuple's page, if that is another. From 17.11 and 18.6 on, a page of the visibility
 * map may follow: as block 1, in an update as block 2 for the new tuple and 3 for the old one.
 */
final class HeapRedo implements RmgrRedo {
    /** The bits of the info byte that are the type; the one beside them says that the page is made anew. */
    static final int TYPE = 0x70;

    static final int INSERT = 0x00;
    static final int DELETE = 0x10;
    static final int UPDATE = 0x20;
    static final int HOT_UPDATE = 0x40;
    static final int LOCK = 0x60;

    /** The visibility map's page in records of one heap page. */
    static final int MAP_BLOCK = 1;

    /** In an update, the page with the old tuple, if it is not block 0. */
    static final int OLD_PAGE = 1;

    /** In an update, the visibility map's page for block 0. */
    static final int NEW_MAP_BLOCK = 2;

    /** In an update, the visibility map's page for the old tuple's page. */
    static final int OLD_MAP_BLOCK = 3;

    private static final int CONFIRM = 0x50;
    private static final int INPLACE = 0x70;

    private static final int ALL_VISIBLE_CLEARED = 0x01;
    private static final int INSERT_ALL_FROZEN_SET = 0x20;
    private static final int DELETE_SUPER = 0x08;
    private static final int DELETE_PARTITION_MOVE = 0x10;
    private static final int NEW_ALL_VISIBLE_CLEARED = 0x02;
    private static final int PREFIX_FROM_OLD = 0x20;
    private static final int SUFFIX_FROM_OLD = 0x40;
    private static final int UPDATE_SIZE = 14;

    @Override
    public Outcome redo(BlockRedo block) throws PageException, MalformedRecordException {
        if (block.record().forkNumber(block.blockId()) == ForkNumber.VISIBILITY_MAP.number()) {
            return clearOnMap(block);
        }
        int type = block.record().opcode() & TYPE;
        boolean update = type == UPDATE || type == HOT_UPDATE;
        if (block.blockId() > (update ? OLD_PAGE : 0)) {
            throw block.mainData().malformed("block reference " + block.blockId() + " is no heap page");
        }
        switch (type) {
            case INSERT -> insert(block);
            case DELETE -> delete(block);
            case UPDATE, HOT_UPDATE -> update(block, type == HOT_UPDATE);
            case CONFIRM -> confirm(block);
            case LOCK -> lock(block);
            case INPLACE -> inPlace(block);
            default -> throw block.mainData().malformed("a record of type TRUNCATE changes no page");
        }
        return Outcome.ADVANCE_LSN;
    }

    private static void insert(BlockRedo block) throws PageException, MalformedRecordException {
        Page page = block.page();
        Payload main = block.mainData();
        Payload data = block.data();
        int number = main.u16(0);
        int flags = main.u8(2);
        if (block.action() == BlockRedo.Action.INITIALIZE) {
            page.initialize(0);
        }
        HeapEdits.addTuple(block, data, 0, data.length() - HeapEdits.WAL_TUPLE_HEADER, number);
        if ((flags & ALL_VISIBLE_CLEARED) != 0) {
            page.clearFlags(PageLayout.ALL_VISIBLE);
        }
        if ((flags & INSERT_ALL_FROZEN_SET) != 0 && !block.version().isAtLeast(PostgresVersion.V17)) {
            page.setFlags(PageLayout.ALL_VISIBLE);
        }
    }

    private static void delete(BlockRedo block) throws PageException, MalformedRecordException {
        Page page = block.page();
        Payload main = block.mainData();
        main.check(0, 8);
        int number = main.u16(4);
        int flags = main.u8(7);
        int tuple = page.normalItem(number, HeapTuple.HEADER_SIZE);
        HeapEdits.replaceXmaxBits(page, tuple, main.u8(6));
        HeapEdits.putInfomask2(page, tuple, HeapTuple.HOT_UPDATED, false);
        if ((flags & DELETE_SUPER) != 0) {
            HeapTuple.setXmin(page, tuple, 0);
        } else {
            HeapTuple.setXmax(page, tuple, main.i32(0));
        }
        HeapTuple.clearCid(page, tuple);
        HeapEdits.setPrunable(page, block.record().xid());
        if ((flags & ALL_VISIBLE_CLEARED) != 0) {
            page.clearFlags(PageLayout.ALL_VISIBLE);
        }
        if ((flags & DELETE_PARTITION_MOVE) != 0) {
            HeapTuple.setCtid(page, tuple, BlockTag.INVALID_BLOCK, HeapTuple.MOVED_PARTITIONS_OFFSET);
        } else {
            HeapTuple.setCtid(page, tuple, block.blockNumber(), number);
        }
    }

    private static void update(BlockRedo block, boolean hot) throws PageException, MalformedRecordException {
        Payload main = block.mainData();
        main.check(0, UPDATE_SIZE);
        WalRecord record = block.record();
        boolean samePage = !record.hasBlock(OLD_PAGE);
        if (!record.hasBlock(0)) {
            throw main.malformed("the page with the new tuple is missing");
        }
        if (hot && !samePage) {
            throw main.malformed("a heap-only update has both tuples on one page");
        }
        if (block.blockId() == OLD_PAGE) {
            markOld(block, block.page().normalItem(main.u16(4), HeapTuple.HEADER_SIZE), false);
        } else if (samePage) {
            if (block.action() == BlockRedo.Action.INITIALIZE) {
                throw main.malformed("the page with the old tuple is made anew");
            }
            int old = block.page().normalItem(main.u16(4), HeapTuple.HEADER_SIZE);
            int oldLength = LinePointer.length(block.page().linePointer(main.u16(4)));
            addNew(block, old, oldLength);
            markOld(block, old, hot);
        } else {
            if (block.action() == BlockRedo.Action.INITIALIZE) {
                block.page().initialize(0);
            }
            addNew(block, -1, 0);
        }
    }

    /** The old tuple; cannot fail, as {@code tuple} is one and the main data is long enough. */
    private static void markOld(BlockRedo block, int tuple, boolean hot)
            throws PageException, MalformedRecordException {
        Page page = block.page();
        Payload main = block.mainData();
        HeapEdits.replaceXmaxBits(page, tuple, main.u8(6));
        HeapEdits.putInfomask2(page, tuple, HeapTuple.HOT_UPDATED, hot);
        HeapTuple.setXmax(page, tuple, main.i32(0));
        HeapTuple.clearCid(page, tuple);
        HeapTuple.setCtid(page, tuple, block.record().blockNumber(0), main.u16(12));
        HeapEdits.setPrunable(page, block.record().xid());
        if ((main.u8(7) & ALL_VISIBLE_CLEARED) != 0) {
            page.clearFlags(PageLayout.ALL_VISIBLE);
        }
    }

    /**
     * The new tuple. Throws only before the first change.
     *
     * @param old where the old tuple begins in the page, -1 if it is on another
     */
    private static void addNew(BlockRedo block, int old, int oldLength) throws PageException, MalformedRecordException {
        Page page = block.page();
        Payload main = block.mainData();
        Payload data = block.data();
        int flags = main.u8(7);
        PayloadReader reader = data.readerAt(0);
        int prefix = (flags & PREFIX_FROM_OLD) != 0 ? reader.u16() : 0;
        int suffix = (flags & SUFFIX_FROM_OLD) != 0 ? reader.u16() : 0;
        int infomask2 = reader.u16();
        int infomask = reader.u16();
        int hoff = reader.u8();
        int own = reader.remaining();
        int bitmap = hoff - HeapTuple.HEADER_SIZE;
        int oldBody = old < 0 ? 0 : HeapTuple.hoff(page, old);
        if (old < 0 && prefix + suffix > 0) {
            throw data.malformed("a prefix or suffix of a tuple on another page");
        }
        if ((prefix > 0 && oldBody + prefix > oldLength) || suffix > oldLength) {
            throw new PageException("a prefix of " + prefix + " and a suffix of " + suffix
                    + " bytes are to be taken from a tuple of " + oldLength + " whose attributes begin at " + oldBody);
        }
        if (bitmap <= 0 || own < bitmap) {
            throw data.malformed(own + " bytes of a tuple whose attributes begin at " + hoff);
        }
        int number = main.u16(12);
        int length = HeapTuple.HEADER_SIZE + own + prefix + suffix;
        int tuple = HeapEdits.reserve(block, data, number, length, hoff);
        HeapEdits.writeHeader(block, tuple, number, main.i32(8), infomask2, infomask, hoff);
        int from = reader.take(own);
        page.put(tuple + HeapTuple.HEADER_SIZE, data.array(), from, bitmap);
        page.put(tuple + hoff + prefix, data.array(), from + bitmap, own - bitmap);
        if (prefix > 0) {
            page.move(old + oldBody, tuple + hoff, prefix);
        }
        if (suffix > 0) {
            page.move(old + oldLength - suffix, tuple + length - suffix, suffix);
        }
        if ((flags & NEW_ALL_VISIBLE_CLEARED) != 0) {
            page.clearFlags(PageLayout.ALL_VISIBLE);
        }
    }

    private static void confirm(BlockRedo block) throws PageException, MalformedRecordException {
        int number = block.mainData().u16(0);
        int tuple = block.page().normalItem(number, HeapTuple.HEADER_SIZE);
        HeapTuple.setCtid(block.page(), tuple, block.blockNumber(), number);
    }

    private static void lock(BlockRedo block) throws PageException, MalformedRecordException {
        Page page = block.page();
        int tuple = HeapEdits.lock(block);
        if (HeapTuple.isLockedOnly(HeapTuple.infomask(page, tuple))) {
            HeapEdits.putInfomask2(page, tuple, HeapTuple.HOT_UPDATED, false);
            HeapTuple.setCtid(page, tuple, block.blockNumber(), block.mainData().u16(4));
        }
        HeapTuple.clearCid(page, tuple);
    }

    private static void inPlace(BlockRedo block) throws PageException, MalformedRecordException {
        Page page = block.page();
        Payload data = block.data();
        int number = block.mainData().u16(0);
        int tuple = page.normalItem(number, HeapTuple.HEADER_SIZE);
        int hoff = HeapTuple.hoff(page, tuple);
        int length = LinePointer.length(page.linePointer(number)) - hoff;
        if (hoff < HeapTuple.HEADER_SIZE || length != data.length()) {
            throw new PageException("tuple " + number + " has " + length + " bytes from " + hoff + " on, and is to be"
                    + " overwritten by " + data.length());
        }
        page.put(tuple + hoff, data.array(), data.arrayOffset(), data.length());
    }

    private static Outcome clearOnMap(BlockRedo block) throws PageException, MalformedRecordException {
        WalRecord record = block.record();
        boolean changed = switch (record.opcode() & TYPE) {
            case INSERT -> clearForPage(block, 2, VisibilityMap.ALL_BITS);
            case DELETE -> clearForPage(block, 7, VisibilityMap.ALL_BITS);
            case LOCK -> clearForPage(block, 7, VisibilityMap.ALL_FROZEN);
            case UPDATE, HOT_UPDATE -> clearForUpdate(block);
            default -> throw block.mainData().malformed("this type does not change the visibility map");
        };
        return changed ? Outcome.ADVANCE_LSN : Outcome.UNCHANGED;
    }

    /**
     * Clears, on a page of the map that is a block of the record, what the record says about block 0 if the lowest of
     * the flags at {@code flagsAt} in its main data is set. Returns whether that changed anything.
     */
    static boolean clearForPage(BlockRedo block, int flagsAt, int bits) throws PageException, MalformedRecordException {
        int flags = block.mainData().u8(flagsAt);
        if (block.blockId() != MAP_BLOCK) {
            throw block.mainData().malformed("block reference " + block.blockId() + " is of the visibility map");
        }
        return (flags & ALL_VISIBLE_CLEARED) != 0 && clear(block, 0, bits);
    }

    private static boolean clearForUpdate(BlockRedo block) throws PageException, MalformedRecordException {
        WalRecord record = block.record();
        int flags = block.mainData().u8(7);
        int oldPage = record.hasBlock(OLD_PAGE) ? OLD_PAGE : 0;
        boolean changed = false;
        if (block.blockId() == NEW_MAP_BLOCK) {
            changed = clear(block, 0, VisibilityMap.ALL_BITS);
            if ((flags & ALL_VISIBLE_CLEARED) != 0
                    && VisibilityMap.pageOf(record.blockNumber(oldPage)) == block.blockNumber()) {
                changed |= clear(block, oldPage, VisibilityMap.ALL_BITS);
            }
        } else if (block.blockId() == OLD_MAP_BLOCK) {
            changed = clear(block, oldPage, VisibilityMap.ALL_BITS);
        } else {
            throw block.mainData().malformed("block reference " + block.blockId() + " is of the visibility map");
        }
        return changed;
    }

    private static boolean clear(BlockRedo block, int heapBlockId, int bits)
            throws PageException, MalformedRecordException {
        WalRecord record = block.record();
        if (!record.hasBlock(heapBlockId)
                || VisibilityMap.pageOf(record.blockNumber(heapBlockId)) != block.blockNumber()) {
            throw block.mainData()
                    .malformed("page " + block.blockNumber() + " of the visibility map is not the one of"
                            + " block reference " + heapBlockId);
        }
        return VisibilityMap.clear(block.page(), record.blockNumber(heapBlockId), bits);
    }

    /** True of every type; nothing that follows the first change can fail. */
    @Override
    public boolean checksFirst(WalRecord record) {
        return true;
    }

    @Override
    public void mask(Page page, int blockNumber) throws PageException {
        HeapEdits.mask(page, blockNumber);
    }
}
