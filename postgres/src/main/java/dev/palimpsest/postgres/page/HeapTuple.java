package dev.palimpsest.postgres.page;

/**
 * The header of a heap tuple on a page. The methods take the page and where the tuple begins in it, as
 * {@code page.normalItem(number, HeapTuple.HEADER_SIZE)} gives it.
 *
 * <pre>
 * offset size
 *      0    4  t_xmin
 *      4    4  t_xmax
 *      8    4  t_cid (or t_xvac)
 *     12    6  t_ctid
 *     18    2  t_infomask2
 *     20    2  t_infomask
 *     22    1  t_hoff: where the attributes begin, a multiple of 8
 *     23       null bitmap, padding
 * </pre>
 */
public final class HeapTuple {
    /** Bytes before the null bitmap. */
    public static final int HEADER_SIZE = 23;

    /** Offset of {@code t_xmin}. */
    public static final int XMIN = 0;

    /** Offset of {@code t_xmax}. */
    public static final int XMAX = 4;

    /** Offset of {@code t_cid}. */
    public static final int CID = 8;

    /** Offset of {@code t_ctid}. */
    public static final int CTID = 12;

    /** Offset of {@code t_infomask2}. */
    public static final int INFOMASK2 = 18;

    /** Offset of {@code t_infomask}. */
    public static final int INFOMASK = 20;

    /** Offset of {@code t_hoff}. */
    public static final int HOFF = 22;

    /** {@code HEAP_XMAX_KEYSHR_LOCK}. */
    public static final int XMAX_KEYSHR_LOCK = 0x0010;

    /** {@code HEAP_COMBOCID}. */
    public static final int COMBOCID = 0x0020;

    /** {@code HEAP_XMAX_EXCL_LOCK}. */
    public static final int XMAX_EXCL_LOCK = 0x0040;

    /** {@code HEAP_XMAX_LOCK_ONLY}. */
    public static final int XMAX_LOCK_ONLY = 0x0080;

    /** {@code HEAP_XMIN_COMMITTED}; with {@link #XMIN_INVALID}, the tuple is frozen. */
    public static final int XMIN_COMMITTED = 0x0100;

    /** {@code HEAP_XMIN_INVALID}. */
    public static final int XMIN_INVALID = 0x0200;

    /** {@code HEAP_XMIN_FROZEN}. */
    public static final int XMIN_FROZEN = XMIN_COMMITTED | XMIN_INVALID;

    /** {@code HEAP_XMAX_COMMITTED}. */
    public static final int XMAX_COMMITTED = 0x0400;

    /** {@code HEAP_XMAX_INVALID}. */
    public static final int XMAX_INVALID = 0x0800;

    /** {@code HEAP_XMAX_IS_MULTI}. */
    public static final int XMAX_IS_MULTI = 0x1000;

    /** {@code HEAP_MOVED}, of versions before 9.0. */
    public static final int MOVED = 0xC000;

    /** {@code HEAP_XMAX_BITS}: everything in infomask that says something about xmax. */
    public static final int XMAX_BITS =
            XMAX_COMMITTED | XMAX_INVALID | XMAX_IS_MULTI | XMAX_LOCK_ONLY | XMAX_EXCL_LOCK | XMAX_KEYSHR_LOCK;

    /** {@code HEAP_XACT_MASK}: everything in infomask that visibility depends on. */
    public static final int XACT_MASK = 0xFFF0;

    /** In infomask2: {@code HEAP_KEYS_UPDATED}. */
    public static final int KEYS_UPDATED = 0x2000;

    /** In infomask2: {@code HEAP_HOT_UPDATED}. */
    public static final int HOT_UPDATED = 0x4000;

    /** In infomask2: {@code HEAP_ONLY_TUPLE}. */
    public static final int ONLY_TUPLE = 0x8000;

    /** Line pointer number in a ctid that is a speculative insertion token. */
    public static final int SPECULATIVE_OFFSET = 0xFFFE;

    /** Line pointer number in a ctid whose tuple moved to another partition; the block is the invalid one. */
    public static final int MOVED_PARTITIONS_OFFSET = 0xFFFD;

    private HeapTuple() {}

    /** {@code t_xmin}. */
    public static int xmin(Page page, int tuple) throws PageException {
        return page.i32(tuple + XMIN);
    }

    /** Sets {@code t_xmin}. */
    public static void setXmin(Page page, int tuple, int xid) throws PageException {
        page.putI32(tuple + XMIN, xid);
    }

    /** {@code t_xmax}. */
    public static int xmax(Page page, int tuple) throws PageException {
        return page.i32(tuple + XMAX);
    }

    /** Sets {@code t_xmax}. */
    public static void setXmax(Page page, int tuple, int xid) throws PageException {
        page.putI32(tuple + XMAX, xid);
    }

    /** {@code t_infomask}. */
    public static int infomask(Page page, int tuple) throws PageException {
        return page.u16(tuple + INFOMASK);
    }

    /** Sets {@code t_infomask}. */
    public static void setInfomask(Page page, int tuple, int bits) throws PageException {
        page.putU16(tuple + INFOMASK, bits);
    }

    /** {@code t_infomask2}. */
    public static int infomask2(Page page, int tuple) throws PageException {
        return page.u16(tuple + INFOMASK2);
    }

    /** Sets {@code t_infomask2}. */
    public static void setInfomask2(Page page, int tuple, int bits) throws PageException {
        page.putU16(tuple + INFOMASK2, bits);
    }

    /** {@code t_hoff}, as stored. */
    public static int hoff(Page page, int tuple) throws PageException {
        return page.u8(tuple + HOFF);
    }

    /** Sets {@code t_ctid}. */
    public static void setCtid(Page page, int tuple, int block, int number) throws PageException {
        page.putTid(tuple + CTID, block, number);
    }

    /** Sets {@code t_cid} to 0, as redo does: the command matters only to a transaction that is running. */
    public static void clearCid(Page page, int tuple) throws PageException {
        page.putI32(tuple + CID, 0);
        setInfomask(page, tuple, infomask(page, tuple) & ~COMBOCID);
    }

    /** Whether inserting it is frozen: visible to everybody whatever xmin is. */
    public static boolean isXminFrozen(int infomask) {
        return (infomask & XMIN_FROZEN) == XMIN_FROZEN;
    }

    /** {@code HEAP_XMAX_IS_LOCKED_ONLY}: xmax only locks the tuple, it does not delete it. */
    public static boolean isLockedOnly(int infomask) {
        return (infomask & XMAX_LOCK_ONLY) != 0
                || (infomask & (XMAX_IS_MULTI | XMAX_EXCL_LOCK | XMAX_KEYSHR_LOCK)) == XMAX_EXCL_LOCK;
    }
}
