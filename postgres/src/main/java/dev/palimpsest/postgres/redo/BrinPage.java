package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.page.PageLayout;
import dev.palimpsest.postgres.page.PageMask;

/**
 * What makes a page one of a BRIN index. The special area, 8 bytes:
 *
 * <pre>
 * offset size
 *      0    4  nothing
 *      4    2  flags: 1 is being evacuated
 *      6    2  F091 meta, F092 range map, F093 summaries (hexadecimal)
 * </pre>
 *
 * <p>The meta page, block 0, has at 24, with pd_lower 40:
 *
 * <pre>
 * offset size
 *      0    4  A8109CFA
 *      4    4  version
 *      8    4  heap blocks to a range
 *     12    4  last block of the range map
 * </pre>
 *
 * <p>A page of the range map has from 24 on 1360 item pointers, 6 bytes each, one to a range: to its summary, or to block
 * 0 item 0 or block FFFFFFFF item 0 if it has none. Its pd_lower does not tell of them. A page of summaries has line
 * pointers and items, whose numbers stay the same for life.
 */
final class BrinPage {
    static final int META = 0xF091;
    static final int RANGE_MAP = 0xF092;
    static final int REGULAR = 0xF093;

    private static final int EVACUATE = 0x0001;
    private static final int SPECIAL_SIZE = 8;
    private static final int SPECIAL = PageLayout.PAGE_SIZE - SPECIAL_SIZE;
    private static final int FLAGS = SPECIAL + 4;
    private static final int TYPE = SPECIAL + 6;
    private static final int CONTENT = PageLayout.HEADER_SIZE;
    private static final int META_MAGIC = 0xA8109CFA;
    private static final int META_SIZE = 16;
    private static final int LAST_RANGE_MAP_BLOCK = CONTENT + 12;
    private static final int RANGES = 1360;
    private static final int ITEM_POINTER_SIZE = 6;

    private BrinPage() {}

    /** Makes it an empty page of a BRIN index. */
    static void initialize(Page page, int type) throws PageException {
        page.initialize(SPECIAL_SIZE);
        page.putU16(TYPE, type);
    }

    /** @throws PageException unless it is a page of this type of a BRIN index */
    static void check(Page page, int type) throws PageException {
        page.specialOf(SPECIAL_SIZE);
        if (page.u16(TYPE) != type) {
            throw new PageException("the page of the BRIN index has type 0x" + Integer.toHexString(page.u16(TYPE))
                    + ", where 0x" + Integer.toHexString(type) + " is needed");
        }
    }

    /** Makes it the meta page of an index without a range map. */
    static void initializeMeta(Page page, int pagesPerRange, int version) throws PageException {
        initialize(page, META);
        page.putI32(CONTENT, META_MAGIC);
        page.putI32(CONTENT + 4, version);
        page.putI32(CONTENT + 8, pagesPerRange);
        page.setLower(CONTENT + META_SIZE);
    }

    /** Notes in the meta page up to which block the range map goes. */
    static void putLastRangeMapBlock(Page page, int block) throws PageException {
        check(page, META);
        if (page.i32(CONTENT) != META_MAGIC) {
            throw new PageException("this is no meta page of a BRIN index: its magic number is 0x"
                    + Integer.toHexString(page.i32(CONTENT)));
        }
        page.putI32(LAST_RANGE_MAP_BLOCK, block);
        page.setLower(CONTENT + META_SIZE);
    }

    /**
     * Points a range to its summary.
     *
     * @param page a page of the range map, the one that has the range
     * @param pagesPerRange more than 0, unsigned
     */
    static void putSummary(Page page, int heapBlock, int pagesPerRange, int block, int item) throws PageException {
        check(page, RANGE_MAP);
        int range = Integer.remainderUnsigned(Integer.divideUnsigned(heapBlock, pagesPerRange), RANGES);
        page.putTid(CONTENT + ITEM_POINTER_SIZE * range, block, item);
    }

    /** {@code brin_mask}. */
    static void mask(Page page) throws PageException {
        page.specialOf(SPECIAL_SIZE);
        PageMask.lsnAndChecksum(page);
        PageMask.headerHints(page);
        int type = page.u16(TYPE);
        if (type == REGULAR || (type == META && page.lower() > CONTENT)) {
            PageMask.unusedSpace(page);
        }
        page.putU16(FLAGS, page.u16(FLAGS) & ~EVACUATE);
    }
}
