package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.page.LinePointer;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.page.PageLayout;
import dev.palimpsest.postgres.page.PageMask;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;

/**
 * What makes a page one of a B-tree. The special area, 16 bytes:
 *
 * <pre>
 * offset size
 *      0    4  block of the left sibling, 0 if there is none
 *      4    4  block of the right sibling, 0 if there is none
 *      8    4  level, 0 for leaves
 *     12    2  flags: 1 leaf, 2 root, 4 deleted, 8 meta, 10 half-dead, 20 split end, 40 has garbage, 80 incomplete
 *              split, 100 has the full xid of its deletion (hexadecimal)
 *     14    2  cycle id of the vacuum during which the page was split
 * </pre>
 *
 * <p>Item 1 of a page with a right sibling is its high key, the rest are data. A deleted page has in place of line
 * pointers the u64 xid of its deletion, at 24. The meta page, block 0, has at 24, with pd_lower 72:
 *
 * <pre>
 * offset size
 *      0    4  0x053162
 *      4    4  version
 *      8    4  block of the root; 12 u32 its level
 *     16    4  block of the fast root; 20 u32 its level
 *     24    4  deleted pages at the last cleanup; 4 zeros
 *     32    8  f64, always -1.0
 *     40    1  whether equal keys are equal images; 7 zeros
 * </pre>
 */
final class BtreePage {
    static final int LEAF = 0x0001;
    static final int ROOT = 0x0002;
    static final int DELETED = 0x0004;
    static final int HALF_DEAD = 0x0010;
    static final int HAS_GARBAGE = 0x0040;
    static final int INCOMPLETE_SPLIT = 0x0080;
    static final int HAS_FULL_XID = 0x0100;

    private static final int META = 0x0008;
    private static final int SPLIT_END = 0x0020;

    private static final int SPECIAL_SIZE = 16;
    private static final int SPECIAL = PageLayout.PAGE_SIZE - SPECIAL_SIZE;
    private static final int PREVIOUS = SPECIAL;
    private static final int NEXT = SPECIAL + 4;
    private static final int LEVEL = SPECIAL + 8;
    private static final int FLAGS = SPECIAL + 12;
    private static final int CYCLE_ID = SPECIAL + 14;

    private static final int CONTENT = PageLayout.HEADER_SIZE;
    private static final int META_MAGIC = 0x053162;
    private static final int META_SIZE = 48;
    private static final int META_RECORD_SIZE = 28;

    private BtreePage() {}

    /** Makes it an empty page of a B-tree. */
    static void initialize(Page page, int previous, int next, int level, int flags) throws PageException {
        page.initialize(SPECIAL_SIZE);
        page.putI32(PREVIOUS, previous);
        page.putI32(NEXT, next);
        page.putI32(LEVEL, level);
        page.putU16(FLAGS, flags);
    }

    /** Makes {@code target} an empty page with the special area of {@code page}. */
    static void initializeLike(Page target, Page page) throws PageException {
        target.initialize(SPECIAL_SIZE);
        target.put(SPECIAL, page.bytes(), SPECIAL, SPECIAL_SIZE);
    }

    /** @throws PageException unless it is a page of a B-tree, other than the meta page */
    static void check(Page page) throws PageException {
        page.specialOf(SPECIAL_SIZE);
        if ((page.u16(FLAGS) & META) != 0) {
            throw new PageException("it is the meta page of a B-tree, where another one is needed");
        }
    }

    /** @throws PageException unless it is a page of a B-tree that can take data, on this level */
    static void checkLevel(Page page, boolean leaf) throws PageException {
        check(page);
        int flags = page.u16(FLAGS);
        if ((flags & (LEAF | DELETED | HALF_DEAD)) != (leaf ? LEAF : 0)) {
            throw new PageException("it is no live " + (leaf ? "leaf" : "inner page") + " of a B-tree: flags = 0x"
                    + Integer.toHexString(flags));
        }
    }

    /** The number of the first item that is not the high key. */
    static int firstDataItem(Page page) throws PageException {
        return page.i32(NEXT) == 0 ? 1 : 2;
    }

    static void putFlags(Page page, int flags) throws PageException {
        page.putU16(FLAGS, flags);
    }

    static void clearFlags(Page page, int flags) throws PageException {
        page.putU16(FLAGS, page.u16(FLAGS) & ~flags);
    }

    static void putPrevious(Page page, int block) throws PageException {
        page.putI32(PREVIOUS, block);
    }

    static void putNext(Page page, int block) throws PageException {
        page.putI32(NEXT, block);
    }

    static void clearCycleId(Page page) throws PageException {
        page.putU16(CYCLE_ID, 0);
    }

    /** Gives a new page the xid from which on nobody can be on the way to it any more. */
    static void putDeletionXid(Page page, long xid) throws PageException {
        page.putI64(CONTENT, xid);
        page.setLower(CONTENT + Long.BYTES);
    }

    /** Blanks out what there is no WAL for: hints, and on leaves which items are marked dead. */
    static void mask(Page page) throws PageException {
        page.specialOf(SPECIAL_SIZE);
        if ((page.u16(FLAGS) & LEAF) != 0) {
            PageMask.linePointerStates(page);
        }
        clearFlags(page, HAS_GARBAGE | SPLIT_END);
        clearCycleId(page);
    }

    /**
     * Fills an empty page with items that are stored as they lie on it, the last one first.
     *
     * @throws PageException if there are too many
     * @throws MalformedRecordException if these are not tuples, one next to the other
     */
    static void restoreItems(Page page, Payload items) throws PageException, MalformedRecordException {
        int length = items.length();
        int count = 0;
        for (int at = 0; at < length; count++) {
            at += BtreeTuple.alignedSize(items, at);
        }
        int upper = page.special() - length;
        int lower = CONTENT + count * PageLayout.LINE_POINTER_SIZE;
        if (lower > upper) {
            throw new PageException(count + " items of together " + length + " bytes do not fit on a page");
        }
        page.setLower(lower);
        page.setUpper(upper);
        page.put(upper, items.array(), items.arrayOffset(), length);
        int at = 0;
        for (int number = count; number >= 1; number--) {
            int size = BtreeTuple.alignedSize(items, at);
            page.setLinePointer(number, LinePointer.of(upper + at, LinePointer.NORMAL, size));
            at += size;
        }
    }

    /**
     * Makes it the meta page that the data says, 28 bytes: those of the meta page from the version to the deleted
     * pages, then u8 whether equal keys are equal images, 3 anything.
     *
     * @throws MalformedRecordException if it has another length
     */
    static void restoreMeta(Page page, Payload data) throws PageException, MalformedRecordException {
        if (data.length() != META_RECORD_SIZE) {
            throw data.malformed("the data of a meta page has " + META_RECORD_SIZE + " bytes, not " + data.length());
        }
        initialize(page, 0, 0, 0, META);
        page.putI32(CONTENT, META_MAGIC);
        page.put(CONTENT + 4, data.array(), data.arrayOffset(), 24);
        page.putI64(CONTENT + 32, Double.doubleToRawLongBits(-1.0));
        page.putU8(CONTENT + 40, data.u8(24));
        page.setLower(CONTENT + META_SIZE);
    }
}
