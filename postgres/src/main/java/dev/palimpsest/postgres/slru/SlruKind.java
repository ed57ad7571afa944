package dev.palimpsest.postgres.slru;

import dev.palimpsest.postgres.TransactionId;
import java.util.Locale;

/**
 * A sequence of pages that PostgreSQL keeps in files of its own, 32 pages to a file. The files are named by their number in
 * at least four upper-case hexadecimal digits, {@code 0000}, in all versions (the longer names of PostgreSQL 17 are only
 * those of {@code pg_notify}).
 *
 * <p>Entries are numbered by unsigned 32-bit integers that wrap around; so do pages, and an order of two pages is only
 * meaningful within half of the circle.
 */
public enum SlruKind {
    /** How each transaction ended: entries by transaction id. */
    CLOG("pg_xact", 32768, 4),
    /** Where the members of each multixact begin: entries by multixact id. */
    MULTIXACT_OFFSETS("pg_multixact/offsets", 2048, 2),
    /** The members of multixacts: entries by offset. */
    MULTIXACT_MEMBERS("pg_multixact/members", 1636, 0),
    /** When each transaction committed, and where: entries by transaction id. */
    COMMIT_TS("pg_commit_ts", 819, 4);

    /** Bytes of a page. */
    public static final int PAGE_SIZE = 8192;

    /** Pages of a file. */
    public static final int PAGES_PER_SEGMENT = 32;

    /** Bytes of a whole file. */
    public static final int SEGMENT_SIZE = PAGES_PER_SEGMENT * PAGE_SIZE;

    private final String directory;
    private final int entriesPerPage;
    private final int comparedEntry;

    /** @param comparedEntry which entry of a page stands for it when pages are compared: not one of the special ids */
    SlruKind(String directory, int entriesPerPage, int comparedEntry) {
        this.directory = directory;
        this.entriesPerPage = entriesPerPage;
        this.comparedEntry = comparedEntry;
    }

    /** The directory of its files under the data directory: {@code pg_xact}. */
    public String directory() {
        return directory;
    }

    /** Entries of a page. */
    public int entriesPerPage() {
        return entriesPerPage;
    }

    /** How many pages there can be: their numbers are less. */
    public int pageCount() {
        return (int) (((1L << 32) + entriesPerPage - 1) / entriesPerPage);
    }

    /** The greatest number of a file. */
    public int lastSegment() {
        return (pageCount() - 1) / PAGES_PER_SEGMENT;
    }

    /** The number of the page with this entry (unsigned). */
    public int pageOf(int entry) {
        return Integer.divideUnsigned(entry, entriesPerPage);
    }

    /** The place of this entry (unsigned) in its page, from 0. */
    public int indexOf(int entry) {
        return Integer.remainderUnsigned(entry, entriesPerPage);
    }

    /** The first entry of a page, unsigned. */
    public int firstEntry(int pageNumber) {
        return pageNumber * entriesPerPage;
    }

    /** The number of the file with this page. */
    public static int segmentOf(int pageNumber) {
        return pageNumber / PAGES_PER_SEGMENT;
    }

    /** Where in its file a page begins, in bytes. */
    public static int offsetInSegment(int pageNumber) {
        return pageNumber % PAGES_PER_SEGMENT * PAGE_SIZE;
    }

    /** The name of a file: {@code 00A1}. */
    public static String segmentName(int segment) {
        return String.format(Locale.ROOT, "%04X", segment);
    }

    /** The number of the file with this name, -1 if no file has it. */
    public int parseSegmentName(String name) {
        if (name.length() < 4 || name.length() > 6 || !name.chars().allMatch(SlruKind::isHexDigit)) {
            return -1;
        }
        int segment = Integer.parseInt(name, 16);
        return segment <= lastSegment() && segmentName(segment).equals(name) ? segment : -1;
    }

    private static boolean isHexDigit(int c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
    }

    /** Whether all entries of page {@code a} are older than all of page {@code b}. */
    public boolean precedes(int a, int b) {
        int first = firstEntry(a) + comparedEntry;
        int other = firstEntry(b) + comparedEntry;
        int last = other + entriesPerPage - 1;
        return switch (this) {
            case CLOG, COMMIT_TS -> TransactionId.precedes(first, other) && TransactionId.precedes(first, last);
            case MULTIXACT_OFFSETS, MULTIXACT_MEMBERS ->
                TransactionId.multiPrecedes(first, other) && TransactionId.multiPrecedes(first, last);
        };
    }
}
