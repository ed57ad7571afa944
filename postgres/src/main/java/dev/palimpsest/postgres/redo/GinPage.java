package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.page.PageLayout;
import dev.palimpsest.postgres.rmgr.GinRecord;

/**
 * What makes a page one of a GIN index. The special area, 8 bytes:
 *
 * <pre>
 * offset size
 *      0    4  block of the right sibling, 0xFFFFFFFF if there is none
 *      4    2  on an inner page of a posting tree how many items it has; on a leaf from before 9.4 how many tids; on a
 *              page of the pending list how many heap tuples end on it
 *      6    2  flags: 1 posting tree, 2 leaf, 4 deleted, 8 meta, 10 pending list, 20 a row ends on it, 40 incomplete
 *              split, 80 compressed (hexadecimal)
 * </pre>
 *
 * <p>The meta page, block 0, has at 24 the {@link GinRecord.Metadata}, with pd_lower 80. Pages of the entry tree, whose
 * root is block 1, and of the pending list have ordinary items. A page of a posting tree has at 24 the tid up to which
 * it reaches, at 32 on a leaf segments ({@link GinRecord} has their layout) up to pd_lower, or, if it is not compressed,
 * tids of 6 bytes, and above the leaves items of 10 bytes: u16 high and u16 low half of the child's block, tid up to
 * which that reaches. A deleted page has the xid until which scans may come across it in place of pd_prune_xid.
 */
final class GinPage {
    static final int DATA = 0x01;
    static final int LEAF = 0x02;
    static final int DELETED = 0x04;
    static final int LIST = 0x10;
    static final int LIST_FULL_ROW = 0x20;
    static final int INCOMPLETE_SPLIT = 0x40;
    static final int COMPRESSED = 0x80;

    /** Where the segments, items or tids of a page of a posting tree begin. */
    static final int CONTENT = 32;

    private static final int META = 0x08;
    private static final int KIND = DATA | LEAF | DELETED | META | LIST;

    private static final int SPECIAL_SIZE = 8;
    private static final int SPECIAL = PageLayout.PAGE_SIZE - SPECIAL_SIZE;
    private static final int RIGHT = SPECIAL;
    private static final int MAX_OFFSET = SPECIAL + 4;
    private static final int FLAGS = SPECIAL + 6;

    private static final int POSTING_ITEM_SIZE = 10;

    private GinPage() {}

    /** Makes it an empty page without right sibling. */
    static void initialize(Page page, int flags) throws PageException {
        page.initialize(SPECIAL_SIZE);
        page.putI32(RIGHT, -1);
        page.putU16(FLAGS, flags);
    }

    /** Makes it the meta page, with these 56 bytes, which the caller has checked. */
    static void initializeMeta(Page page, byte[] metadata, int from) throws PageException {
        initialize(page, META);
        page.put(PageLayout.HEADER_SIZE, metadata, from, GinRecord.METADATA_SIZE);
        page.setLower(PageLayout.HEADER_SIZE + GinRecord.METADATA_SIZE);
    }

    /** The flags of a page of a GIN index. */
    static int flags(Page page) throws PageException {
        page.specialOf(SPECIAL_SIZE);
        return page.u16(FLAGS);
    }

    static void putFlags(Page page, int flags) throws PageException {
        page.putU16(FLAGS, flags);
    }

    static void putRight(Page page, int block) throws PageException {
        page.putI32(RIGHT, block);
    }

    static int maxOffset(Page page) throws PageException {
        return page.u16(MAX_OFFSET);
    }

    static void putMaxOffset(Page page, int value) throws PageException {
        page.putU16(MAX_OFFSET, value);
    }

    /** @throws PageException unless it is a live page of this kind: {@link #DATA}, {@link #LEAF}, both, 0 or {@link #LIST} */
    static void check(Page page, int kind) throws PageException {
        int flags = flags(page);
        if ((flags & KIND) != kind) {
            throw new PageException(
                    "it is no live " + nameOf(kind) + " of a GIN index: flags = 0x" + Integer.toHexString(flags));
        }
    }

    private static String nameOf(int kind) {
        if (kind == LIST) {
            return "page of the pending list";
        }
        return ((kind & LEAF) != 0 ? "leaf of " : "inner page of ")
                + ((kind & DATA) != 0 ? "a posting tree" : "the entry tree");
    }

    /** @throws PageException unless it is a live page of a posting tree, on whatever level */
    static void checkData(Page page) throws PageException {
        check(page, DATA | (flags(page) & LEAF));
    }

    /** The split that made this page is finished: its sibling is known above. */
    static void finishSplit(Page page) throws PageException {
        int flags = flags(page);
        check(page, flags & (DATA | LEAF));
        putFlags(page, flags & ~INCOMPLETE_SPLIT);
    }

    /** Checks that item {@code number} exists on an inner page of a posting tree, and returns how many there are. */
    private static int checkPostingItem(Page page, int number) throws PageException {
        check(page, DATA);
        int count = maxOffset(page);
        if (number < 1 || number > count || CONTENT + count * POSTING_ITEM_SIZE > page.upper()) {
            throw new PageException("there is no posting item " + number + ": the page says that it has " + count
                    + ", and " + (page.upper() - CONTENT) + " bytes for them");
        }
        return count;
    }

    private static int postingItem(int number) {
        return CONTENT + (number - 1) * POSTING_ITEM_SIZE;
    }

    private static void putPostingItemCount(Page page, int count) throws PageException {
        putMaxOffset(page, count);
        page.setLower(CONTENT + count * POSTING_ITEM_SIZE);
    }

    /**
     * After the child of posting item {@code number} was split: that item leads to the right half, and before it comes
     * a new one, which leads to the left half.
     *
     * @param item holds the new one's 10 bytes from {@code from}, which the caller has checked
     * @throws PageException if there is no such item or no room; the page is unchanged
     */
    static void insertPostingItem(Page page, int number, byte[] item, int from, int right) throws PageException {
        int count = checkPostingItem(page, number);
        int at = postingItem(number);
        if (postingItem(count + 2) > page.upper()) {
            throw new PageException("there is no room for another posting item: it has " + count);
        }
        page.putI32(at, Integer.rotateLeft(right, 16));
        page.move(at, at + POSTING_ITEM_SIZE, (count - number + 1) * POSTING_ITEM_SIZE);
        page.put(at, item, from, POSTING_ITEM_SIZE);
        putPostingItemCount(page, count + 1);
    }

    /** @throws PageException if there is no such item; the page is unchanged */
    static void deletePostingItem(Page page, int number) throws PageException {
        int count = checkPostingItem(page, number);
        int at = postingItem(number);
        page.move(at + POSTING_ITEM_SIZE, at, (count - number) * POSTING_ITEM_SIZE);
        putPostingItemCount(page, count - 1);
    }
}
