package dev.palimpsest.postgres.page;

import static dev.palimpsest.postgres.page.PageLayout.HEADER_SIZE;
import static dev.palimpsest.postgres.page.PageLayout.LINE_POINTER_SIZE;
import static dev.palimpsest.postgres.page.PageLayout.PAGE_SIZE;
import static dev.palimpsest.postgres.page.PageLayout.align8;

import dev.palimpsest.postgres.LittleEndian;

/**
 * Adds, removes and moves the items of a page so that the bytes end up where PostgreSQL puts them.
 *
 * <p>{@link #addItem} and {@link #overwriteItem} check everything before the first change; the other methods may have
 * changed the page when they throw. Bytes that become free keep what was in them.
 *
 * <p>Holds scratch space that it uses again; not safe for use by several threads at once.
 */
public final class PageEditor {
    /** What {@link #addItem} does when the line pointer it is to use exists. */
    public enum Placement {
        /** The line pointers from there on move up by one: indexes. */
        SHUFFLE,
        /** It must be unused and is taken: BRIN. */
        OVERWRITE,
        /** As {@link #OVERWRITE}, on a page that has no more than 291 of them: heap. */
        HEAP
    }

    private static final int MAX_LINE_POINTERS = (PAGE_SIZE - HEADER_SIZE) / LINE_POINTER_SIZE;

    private final byte[] scratch = new byte[PAGE_SIZE];
    private final int[] survivors = new int[MAX_LINE_POINTERS];
    private final int[] numbers = new int[MAX_LINE_POINTERS];

    /** An editor with scratch space of its own, about 24 KiB. */
    public PageEditor() {}

    /**
     * {@code PageAddItemExtended} with a given line pointer number. The line pointer gets the exact length; the item
     * takes that rounded up to 8, the rest of which is left as it was.
     *
     * @param item holds {@code length} bytes from {@code from}, which the caller has checked
     * @param number 1 to {@code maxOffset + 1}
     * @throws PageException if the page has no such line pointer, it is in use, or there is no room; the page is
     *     unchanged
     */
    public void addItem(Page page, byte[] item, int from, int length, int number, Placement placement)
            throws PageException {
        int upper = reserve(page, length, number, placement);
        System.arraycopy(item, from, page.bytes(), upper, length);
    }

    /**
     * {@link #addItem} for an item that the caller writes itself afterwards.
     *
     * @return where the item begins in the page; its bytes are what was there before
     * @throws PageException as {@link #addItem}; the page is unchanged
     */
    public int reserve(Page page, int length, int number, Placement placement) throws PageException {
        page.checkHeader();
        int limit = page.maxOffset() + 1;
        if (number < 1 || number > limit) {
            throw new PageException("an item cannot be added as number " + number + ": the next free one is " + limit);
        }
        if (placement == Placement.HEAP && number > PageLayout.MAX_HEAP_TUPLES) {
            throw new PageException("a heap page has no line pointer " + number);
        }
        boolean append = number == limit;
        boolean shuffle = !append && placement == Placement.SHUFFLE;
        if (!append && !shuffle) {
            int pointer = page.linePointer(number);
            if (LinePointer.isUsed(pointer) || LinePointer.hasStorage(pointer)) {
                throw new PageException("line pointer " + number + " is to be taken but is in use");
            }
        }
        int lower = append || shuffle ? page.lower() + LINE_POINTER_SIZE : page.lower();
        int upper = page.upper() - align8(length);
        if (length < 0 || length > PAGE_SIZE || lower > upper) {
            throw new PageException("there is no room for an item of " + length + " bytes: " + page.exactFreeSpace()
                    + " bytes are free");
        }
        if (shuffle) {
            int at = HEADER_SIZE + (number - 1) * LINE_POINTER_SIZE;
            page.move(at, at + LINE_POINTER_SIZE, (limit - number) * LINE_POINTER_SIZE);
        }
        page.setLower(lower);
        page.setUpper(upper);
        page.setLinePointer(number, LinePointer.of(upper, LinePointer.NORMAL, length));
        return upper;
    }

    /**
     * {@code PageIndexTupleDelete}: removes the item and its line pointer, and closes both gaps.
     *
     * @throws PageException if there is no such item
     */
    public void deleteItem(Page page, int number) throws PageException {
        page.checkHeader();
        int pointer = page.linePointer(number);
        int offset = checkedStorage(page, number, pointer);
        int size = align8(LinePointer.length(pointer));
        int at = HEADER_SIZE + number * LINE_POINTER_SIZE;
        page.move(at, at - LINE_POINTER_SIZE, page.lower() - at);
        openGap(page, offset, size);
        page.setLower(page.lower() - LINE_POINTER_SIZE);
        for (int i = 1, last = page.maxOffset(); i <= last; i++) {
            int other = page.linePointer(i);
            if (LinePointer.offset(other) <= offset) {
                page.setLinePointer(i, LinePointer.withOffset(other, LinePointer.offset(other) + size));
            }
        }
    }

    /** Moves what lies between upper and {@code offset} up by {@code size}, over an item that ends there. */
    private static void openGap(Page page, int offset, int size) throws PageException {
        int upper = page.upper();
        page.move(upper, upper + size, offset - upper);
        page.setUpper(upper + size);
    }

    private static int checkedStorage(Page page, int number, int pointer) throws PageException {
        int offset = LinePointer.offset(pointer);
        int length = LinePointer.length(pointer);
        if (offset < page.upper() || offset + align8(length) > page.special() || (offset & 7) != 0) {
            throw new PageException(
                    "line pointer " + number + " is corrupted: offset = " + offset + ", length = " + length);
        }
        return offset;
    }

    /**
     * {@code PageIndexMultiDelete}. One or two items are removed one by one, more in one pass that also puts the rest
     * in the order of their line pointers: both leave the page as PostgreSQL does.
     *
     * @param list line pointer numbers, ascending; {@code count} of them from the start
     * @throws PageException if one does not exist or they are not ascending
     */
    public void deleteItems(Page page, int[] list, int count) throws PageException {
        page.checkHeader();
        if (count <= 2) {
            for (int i = count - 1; i >= 0; i--) {
                deleteItem(page, list[i]);
            }
            return;
        }
        int kept = 0;
        int next = 0;
        for (int number = 1, last = page.maxOffset(); number <= last; number++) {
            int pointer = page.linePointer(number);
            checkedStorage(page, number, pointer);
            if (next < count && list[next] == number) {
                next++;
            } else {
                survivors[kept++] = pointer;
            }
        }
        if (next != count) {
            throw new PageException("line pointer " + list[next] + " is to be deleted but does not exist, or the list"
                    + " of " + count + " is not ascending");
        }
        page.setLower(HEADER_SIZE + kept * LINE_POINTER_SIZE);
        for (int i = 0; i < kept; i++) {
            page.setLinePointer(i + 1, survivors[i]);
            numbers[i] = i + 1;
        }
        compact(page, kept);
    }

    /**
     * {@code PageIndexTupleDeleteNoCompact}: removes the item, keeps the numbers of the others. The line pointer
     * becomes unused, or goes away if it is the last.
     *
     * @throws PageException if there is no such item
     */
    public void deleteItemKeepingNumbers(Page page, int number) throws PageException {
        page.checkHeader();
        int pointer = page.linePointer(number);
        int offset = checkedStorage(page, number, pointer);
        int size = align8(LinePointer.length(pointer));
        if (number < page.maxOffset()) {
            page.setLinePointer(number, 0);
        } else {
            page.setLower(page.lower() - LINE_POINTER_SIZE);
        }
        openGap(page, offset, size);
        shiftStorage(page, offset, size);
    }

    private static void shiftStorage(Page page, int upTo, int distance) throws PageException {
        for (int i = 1, last = page.maxOffset(); i <= last; i++) {
            int pointer = page.linePointer(i);
            if (LinePointer.hasStorage(pointer) && LinePointer.offset(pointer) <= upTo) {
                page.setLinePointer(i, LinePointer.withOffset(pointer, LinePointer.offset(pointer) + distance));
            }
        }
    }

    /**
     * {@code PageIndexTupleOverwrite}: replaces the item, whose size may change, and keeps the pointer's state.
     *
     * @param item holds {@code length} bytes from {@code from}, which the caller has checked
     * @throws PageException if there is no such item or no room; the page is unchanged
     */
    public void overwriteItem(Page page, int number, byte[] item, int from, int length) throws PageException {
        page.checkHeader();
        int pointer = page.linePointer(number);
        int offset = checkedStorage(page, number, pointer);
        int oldSize = align8(LinePointer.length(pointer));
        int newSize = align8(length);
        int upper = page.upper();
        if (length < 0 || length > PAGE_SIZE || newSize > oldSize + (upper - page.lower())) {
            throw new PageException("there is no room to replace item " + number + " of " + oldSize
                    + " bytes by one of " + newSize + ": " + page.exactFreeSpace() + " bytes are free");
        }
        int distance = oldSize - newSize;
        if (distance != 0) {
            page.move(upper, upper + distance, offset - upper);
            page.setUpper(upper + distance);
            shiftStorage(page, offset, distance);
        }
        page.setLinePointer(number, LinePointer.withLength(page.linePointer(number), length));
        System.arraycopy(item, from, page.bytes(), offset + distance, length);
    }

    /**
     * {@code PageRepairFragmentation}: puts the items of a heap page together at its end, in the order of their line
     * pointers.
     *
     * @param cutUnused whether unused line pointers at the end go away, as since PostgreSQL 15
     * @throws PageException if a line pointer or the header is corrupted
     */
    public void repairFragmentation(Page page, boolean cutUnused) throws PageException {
        // With a header that is in order all line pointers are in the page: they need not be checked one by one.
        page.checkHeader();
        byte[] bytes = page.bytes();
        int upper = page.upper();
        int special = page.special();
        int last = page.maxOffset();
        int items = 0;
        int unused = 0;
        int lastUsed = 0;
        for (int number = 1; number <= last; number++) {
            int at = pointerAt(number);
            int pointer = LittleEndian.i32(bytes, at);
            if (!LinePointer.isUsed(pointer)) {
                LittleEndian.putI32(bytes, at, 0);
                unused++;
                continue;
            }
            lastUsed = number;
            if (LinePointer.hasStorage(pointer)) {
                int offset = LinePointer.offset(pointer);
                int end = offset + align8(LinePointer.length(pointer));
                if (offset < upper || end > special) {
                    throw new PageException("line pointer " + number + " is corrupted: offset = " + offset
                            + ", length = " + LinePointer.length(pointer));
                }
                numbers[items] = number;
                survivors[items++] = pointer;
            }
        }
        compact(page, items);
        if (cutUnused && lastUsed != last) {
            unused -= last - lastUsed;
            page.setLower(HEADER_SIZE + lastUsed * LINE_POINTER_SIZE);
        }
        if (unused > 0) {
            page.setFlags(PageLayout.HAS_FREE_LINES);
        } else {
            page.clearFlags(PageLayout.HAS_FREE_LINES);
        }
    }

    private static int pointerAt(int number) {
        return HEADER_SIZE + (number - 1) * LINE_POINTER_SIZE;
    }

    /** Puts the first {@code count} items of {@link #survivors} below the special area, the first one topmost. */
    private void compact(Page page, int count) throws PageException {
        byte[] bytes = page.bytes();
        int lowest = page.upper();
        int special = page.special();
        int total = 0;
        for (int i = 0; i < count; i++) {
            total += align8(LinePointer.length(survivors[i]));
        }
        if (total > special - page.lower()) {
            throw new PageException("the item lengths are corrupted: they add up to " + total + ", where there are "
                    + (special - page.lower()) + " bytes");
        }
        boolean copied = false;
        int upper = special;
        int next = 0;
        while (next < count) {
            // Items of which each lies directly below the one before stay together, mostly many, and mostly in their
            // place.
            int first = next;
            int end = LinePointer.offset(survivors[next]) + align8(LinePointer.length(survivors[next]));
            int lower = end;
            for (; next < count && isDirectlyBelow(survivors[next], lower); next++) {
                lower = LinePointer.offset(survivors[next]);
            }
            upper -= end - lower;
            if (lower != upper) {
                if (!copied) {
                    System.arraycopy(bytes, lowest, scratch, lowest, special - lowest);
                    copied = true;
                }
                System.arraycopy(scratch, lower, bytes, upper, end - lower);
                for (int i = first; i < next; i++) {
                    int offset = LinePointer.offset(survivors[i]) + (upper - lower);
                    LittleEndian.putI32(bytes, pointerAt(numbers[i]), LinePointer.withOffset(survivors[i], offset));
                }
            }
        }
        page.setUpper(upper);
    }

    private static boolean isDirectlyBelow(int pointer, int offset) {
        return LinePointer.offset(pointer) + align8(LinePointer.length(pointer)) == offset;
    }

    /**
     * {@code PageTruncateLinePointerArray}: cuts the unused line pointers at the end of a heap page, but keeps the
     * first one in any case. Items are not moved.
     *
     * @throws PageException if the header is corrupted
     */
    public void truncateLinePointers(Page page) throws PageException {
        page.checkHeader();
        int last = page.maxOffset();
        int keep = last;
        while (keep > 1 && !LinePointer.isUsed(page.linePointer(keep))) {
            keep--;
        }
        boolean free = false;
        for (int number = 1; number <= keep && !free; number++) {
            free = !LinePointer.isUsed(page.linePointer(number));
        }
        if (keep < last) {
            page.setLower(HEADER_SIZE + keep * LINE_POINTER_SIZE);
        }
        if (free) {
            page.setFlags(PageLayout.HAS_FREE_LINES);
        } else {
            page.clearFlags(PageLayout.HAS_FREE_LINES);
        }
    }
}
