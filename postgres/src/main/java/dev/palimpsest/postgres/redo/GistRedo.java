package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageEditor;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.page.PageMask;
import dev.palimpsest.postgres.rmgr.GistRecord;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;
import dev.palimpsest.postgres.wal.WalRecord;

/** Gist. {@link GistRecord} has the records, {@link GistPage} the pages. */
final class GistRedo implements RmgrRedo {
    private static final int TUPLE_HEADER_SIZE = 8;
    private static final int TUPLE_INFO = 6;
    private static final int TUPLE_SIZE_BITS = 0x1FFF;
    private static final int UPDATE_SIZE = 4;

    @Override
    public Outcome redo(BlockRedo block) throws PageException, MalformedRecordException {
        int id = block.blockId();
        int opcode = block.record().opcode();
        if (finishesSplit(opcode, id)) {
            finishSplit(block);
        } else if (opcode == GistRecord.PAGE_UPDATE && id == 0) {
            update(block);
        } else if (opcode == GistRecord.DELETE && id == 0) {
            delete(block);
        } else if (opcode == GistRecord.PAGE_SPLIT) {
            split(block);
        } else if (opcode == GistRecord.PAGE_DELETE && id == 0) {
            GistPage.checkLevel(block.page(), true);
            GistPage.delete(block.page(), block.mainData().i64(0));
        } else if (opcode == GistRecord.PAGE_DELETE && id == 1) {
            GistPage.checkLevel(block.page(), false);
            block.editor().deleteItem(block.page(), block.mainData().u16(8));
        } else {
            throw noSuchBlock(block);
        }
        return Outcome.ADVANCE_LSN;
    }

    /** The image of a left child shows it before its split was finished. */
    @Override
    public boolean continuesAfterImage(WalRecord record, int blockId) {
        return finishesSplit(record.opcode(), blockId);
    }

    private static boolean finishesSplit(int opcode, int blockId) {
        return (opcode == GistRecord.PAGE_UPDATE && blockId == 1) || (opcode == GistRecord.PAGE_SPLIT && blockId == 0);
    }

    /** Adding or replacing one tuple is the bulk of an index's WAL, and is checked in full before it changes anything. */
    @Override
    public boolean checksFirst(WalRecord record) {
        Payload main = record.mainData();
        if (record.opcode() != GistRecord.PAGE_UPDATE || main.length() != UPDATE_SIZE) {
            return false;
        }
        return LittleEndian.u16(main.array(), main.arrayOffset()) <= 1
                && LittleEndian.u16(main.array(), main.arrayOffset() + 2) == 1;
    }

    @Override
    public void mask(Page page, int blockNumber) throws PageException {
        PageMask.lsnAndChecksum(page);
        PageMask.headerHints(page);
        PageMask.unusedSpace(page);
        GistPage.mask(page);
    }

    private static MalformedRecordException noSuchBlock(BlockRedo block) {
        return block.mainData().malformed("a record of this type does not change block reference " + block.blockId());
    }

    /** The other half of the page has got a parent: those that come later need not look for it to the right. */
    private static void finishSplit(BlockRedo block) throws PageException {
        Page page = block.page();
        GistPage.checkLive(page);
        GistPage.putNsn(page, block.record().endLsn());
        GistPage.clearFlags(page, GistPage.FOLLOW_RIGHT);
    }

    private static void update(BlockRedo block) throws PageException, MalformedRecordException {
        Page page = block.page();
        GistPage.checkLive(page);
        int deleted = block.mainData().u16(0);
        int inserted = block.mainData().u16(2);
        Payload data = block.data();
        data.check(0, 2 * deleted);
        int from = 2 * deleted;
        if (deleted == 1 && inserted == 1) {
            int size = tupleSize(data, from);
            expectEnd(data, from + size);
            block.editor().overwriteItem(page, data.u16(0), data.array(), data.arrayOffset() + from, size);
            return;
        }
        if (deleted > 0) {
            deleteItems(block, data, 0, deleted);
            if (GistPage.isLeaf(page)) {
                GistPage.setFlags(page, GistPage.TUPLES_DELETED);
            }
        }
        addTuples(block, data, from, inserted);
    }

    private static void delete(BlockRedo block) throws PageException, MalformedRecordException {
        Page page = block.page();
        GistPage.checkLevel(page, true);
        Payload main = block.mainData();
        int count = main.u16(4);
        deleteItems(block, main, GistRecord.deletedItemsAt(block.version()), count);
        GistPage.clearFlags(page, GistPage.HAS_GARBAGE);
        GistPage.setFlags(page, GistPage.TUPLES_DELETED);
    }

    private static void deleteItems(BlockRedo block, Payload data, int from, int count)
            throws PageException, MalformedRecordException {
        data.check(from, 2 * count);
        int[] numbers = new int[count];
        for (int i = 0; i < count; i++) {
            numbers[i] = data.u16(from + 2 * i);
        }
        block.editor().deleteItems(block.page(), numbers, count);
    }

    private static void split(BlockRedo block) throws PageException, MalformedRecordException {
        WalRecord record = block.record();
        Payload main = block.mainData();
        int id = block.blockId();
        int pages = main.u16(18);
        if (id > pages) {
            throw noSuchBlock(block);
        }
        if (block.action() != BlockRedo.Action.INITIALIZE) {
            throw main.malformed("block reference " + id + " is not marked as made anew");
        }
        boolean last = id == pages;
        if (!record.hasBlock(1) || (!last && !record.hasBlock(id + 1))) {
            throw main.malformed("a split into " + pages + " pages that does not name all of them");
        }
        Page page = block.page();
        if (block.blockNumber() == GistPage.ROOT) {
            GistPage.initialize(page, main.i64(8), GistPage.NO_BLOCK, 0);
        } else {
            boolean rootSplit = record.blockNumber(1) == GistPage.ROOT;
            boolean followRight = !last && !rootSplit && main.u8(20) != 0;
            int flags = (main.u8(16) != 0 ? GistPage.LEAF : 0) | (followRight ? GistPage.FOLLOW_RIGHT : 0);
            GistPage.initialize(page, main.i64(8), last ? main.i32(0) : record.blockNumber(id + 1), flags);
        }
        addTuples(block, block.data(), Integer.BYTES, block.data().readerAt(0).count(TUPLE_HEADER_SIZE));
    }

    /** Adds {@code count} tuples at the end of the page; the data ends with them. */
    private static void addTuples(BlockRedo block, Payload data, int from, int count)
            throws PageException, MalformedRecordException {
        int end = from;
        for (int i = 0; i < count; i++) {
            end += tupleSize(data, end);
        }
        expectEnd(data, end);
        Page page = block.page();
        for (int at = from; at < end; ) {
            int size = tupleSize(data, at);
            int number = page.maxOffset() + 1;
            block.editor()
                    .addItem(page, data.array(), data.arrayOffset() + at, size, number, PageEditor.Placement.SHUFFLE);
            at += size;
        }
    }

    private static int tupleSize(Payload data, int offset) throws MalformedRecordException {
        int size = data.u16(offset + TUPLE_INFO) & TUPLE_SIZE_BITS;
        if (size < TUPLE_HEADER_SIZE) {
            throw data.malformed("a tuple of " + size + " bytes at offset " + offset);
        }
        data.check(offset, size);
        return size;
    }

    private static void expectEnd(Payload data, int end) throws MalformedRecordException {
        if (end != data.length()) {
            throw data.malformed((data.length() - end) + " bytes are left over at offset " + end);
        }
    }
}
