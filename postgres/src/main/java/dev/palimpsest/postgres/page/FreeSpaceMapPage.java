package dev.palimpsest.postgres.page;

/**
 * Pages of the free space map. After the page header a page holds a heap in which each node is the maximum of its two
 * children:
 *
 * <pre>
 * offset size
 *     24    4  slot where the next search begins; a hint
 *     28 4095  inner nodes: node i has the children 2i + 1 and 2i + 2
 *   4123 4069  leaf nodes, the slots
 * </pre>
 *
 * <p>The map has three levels. A slot on the lowest level stands for a page of the relation: its free space in steps of 32
 * bytes. A slot further up stands for a page of the level below: the greatest of its slots. In the file each page comes
 * before the pages below it: the root is page 0, the first page of the middle level page 1, the first of the lowest 2.
 *
 * <p>Nothing depends on the map being right: a search that is led astray corrects it.
 */
public final class FreeSpaceMapPage {
    /** Slots on a page. */
    public static final int SLOTS = 4069;

    /** Levels; the lowest is 0. */
    public static final int LEVELS = 3;

    private static final int NEXT_SLOT = PageLayout.HEADER_SIZE;
    private static final int NODES = NEXT_SLOT + 4;
    private static final int INNER = 4095;
    private static final int ALL = INNER + SLOTS;

    private FreeSpaceMapPage() {}

    /**
     * Where in the file a page of a level is.
     *
     * @param level 0 to 2
     * @param number its number on its level, from 0
     */
    public static int blockOf(int level, int number) {
        long lowest = number;
        for (int i = 0; i < level; i++) {
            lowest *= SLOTS;
        }
        return (int) (lowest + lowest / SLOTS + lowest / ((long) SLOTS * SLOTS) + LEVELS - level - 1);
    }

    /** The value of a slot, 0 to 255. */
    public static int slot(Page page, int slot) throws PageException {
        return page.u8(NODES + INNER + slot);
    }

    /** The greatest value on the page. */
    public static int root(Page page) throws PageException {
        return page.u8(NODES);
    }

    /**
     * Makes slots from one on 0, and searches begin at the first; whether that changed a slot.
     *
     * @param from the first of them, 0 (inclusive) to {@link #SLOTS} (inclusive)
     */
    public static boolean clearFrom(Page page, int from) throws PageException {
        boolean changed = false;
        for (int slot = from; slot < SLOTS; slot++) {
            changed |= slot(page, slot) != 0;
        }
        if (changed) {
            page.zero(NODES + INNER + from, NODES + ALL);
            rebuild(page);
        }
        page.putI32(NEXT_SLOT, 0);
        return changed;
    }

    /** Sets a slot and the nodes above it. */
    public static void setSlot(Page page, int slot, int value) throws PageException {
        int node = INNER + slot;
        page.putU8(NODES + node, value);
        while (node > 0) {
            node = (node - 1) / 2;
            page.putU8(NODES + node, greaterChild(page, node));
        }
    }

    private static void rebuild(Page page) throws PageException {
        for (int node = INNER - 1; node >= 0; node--) {
            page.putU8(NODES + node, greaterChild(page, node));
        }
    }

    private static int greaterChild(Page page, int node) throws PageException {
        int left = 2 * node + 1;
        int greater = left < ALL ? page.u8(NODES + left) : 0;
        return left + 1 < ALL ? Math.max(greater, page.u8(NODES + left + 1)) : greater;
    }
}
