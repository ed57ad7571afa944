package dev.palimpsest.postgres.page;

import static dev.palimpsest.postgres.page.PageLayout.HEADER_SIZE;
import static dev.palimpsest.postgres.page.PageLayout.PAGE_SIZE;

/**
 * Blanks out, in place, what two right versions of a page may differ in, so that the rest can be compared: the steps of
 * which PostgreSQL's masks for {@code wal_consistency_checking} are made. What is masked becomes zero.
 */
public final class PageMask {
    private PageMask() {}

    /** The page's LSN and checksum. */
    public static void lsnAndChecksum(Page page) {
        page.setLsn(0);
        page.setChecksum(0);
    }

    /** The hints in the header: prune xid, full, free lines, and all-visible, which has no WAL record of its own. */
    public static void headerHints(Page page) {
        page.setPruneXid(0);
        page.clearFlags(PageLayout.PAGE_FULL | PageLayout.HAS_FREE_LINES | PageLayout.ALL_VISIBLE);
    }

    /**
     * The free space, from lower to upper.
     *
     * @throws PageException if the header does not say where it is
     */
    public static void unusedSpace(Page page) throws PageException {
        int lower = page.lower();
        int upper = page.upper();
        int special = page.special();
        if (lower < HEADER_SIZE || lower > upper || upper > special || special > PAGE_SIZE) {
            throw new PageException(
                    "the page header is corrupted: lower = " + lower + ", upper = " + upper + ", special = " + special);
        }
        page.zero(lower, upper);
    }

    /**
     * The state of all line pointers that are in use: an index may mark items dead without WAL.
     *
     * @throws PageException if the line pointers reach beyond the page
     */
    public static void linePointerStates(Page page) throws PageException {
        for (int number = 1, last = page.maxOffset(); number <= last; number++) {
            int pointer = page.linePointer(number);
            if (LinePointer.isUsed(pointer)) {
                page.setLinePointer(number, LinePointer.withState(pointer, LinePointer.UNUSED));
            }
        }
    }

    /**
     * Everything but the header, and lower and upper in it: the page is free, its content means nothing.
     *
     * @throws PageException never, in practice: the range is the page's own
     */
    public static void content(Page page) throws PageException {
        page.zero(HEADER_SIZE, PAGE_SIZE);
        page.setLower(0);
        page.setUpper(0);
    }
}
