package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.TransactionId;
import dev.palimpsest.postgres.page.HeapTuple;
import dev.palimpsest.postgres.page.LinePointer;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageEditor;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.page.PageLayout;
import dev.palimpsest.postgres.page.PageMask;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;

/** What Heap and Heap2 have in common: changes to a tuple's header, new tuples, the mask. */
final class HeapEdits {
    /** Bytes of the header that records have before a new tuple: u16 infomask2, u16 infomask, u8 hoff. */
    static final int WAL_TUPLE_HEADER = 5;

    private static final int MAX_TUPLE_SIZE = 8160;

    /** The tuple header's bits that redo of a change to xmax resets, as {@link #replaceXmaxBits} sets them anew. */
    private static final int RESET_INFOMASK = HeapTuple.XMAX_BITS | HeapTuple.MOVED;

    private HeapEdits() {}

    /**
     * Resets everything that a tuple's header says about xmax and sets what the record says.
     *
     * @param infobits 1 multixact, 2 only locks, 4 exclusive lock, 8 key share lock, 16 keys updated
     */
    static void replaceXmaxBits(Page page, int tuple, int infobits) throws PageException {
        int infomask = HeapTuple.infomask(page, tuple) & ~RESET_INFOMASK;
        infomask |= (infobits & 1) != 0 ? HeapTuple.XMAX_IS_MULTI : 0;
        infomask |= (infobits & 2) != 0 ? HeapTuple.XMAX_LOCK_ONLY : 0;
        infomask |= (infobits & 4) != 0 ? HeapTuple.XMAX_EXCL_LOCK : 0;
        infomask |= (infobits & 8) != 0 ? HeapTuple.XMAX_KEYSHR_LOCK : 0;
        HeapTuple.setInfomask(page, tuple, infomask);
        int infomask2 = HeapTuple.infomask2(page, tuple) & ~HeapTuple.KEYS_UPDATED;
        HeapTuple.setInfomask2(page, tuple, infomask2 | ((infobits & 16) != 0 ? HeapTuple.KEYS_UPDATED : 0));
    }

    /** Sets or clears bits of a tuple's infomask2. */
    static void putInfomask2(Page page, int tuple, int bits, boolean set) throws PageException {
        int infomask2 = HeapTuple.infomask2(page, tuple);
        HeapTuple.setInfomask2(page, tuple, set ? infomask2 | bits : infomask2 & ~bits);
    }

    /** {@code PageSetPrunable}: from this transaction on, the page is worth pruning. */
    static void setPrunable(Page page, int xid) {
        int known = page.pruneXid();
        if (known == TransactionId.INVALID || TransactionId.precedes(xid, known)) {
            page.setPruneXid(xid);
        }
    }

    /**
     * Makes room for a tuple; every check that adding it needs is made here.
     *
     * @param payload what the tuple comes from, for messages
     * @param length the tuple's bytes, header included
     * @param hoff where its attributes are said to begin
     * @return where the tuple begins in the page
     * @throws PageException if it cannot be added as {@code number}; the page is unchanged
     */
    static int reserve(BlockRedo block, Payload payload, int number, int length, int hoff)
            throws PageException, MalformedRecordException {
        if (hoff <= HeapTuple.HEADER_SIZE || hoff > length || length > MAX_TUPLE_SIZE) {
            throw payload.malformed("a tuple of " + length + " bytes whose attributes begin at " + hoff);
        }
        return block.editor().reserve(block.page(), length, number, PageEditor.Placement.HEAP);
    }

    /** Writes the 23 bytes of a new tuple's header; xmin is the record's transaction. */
    static void writeHeader(BlockRedo block, int tuple, int number, int xmax, int infomask2, int infomask, int hoff)
            throws PageException {
        Page page = block.page();
        HeapTuple.setXmin(page, tuple, block.record().xid());
        HeapTuple.setXmax(page, tuple, xmax);
        page.putI32(tuple + HeapTuple.CID, 0);
        HeapTuple.setCtid(page, tuple, block.blockNumber(), number);
        HeapTuple.setInfomask2(page, tuple, infomask2);
        HeapTuple.setInfomask(page, tuple, infomask & ~HeapTuple.COMBOCID);
        page.putU8(tuple + HeapTuple.HOFF, hoff);
    }

    /**
     * Adds a tuple as the record has it.
     *
     * @param header where the data's infomask2, infomask and hoff are
     * @param bodyLength how many bytes of the tuple follow them
     * @throws PageException if it cannot be added; the page is unchanged
     */
    static void addTuple(BlockRedo block, Payload data, int header, int bodyLength, int number)
            throws PageException, MalformedRecordException {
        int body = header + WAL_TUPLE_HEADER;
        data.check(body, bodyLength);
        int infomask2 = data.u16(header);
        int infomask = data.u16(header + 2);
        int hoff = data.u8(header + 4);
        int tuple = reserve(block, data, number, HeapTuple.HEADER_SIZE + bodyLength, hoff);
        writeHeader(block, tuple, number, 0, infomask2, infomask, hoff);
        block.page().put(tuple + HeapTuple.HEADER_SIZE, data.array(), data.arrayOffset() + body, bodyLength);
    }

    /**
     * LOCK and LOCK_UPDATED: the tuple a record of {@code xid xmax, u16 number, u8 infobits, u8 flags} is about, with
     * its xmax replaced. Checks everything before the first change.
     *
     * @return where the tuple begins in the page
     */
    static int lock(BlockRedo block) throws PageException, MalformedRecordException {
        Page page = block.page();
        Payload main = block.mainData();
        main.check(0, 8);
        int tuple = page.normalItem(main.u16(4), HeapTuple.HEADER_SIZE);
        replaceXmaxBits(page, tuple, main.u8(6));
        HeapTuple.setXmax(page, tuple, main.i32(0));
        return tuple;
    }

    /** {@code heap_mask}. */
    static void mask(Page page, int blockNumber) throws PageException {
        PageMask.lsnAndChecksum(page);
        PageMask.headerHints(page);
        PageMask.unusedSpace(page);
        for (int number = 1, last = page.maxOffset(); number <= last; number++) {
            int pointer = page.linePointer(number);
            if (LinePointer.state(pointer) == LinePointer.NORMAL) {
                maskTuple(page, page.normalItem(number, HeapTuple.HEADER_SIZE), blockNumber, number);
            }
            if (LinePointer.hasStorage(pointer)) {
                int end = page.item(number, 1) + LinePointer.length(pointer);
                page.zero(end, Math.min(PageLayout.align8(end), PageLayout.PAGE_SIZE));
            }
        }
    }

    /** The command is known to a running transaction only, hints to whoever looked first. */
    private static void maskTuple(Page page, int tuple, int blockNumber, int number) throws PageException {
        int infomask = HeapTuple.infomask(page, tuple);
        int hints = HeapTuple.isXminFrozen(infomask)
                ? HeapTuple.XMAX_COMMITTED | HeapTuple.XMAX_INVALID
                : HeapTuple.XACT_MASK;
        HeapTuple.setInfomask(page, tuple, infomask & ~hints);
        page.putI32(tuple + HeapTuple.CID, 0);
        if (page.tidOffset(tuple + HeapTuple.CTID) == HeapTuple.SPECULATIVE_OFFSET) {
            HeapTuple.setCtid(page, tuple, blockNumber, number);
        }
    }
}
