package dev.palimpsest.postgres.page;

import dev.palimpsest.postgres.LittleEndian;

/**
 * PostgreSQL's checksum of a page, {@code pg_checksum_page}: an FNV-1a hash in 32 lanes that are folded into 16 bits
 * together with the block number, so that a page in the wrong place is noticed too.
 *
 * <p>The page is 64 rows of 32 words. Each lane starts at a constant and takes in one word of each row, then two zeros:
 * {@code t = lane ^ word; lane = t * 0x01000193 ^ t >>> 17}. The exclusive or of all lanes and the block number, modulo
 * 65535, plus 1, is the result. The checksum's own field counts as zero.
 */
public final class PageChecksum {
    private static final int LANES = 32;
    private static final int PRIME = 0x01000193;
    private static final int FIELD_WORD = PageLayout.CHECKSUM / 4;

    private static final int[] SEEDS = {
        0x5B1F36E9, 0xB8525960, 0x02AB50AA, 0x1DE66D2A, 0x79FF467A, 0x9BB9F8A3, 0x217E7CD2, 0x83E13D2C,
        0xF8D4474F, 0xE39EB970, 0x42C6AE16, 0x993216FA, 0x7B093B5D, 0x98DAFF3C, 0xF718902A, 0x0B1C9CDB,
        0xE58F764B, 0x187636BC, 0x5D7B3BB1, 0xE73DE7DE, 0x92BEC979, 0xCCA6C0B2, 0x304A0979, 0x85AA43D4,
        0x783125BB, 0x6CA8EAA2, 0xE407EAC6, 0x4B5CFC3E, 0x9FBF8C76, 0x15CA20BE, 0xF2CA9FD3, 0x959BD756
    };

    private PageChecksum() {}

    /**
     * The checksum of the page as block {@code blockNumber} of its fork: 1 to 65535. The number counts through all the
     * files of a relation, and the fork does not go into it. Does not look at, nor change, the one that is stored.
     */
    public static int compute(Page page, int blockNumber) {
        byte[] bytes = page.bytes();
        int[] lanes = SEEDS.clone();
        for (int row = 0; row < PageLayout.PAGE_SIZE; row += LANES * 4) {
            for (int lane = 0; lane < LANES; lane++) {
                int word = LittleEndian.i32(bytes, row + lane * 4);
                if (row == 0 && lane == FIELD_WORD) {
                    word &= 0xFFFF0000;
                }
                lanes[lane] = mix(lanes[lane], word);
            }
        }
        int folded = blockNumber;
        for (int lane : lanes) {
            folded ^= mix(mix(lane, 0), 0);
        }
        return Integer.remainderUnsigned(folded, 65535) + 1;
    }

    private static int mix(int lane, int word) {
        int mixed = lane ^ word;
        return mixed * PRIME ^ mixed >>> 17;
    }

    /** Whether the stored checksum is right; a new page has none and passes. */
    public static boolean isValid(Page page, int blockNumber) {
        return page.isNew() || page.checksum() == compute(page, blockNumber);
    }

    /** Stores the right checksum, unless the page is new: those have none. */
    public static void store(Page page, int blockNumber) {
        if (!page.isNew()) {
            page.setChecksum(compute(page, blockNumber));
        }
    }
}
