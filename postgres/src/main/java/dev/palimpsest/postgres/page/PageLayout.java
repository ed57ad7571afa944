package dev.palimpsest.postgres.page;

/**
 * The layout of a page, as PostgreSQL is built by default ({@code BLCKSZ} 8192). All integers little-endian.
 *
 * <pre>
 * offset size
 *      0    4  high half of pd_lsn
 *      4    4  low half of pd_lsn: the end of the last WAL record that changed the page
 *      8    2  pd_checksum, 0 where the cluster has none
 *     10    2  pd_flags: 1 has free line pointers, 2 page full, 4 all visible
 *     12    2  pd_lower: where the free space begins
 *     14    2  pd_upper: where it ends; 0 on a page nobody has initialised
 *     16    2  pd_special: where the special area begins; a multiple of 8
 *     18    2  page size and layout version: 8192 + 4
 *     20    4  pd_prune_xid
 *     24    4  for each line pointer, up to pd_lower
 *              free space up to pd_upper; items up to pd_special; the special area of an access method up to 8192
 * </pre>
 */
public final class PageLayout {
    /** Bytes in a page. */
    public static final int PAGE_SIZE = 8192;

    /** Bytes before the first line pointer. */
    public static final int HEADER_SIZE = 24;

    /** Bytes of a line pointer. */
    public static final int LINE_POINTER_SIZE = 4;

    /** Offset of {@code pd_checksum}. */
    public static final int CHECKSUM = 8;

    /** Offset of {@code pd_flags}. */
    public static final int FLAGS = 10;

    /** Offset of {@code pd_lower}. */
    public static final int LOWER = 12;

    /** Offset of {@code pd_upper}. */
    public static final int UPPER = 14;

    /** Offset of {@code pd_special}. */
    public static final int SPECIAL = 16;

    /** Offset of {@code pd_pagesize_version}. */
    public static final int SIZE_AND_VERSION = 18;

    /** Offset of {@code pd_prune_xid}. */
    public static final int PRUNE_XID = 20;

    /** The value of {@code pd_pagesize_version}: 8192, layout version 4. */
    public static final int SIZE_AND_VERSION_VALUE = PAGE_SIZE | 4;

    /** In {@code pd_flags}: some line pointer may be unused. A hint. */
    public static final int HAS_FREE_LINES = 0x0001;

    /** In {@code pd_flags}: an update found no room. A hint. */
    public static final int PAGE_FULL = 0x0002;

    /** In {@code pd_flags}: every tuple is visible to everybody. */
    public static final int ALL_VISIBLE = 0x0004;

    /** The bits of {@code pd_flags} that mean something. */
    public static final int VALID_FLAGS = 0x0007;

    /** {@code MaxHeapTuplesPerPage}. */
    public static final int MAX_HEAP_TUPLES = 291;

    private PageLayout() {}

    /** {@code size} rounded up to a multiple of 8, PostgreSQL's {@code MAXALIGN}. */
    public static int align8(int size) {
        return size + 7 & ~7;
    }
}
