package dev.palimpsest.cli;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.page.FreeSpaceMapPage;
import dev.palimpsest.postgres.page.HeapTuple;
import dev.palimpsest.postgres.page.LinePointer;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.page.PageLayout;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A page in words. What kind of page it is, its special area tells; what makes no sense is said to, and the rest shown anyway.
 */
final class PageDump {
    private static final int ROW = 16;
    private static final int INDEX_TUPLE_HEADER = 8;
    private static final int INDEX_SIZE_MASK = 0x1FFF;
    private static final int NATTS_MASK = 0x07FF;
    private static final int PAGE_ID_GIST = 0xFF81;
    private static final int PAGE_ID_HASH = 0xFF80;
    private static final int PAGE_ID_SPGIST = 0xFF82;
    private static final int BRIN_FIRST = 0xF091;
    private static final int BRIN_LAST = 0xF093;
    private static final int SEQUENCE_MAGIC = 0x1717;
    private static final int BTP_META = 1 << 3;
    private static final int LH_BITMAP = 1 << 2;
    private static final int LH_META = 1 << 3;
    private static final int GIN_DATA = 1;
    private static final int GIN_META = 1 << 3;
    private static final int SPGIST_META = 1;
    private static final int SMALL_SPECIAL = 8;
    private static final int LARGE_SPECIAL = 16;

    private enum Kind {
        HEAP("heap", true, false),
        SEQUENCE("sequence", true, false),
        BTREE("B-tree", false, true),
        HASH("hash index", false, true),
        GIST("GiST index", false, true),
        GIN("GIN index", false, false),
        SPGIST("SP-GiST index", false, false),
        BRIN("BRIN index", false, false),
        OTHER("unknown", false, false);

        private final String title;
        private final boolean heapTuples;
        private final boolean indexTuples;

        Kind(String title, boolean heapTuples, boolean indexTuples) {
            this.title = title;
            this.heapTuples = heapTuples;
            this.indexTuples = indexTuples;
        }
    }

    private final Page page;
    private final String relation;
    private final PrintWriter out;

    /** @param relation whose fork says that a page is of a map */
    PageDump(byte[] bytes, String relation, PrintWriter out) {
        this.page = Page.wrap(bytes);
        this.relation = relation;
        this.out = out;
    }

    void print() {
        if (page.isNew()) {
            out.println("nobody has initialised this page: upper is 0");
            return;
        }
        header();
        try {
            page.checkHeader();
            if (relation.endsWith("_vm")) {
                visibilityMap();
            } else if (relation.endsWith("_fsm")) {
                out.printf("free space map   largest slot %d (of 255)%n", FreeSpaceMapPage.root(page));
            } else {
                items(kind());
            }
        } catch (PageException e) {
            out.println("the page is damaged: " + e.getMessage());
        }
    }

    private void header() {
        out.printf("pd_lsn       %s%n", new Lsn(page.lsn()));
        out.printf("pd_checksum  0x%04X%n", page.checksum());
        out.printf("pd_flags     0x%04X%s%n", page.flags(), flags());
        out.printf(
                "pd_lower     %d, upper %d, special %d: %d bytes free%n",
                page.lower(), page.upper(), page.special(), page.upper() - page.lower());
        out.printf("pd_prune_xid %s%n", Integer.toUnsignedString(page.pruneXid()));
    }

    private String flags() {
        List<String> names = new ArrayList<>();
        addIf(names, page.flags(), PageLayout.HAS_FREE_LINES, "has free lines");
        addIf(names, page.flags(), PageLayout.PAGE_FULL, "page full");
        addIf(names, page.flags(), PageLayout.ALL_VISIBLE, "all visible");
        return names.isEmpty() ? "" : " (" + String.join(", ", names) + ")";
    }

    private static void addIf(List<String> names, int bits, int bit, String name) {
        if ((bits & bit) != 0) {
            names.add(name);
        }
    }

    private Kind kind() throws PageException {
        int size = PageLayout.PAGE_SIZE - page.special();
        if (size == 0) {
            return Kind.HEAP;
        }
        int last = page.u16(PageLayout.PAGE_SIZE - 2);
        if (size == LARGE_SPECIAL) {
            return switch (last) {
                case PAGE_ID_GIST -> Kind.GIST;
                case PAGE_ID_HASH -> Kind.HASH;
                default -> last < PAGE_ID_HASH ? Kind.BTREE : Kind.OTHER;
            };
        }
        if (size != SMALL_SPECIAL) {
            return Kind.OTHER;
        }
        if (page.i32(page.special()) == SEQUENCE_MAGIC) {
            return Kind.SEQUENCE;
        }
        if (last == PAGE_ID_SPGIST) {
            return Kind.SPGIST;
        }
        return last >= BRIN_FIRST && last <= BRIN_LAST ? Kind.BRIN : Kind.GIN;
    }

    /** Whether what follows the header are no line pointers, as on the meta page of an index. */
    private boolean hasOtherContent(Kind kind) throws PageException {
        int special = page.special();
        return switch (kind) {
            case BTREE -> (page.u16(special + 12) & BTP_META) != 0;
            case HASH -> (page.u16(special + 12) & (LH_META | LH_BITMAP)) != 0;
            case GIN -> (page.u16(special + 6) & (GIN_META | GIN_DATA)) != 0;
            case SPGIST -> (page.u16(special) & SPGIST_META) != 0;
            case BRIN -> page.u16(special + 6) != BRIN_LAST;
            case HEAP, SEQUENCE, GIST, OTHER -> false;
        };
    }

    private void btreeSpecial() throws PageException {
        int special = page.special();
        int flags = page.u16(special + 12);
        List<String> names = new ArrayList<>();
        addIf(names, flags, 1, "leaf");
        addIf(names, flags, 1 << 1, "root");
        addIf(names, flags, 1 << 2, "deleted");
        addIf(names, flags, BTP_META, "meta");
        addIf(names, flags, 1 << 4, "half dead");
        addIf(names, flags, 1 << 5, "split end");
        addIf(names, flags, 1 << 6, "has garbage");
        addIf(names, flags, 1 << 7, "incomplete split");
        out.printf(
                "btpo         prev %s, next %s, level %d, flags: %s%n",
                Integer.toUnsignedString(page.i32(special)),
                Integer.toUnsignedString(page.i32(special + 4)),
                page.i32(special + 8),
                String.join(", ", names));
    }

    private void items(Kind kind) throws PageException {
        if (kind == Kind.BTREE) {
            btreeSpecial();
        }
        if (hasOtherContent(kind)) {
            out.printf("page of a %s, without line pointers: its content is shown by --raw%n", kind.title);
            return;
        }
        int count = page.maxOffset();
        out.printf("page of a %s, %d line pointers%n", kind.title, count);
        if (count == 0) {
            return;
        }
        Table table = kind.heapTuples
                ? new Table("LP", "STATE", "OFFSET", "LENGTH", "XMIN", "XMAX", "CTID", "ATTRS", "FLAGS")
                : new Table("LP", "STATE", "OFFSET", "LENGTH", "TID", "SIZE");
        for (int number = 1; number <= count; number++) {
            int pointer = page.linePointer(number);
            List<String> cells = new ArrayList<>(List.of(
                    Integer.toString(number),
                    state(pointer),
                    Integer.toString(LinePointer.offset(pointer)),
                    Integer.toString(LinePointer.length(pointer))));
            cells.addAll(kind.heapTuples ? heapTuple(pointer) : indexTuple(kind, pointer));
            table.add(cells.toArray(new String[0]));
        }
        table.print(out);
    }

    private static String state(int pointer) {
        return switch (LinePointer.state(pointer)) {
            case LinePointer.UNUSED -> "unused";
            case LinePointer.NORMAL -> "normal";
            case LinePointer.REDIRECT -> "redirect to " + LinePointer.offset(pointer);
            default -> "dead";
        };
    }

    private static boolean holds(int pointer, int least) {
        return LinePointer.state(pointer) == LinePointer.NORMAL
                && LinePointer.length(pointer) >= least
                && LinePointer.offset(pointer) + LinePointer.length(pointer) <= PageLayout.PAGE_SIZE;
    }

    private List<String> heapTuple(int pointer) throws PageException {
        if (!holds(pointer, HeapTuple.HEADER_SIZE)) {
            return List.of("", "", "", "", "");
        }
        int tuple = LinePointer.offset(pointer);
        int infomask2 = HeapTuple.infomask2(page, tuple);
        return List.of(
                Integer.toUnsignedString(HeapTuple.xmin(page, tuple)),
                Integer.toUnsignedString(HeapTuple.xmax(page, tuple)),
                tid(tuple + HeapTuple.CTID),
                Integer.toString(infomask2 & NATTS_MASK),
                heapFlags(HeapTuple.infomask(page, tuple), infomask2));
    }

    private String tid(int offset) throws PageException {
        return "(" + Integer.toUnsignedString(page.tidBlock(offset)) + "," + page.tidOffset(offset) + ")";
    }

    private static String heapFlags(int infomask, int infomask2) {
        List<String> names = new ArrayList<>();
        if (HeapTuple.isXminFrozen(infomask)) {
            names.add("frozen");
        } else {
            addIf(names, infomask, HeapTuple.XMIN_COMMITTED, "xmin committed");
            addIf(names, infomask, HeapTuple.XMIN_INVALID, "xmin aborted");
        }
        addIf(names, infomask, HeapTuple.XMAX_COMMITTED, "xmax committed");
        addIf(names, infomask, HeapTuple.XMAX_INVALID, "no xmax");
        addIf(names, infomask, HeapTuple.XMAX_IS_MULTI, "xmax is a multixact");
        if (HeapTuple.isLockedOnly(infomask)) {
            names.add("locked only");
        }
        addIf(names, infomask2, HeapTuple.KEYS_UPDATED, "keys updated");
        addIf(names, infomask2, HeapTuple.HOT_UPDATED, "HOT updated");
        addIf(names, infomask2, HeapTuple.ONLY_TUPLE, "heap only");
        return String.join(", ", names);
    }

    private List<String> indexTuple(Kind kind, int pointer) throws PageException {
        if (!kind.indexTuples || !holds(pointer, INDEX_TUPLE_HEADER)) {
            return List.of("", "");
        }
        int tuple = LinePointer.offset(pointer);
        return List.of(tid(tuple), Integer.toString(page.u16(tuple + INDEX_TUPLE_HEADER - 2) & INDEX_SIZE_MASK));
    }

    /** Two bits a heap page: all visible, all frozen. */
    private void visibilityMap() throws PageException {
        int visible = 0;
        int frozen = 0;
        for (int offset = PageLayout.HEADER_SIZE; offset < PageLayout.PAGE_SIZE; offset++) {
            int bits = page.u8(offset);
            visible += Integer.bitCount(bits & 0x55);
            frozen += Integer.bitCount(bits & 0xAA);
        }
        out.printf(
                "visibility map of %d heap pages: %d all visible, %d all frozen%n",
                (PageLayout.PAGE_SIZE - PageLayout.HEADER_SIZE) * 4, visible, frozen);
    }

    /** Sixteen bytes a line, as {@code hexdump -C} prints them; lines of zeros are left out. */
    static void hex(byte[] bytes, PrintWriter out) {
        boolean skipped = false;
        for (int start = 0; start < bytes.length; start += ROW) {
            if (isZero(bytes, start)) {
                if (!skipped) {
                    out.println("*");
                }
                skipped = true;
                continue;
            }
            skipped = false;
            StringBuilder hex = new StringBuilder();
            StringBuilder text = new StringBuilder();
            for (int i = start; i < start + ROW; i++) {
                int value = bytes[i] & 0xFF;
                hex.append(String.format(Locale.ROOT, i == start + ROW / 2 ? "  %02x" : " %02x", value));
                text.append(value >= ' ' && value < 0x7F ? (char) value : '.');
            }
            out.printf("%04x %s  |%s|%n", start, hex, text);
        }
    }

    private static boolean isZero(byte[] bytes, int start) {
        for (int i = start; i < start + ROW; i++) {
            if (bytes[i] != 0) {
                return false;
            }
        }
        return true;
    }
}
