package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.page.PageLayout;

/**
 * Pages of the visibility map: after the page header, two bits for each page of the heap, four pages to a byte from the
 * lowest bits on. Bit 1: all tuples are visible to everybody; bit 2: all are frozen.
 */
final class VisibilityMap {
    /** Both bits. */
    static final int ALL_BITS = 3;

    /** All tuples are frozen. */
    static final int ALL_FROZEN = 2;

    /** Heap pages that one page of the map tells about. */
    static final int HEAP_BLOCKS_PER_PAGE = (PageLayout.PAGE_SIZE - PageLayout.HEADER_SIZE) * 4;

    private VisibilityMap() {}

    /** The number of the map's page that tells about a heap block (both unsigned). */
    static int pageOf(int heapBlock) {
        return Integer.divideUnsigned(heapBlock, HEAP_BLOCKS_PER_PAGE);
    }

    /** Sets bits of a heap block on its page of the map; whether that changed anything. */
    static boolean set(Page mapPage, int heapBlock, int bits) throws PageException {
        int at = byteOf(heapBlock);
        int old = mapPage.u8(at);
        mapPage.putU8(at, old | bits << shiftOf(heapBlock));
        return mapPage.u8(at) != old;
    }

    /** Clears bits of a heap block on its page of the map; whether that changed anything. */
    static boolean clear(Page mapPage, int heapBlock, int bits) throws PageException {
        int at = byteOf(heapBlock);
        int old = mapPage.u8(at);
        mapPage.putU8(at, old & ~(bits << shiftOf(heapBlock)));
        return mapPage.u8(at) != old;
    }

    /**
     * Clears the bits of all heap blocks of a page of the map but the first ones; whether that changed anything.
     *
     * @param kept how many heap blocks of this page keep their bits
     */
    static boolean clearFrom(Page mapPage, int kept) throws PageException {
        int at = PageLayout.HEADER_SIZE + kept / 4;
        boolean changed = false;
        for (int i = at; i < PageLayout.PAGE_SIZE; i++) {
            int value = i == at ? mapPage.u8(i) & ((1 << shiftOf(kept)) - 1) : 0;
            changed |= mapPage.u8(i) != value;
            mapPage.putU8(i, value);
        }
        return changed;
    }

    private static int byteOf(int heapBlock) {
        return PageLayout.HEADER_SIZE + Integer.remainderUnsigned(heapBlock, HEAP_BLOCKS_PER_PAGE) / 4;
    }

    private static int shiftOf(int heapBlock) {
        return 2 * (heapBlock & 3);
    }
}
