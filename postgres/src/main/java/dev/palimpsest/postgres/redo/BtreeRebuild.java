package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.page.LinePointer;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageEditor;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.rmgr.BtreeRecord;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;

/** The changes to a page of a B-tree that write all its items anew, in the order of their line pointers. */
final class BtreeRebuild {
    private static final int INTERVAL_SIZE = 4;

    private BtreeRebuild() {}

    /**
     * What stays on the left of a split. Main data: u32 level, u16 number of the first item that goes to the right, u16
     * number of the new item, u16 its position in the posting list of the item before it, or 0. Block data: the new
     * item, if it stays on the left or has such a position; the high key.
     */
    static void splitLeft(BlockRedo block, boolean leaf, int right) throws PageException, MalformedRecordException {
        Page page = block.page();
        Payload main = block.mainData();
        Payload data = block.data();
        int firstRight = main.u16(4);
        int newItem = main.u16(6);
        int position = main.u16(8);
        boolean newOnLeft = block.record().opcode() == BtreeRecord.SPLIT_L;
        int newSize = newOnLeft || position != 0 ? BtreeTuple.alignedSize(data, 0) : 0;
        int highKeySize = BtreeTuple.alignedSizeOfLast(data, newSize);
        BtreePage.checkLevel(page, leaf);
        int first = BtreePage.firstDataItem(page);
        if (newOnLeft && (newItem < first || newItem > firstRight)) {
            throw main.malformed("the new item is to be number " + newItem + " on the left, which ends before "
                    + firstRight + " and begins with " + first);
        }
        Page left = block.scratch();
        BtreePage.initializeLike(left, page);
        append(block.editor(), left, data.array(), data.arrayOffset() + newSize, highKeySize);
        long newTid = position != 0 ? swapPosting(page, data, newItem, position, first, firstRight) : -1;
        for (int number = first; number <= firstRight; number++) {
            if (newOnLeft && number == newItem) {
                append(block.editor(), left, data.array(), data.arrayOffset(), newSize);
                if (newTid >= 0) {
                    BtreeTuple.putTid(left, left.upper(), newTid);
                }
            }
            if (number < firstRight) {
                copyItem(block.editor(), left, page, number);
            }
        }
        BtreePage.putFlags(left, BtreePage.INCOMPLETE_SPLIT | (leaf ? BtreePage.LEAF : 0));
        BtreePage.putNext(left, right);
        BtreePage.clearCycleId(left);
        page.copyFrom(left);
    }

    /** Puts the new item's pointer into the posting list before it, and returns the one the new item gets. */
    private static long swapPosting(Page page, Payload data, int newItem, int position, int first, int firstRight)
            throws PageException, MalformedRecordException {
        if (newItem <= first || newItem > firstRight) {
            throw data.malformed("the posting list to change is in item " + (newItem - 1) + ", which is not one of "
                    + first + " to " + (firstRight - 1) + " on the left");
        }
        int posting = BtreeTuple.postingAt(page, newItem - 1);
        BtreeTuple.checkPosition(page, posting, position);
        int block = Integer.rotateLeft(data.i32(0), 16);
        return BtreeTuple.swap(page, posting, position, block, data.u16(4));
    }

    private static void append(PageEditor editor, Page page, byte[] item, int from, int size) throws PageException {
        editor.addItem(page, item, from, size, page.maxOffset() + 1, PageEditor.Placement.SHUFFLE);
    }

    private static void copyItem(PageEditor editor, Page target, Page page, int number) throws PageException {
        int at = BtreeTuple.at(page, number);
        append(editor, target, page.bytes(), at, LinePointer.length(page.linePointer(number)));
    }

    /**
     * Merges items that have the same key. Main data: u16 how many intervals; block data: for each, u16 number of its
     * first item, u16 how many items become one.
     */
    static void deduplicate(BlockRedo block) throws PageException, MalformedRecordException {
        Page page = block.page();
        Payload intervals = block.data();
        int count = block.mainData().u16(0);
        if (intervals.length() != count * INTERVAL_SIZE) {
            throw intervals.malformed(
                    count + " intervals of " + INTERVAL_SIZE + " bytes are not " + intervals.length());
        }
        BtreePage.checkLevel(page, true);
        Page merged = block.scratch();
        BtreePage.initializeLike(merged, page);
        int number = BtreePage.firstDataItem(page);
        int last = page.maxOffset();
        if (number > 1) {
            copyItem(block.editor(), merged, page, 1);
        }
        int done = 0;
        while (number <= last) {
            if (done < count && intervals.u16(done * INTERVAL_SIZE) == number) {
                int items = intervals.u16(done * INTERVAL_SIZE + 2);
                if (items < 2 || items > last - number + 1) {
                    throw intervals.malformed("item " + number + " of " + last + " begins an interval of " + items);
                }
                merge(block.editor(), merged, page, number, number + items - 1);
                number += items;
                done++;
            } else {
                copyItem(block.editor(), merged, page, number);
                number++;
            }
        }
        if (done != count) {
            throw intervals.malformed("interval " + (done + 1) + " of " + count + " begins at item "
                    + intervals.u16(done * INTERVAL_SIZE) + ", which does not exist or is in the one before");
        }
        BtreePage.clearFlags(merged, BtreePage.HAS_GARBAGE);
        page.copyFrom(merged);
    }

    private static void merge(PageEditor editor, Page target, Page page, int from, int to) throws PageException {
        int count = 0;
        for (int number = from; number <= to; number++) {
            count += BtreeTuple.heapTuples(page, BtreeTuple.at(page, number));
        }
        BtreeTuple.addMerged(editor, target, page, from, to, count);
    }
}
