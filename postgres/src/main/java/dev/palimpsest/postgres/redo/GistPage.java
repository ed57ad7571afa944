package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.page.PageLayout;
import dev.palimpsest.postgres.page.PageMask;

/**
 * What makes a page one of a GiST. The special area, 16 bytes:
 *
 * <pre>
 * offset size
 *      0    8  NSN, the node sequence number: as pd_lsn, the end of the record that gave the page's last split a parent
 *      8    4  block of the page to the right, FFFFFFFF if there is none
 *     12    2  flags: 1 leaf, 2 deleted, 4 tuples were deleted, 8 follow right, 10 has garbage (hexadecimal)
 *     14    2  FF81
 * </pre>
 *
 * <p>The root is block 0; there is no meta page. A deleted page has in place of line pointers the u64 xid of its
 * deletion, at 24, with pd_lower 32.
 */
final class GistPage {
    static final int LEAF = 0x0001;
    static final int TUPLES_DELETED = 0x0004;
    static final int FOLLOW_RIGHT = 0x0008;
    static final int HAS_GARBAGE = 0x0010;

    /** The block of the root. */
    static final int ROOT = 0;

    /** The block that is none. */
    static final int NO_BLOCK = -1;

    private static final int DELETED = 0x0002;

    private static final int SPECIAL_SIZE = 16;
    private static final int SPECIAL = PageLayout.PAGE_SIZE - SPECIAL_SIZE;
    private static final int NSN = SPECIAL;
    private static final int RIGHT_LINK = SPECIAL + 8;
    private static final int FLAGS = SPECIAL + 12;
    private static final int PAGE_ID = SPECIAL + 14;
    private static final int PAGE_ID_VALUE = 0xFF81;

    private static final int CONTENT = PageLayout.HEADER_SIZE;

    private GistPage() {}

    /** Makes it an empty page of a GiST. */
    static void initialize(Page page, long nsn, int rightLink, int flags) throws PageException {
        page.initialize(SPECIAL_SIZE);
        page.putLsnAt(NSN, nsn);
        page.putI32(RIGHT_LINK, rightLink);
        page.putU16(FLAGS, flags);
        page.putU16(PAGE_ID, PAGE_ID_VALUE);
    }

    /** @throws PageException unless it is a page of a GiST */
    static void check(Page page) throws PageException {
        page.specialOf(SPECIAL_SIZE);
        if (page.u16(PAGE_ID) != PAGE_ID_VALUE) {
            throw new PageException(
                    "it is no page of a GiST: its page id is 0x" + Integer.toHexString(page.u16(PAGE_ID)));
        }
    }

    /** @throws PageException unless it is a page of a GiST that is part of the tree */
    static void checkLive(Page page) throws PageException {
        check(page);
        if ((page.u16(FLAGS) & DELETED) != 0) {
            throw new PageException("it is a deleted page of a GiST, where a live one is needed");
        }
    }

    /** @throws PageException unless it is a page of a GiST that is part of the tree, and a leaf or not */
    static void checkLevel(Page page, boolean leaf) throws PageException {
        checkLive(page);
        if (isLeaf(page) != leaf) {
            throw new PageException("it is no " + (leaf ? "leaf" : "inner page") + " of a GiST: flags = 0x"
                    + Integer.toHexString(page.u16(FLAGS)));
        }
    }

    static boolean isLeaf(Page page) throws PageException {
        return (page.u16(FLAGS) & LEAF) != 0;
    }

    static void setFlags(Page page, int flags) throws PageException {
        page.putU16(FLAGS, page.u16(FLAGS) | flags);
    }

    static void clearFlags(Page page, int flags) throws PageException {
        page.putU16(FLAGS, page.u16(FLAGS) & ~flags);
    }

    static void putNsn(Page page, long nsn) throws PageException {
        page.putLsnAt(NSN, nsn);
    }

    /**
     * Makes it a deleted page; its items' bytes stay where they are.
     *
     * @param xid from which on nobody can be on the way to it any more
     * @throws PageException if items begin where the xid belongs; the page is unchanged
     */
    static void delete(Page page, long xid) throws PageException {
        int lower = CONTENT + Long.BYTES;
        if (lower > page.upper()) {
            throw new PageException("there is no room for the xid of its deletion: upper = " + page.upper());
        }
        page.putI64(CONTENT, xid);
        page.setLower(lower);
        setFlags(page, DELETED);
    }

    /**
     * Blanks out what there is no WAL for, or what the record's image is too early to have: hints, on leaves which items
     * are marked dead, the NSN, and whether the next page has a parent yet. Also whether tuples were ever deleted, which
     * means nothing to anybody: the server that writes {@code DELETE} leaves that flag as it is, the one that replays
     * the record sets it, and so does {@link GistRedo}.
     */
    static void mask(Page page) throws PageException {
        check(page);
        putNsn(page, 0);
        setFlags(page, FOLLOW_RIGHT);
        if (isLeaf(page)) {
            PageMask.linePointerStates(page);
        }
        clearFlags(page, HAS_GARBAGE | TUPLES_DELETED);
    }
}
