package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.page.PageLayout;

/**
 * The meta page of a hash index, block 0. At 24, with pd_lower 4568:
 *
 * <pre>
 * offset size
 *      0    4  06440640
 *      4    4  version, 4
 *      8    8  f64 tuples in the index
 *     16    2  tuples to a bucket
 *     18    2  bytes of a page for tuples, 8152
 *     20    2  bytes of a bitmap, 4096
 *     22    2  binary logarithm of the bits of a bitmap, 15
 *     24    4  greatest bucket
 *     28    4  mask of the hash for all buckets
 *     32    4  mask of the hash for buckets that have not been split
 *     36    4  split point
 *     40    4  first bit that may be free, counted through all bitmaps
 *     44    4  bitmaps
 *     48    4  hash function
 *     52  392  98 × u32 overflow pages before the split point of that number
 *    444 4096  1024 × u32 block of the bitmap of that number
 * </pre>
 */
final class HashMeta {
    private static final int META = PageLayout.HEADER_SIZE;
    private static final int MAGIC = META;
    private static final int VERSION = META + 4;
    private static final int TUPLES = META + 8;
    private static final int FILL_FACTOR = META + 16;
    private static final int PAGE_BYTES = META + 18;
    private static final int BITMAP_BYTES = META + 20;
    private static final int BITMAP_SHIFT = META + 22;
    private static final int MAX_BUCKET = META + 24;
    private static final int HIGH_MASK = META + 28;
    private static final int LOW_MASK = META + 32;
    private static final int SPLIT_POINT = META + 36;
    private static final int FIRST_FREE = META + 40;
    private static final int BITMAPS = META + 44;
    private static final int FUNCTION = META + 48;
    private static final int SPARES = META + 52;
    private static final int MAPS = META + 444;
    private static final int END = 4568;

    private static final int MAGIC_VALUE = 0x06440640;
    private static final int VERSION_VALUE = 4;
    private static final int SPLIT_POINTS = 98;
    private static final int MAX_BITMAPS = 1024;
    private static final int MAX_BUCKETS = 0x40000000;

    /** Up to this group of split points each has one; from there on each has four. */
    private static final int SINGLE_GROUPS = 10;

    private HashMeta() {}

    /**
     * Makes it the meta page of an empty index with room for {@code tuples}.
     *
     * @param fillFactor tuples to a bucket, more than 0
     */
    static void initialize(Page page, double tuples, int function, int fillFactor) throws PageException {
        double wanted = tuples / fillFactor;
        int buckets = wanted >= MAX_BUCKETS ? MAX_BUCKETS : wanted > 2 ? bucketsUpTo(splitPointOf((int) wanted)) : 2;
        int splitPoint = splitPointOf(buckets);
        int highMask = Integer.highestOneBit(buckets) * 2 - 1;
        HashPage.initialize(page, HashPage.NONE, HashPage.NONE, HashPage.NONE, HashPage.META);
        page.putI32(MAGIC, MAGIC_VALUE);
        page.putI32(VERSION, VERSION_VALUE);
        page.putU16(FILL_FACTOR, fillFactor);
        page.putU16(PAGE_BYTES, 8152);
        page.putU16(BITMAP_BYTES, 4096);
        page.putU16(BITMAP_SHIFT, 15);
        page.putI32(MAX_BUCKET, buckets - 1);
        page.putI32(HIGH_MASK, highMask);
        page.putI32(LOW_MASK, highMask >>> 1);
        page.putI32(SPLIT_POINT, splitPoint);
        page.putI32(FUNCTION, function);
        page.putI32(SPARES + 4 * splitPoint, 1);
        page.setLower(END);
    }

    /** The split point at which an index has this many buckets, or the next one. */
    private static int splitPointOf(int buckets) {
        int group = buckets < 2 ? 0 : 32 - Integer.numberOfLeadingZeros(buckets - 1);
        return group < SINGLE_GROUPS
                ? group
                : SINGLE_GROUPS + (group - SINGLE_GROUPS) * 4 + ((buckets - 1) >> (group - 3) & 3);
    }

    /** How many buckets there are when all of a split point are in use. */
    private static int bucketsUpTo(int splitPoint) {
        if (splitPoint < SINGLE_GROUPS) {
            return 1 << splitPoint;
        }
        int before = 1 << (SINGLE_GROUPS + (splitPoint - SINGLE_GROUPS) / 4 - 1);
        return before + before / 4 * ((splitPoint - SINGLE_GROUPS) % 4 + 1);
    }

    /** @throws PageException unless it is the meta page of a hash index */
    static void check(Page page) throws PageException {
        HashPage.checkType(page, HashPage.META);
        if (page.i32(MAGIC) != MAGIC_VALUE || page.i32(VERSION) != VERSION_VALUE) {
            throw new PageException("this is no meta page of a hash index of version 4: its magic number is 0x"
                    + Integer.toHexString(page.i32(MAGIC)) + ", its version " + page.i32(VERSION));
        }
    }

    static void putTuples(Page page, double tuples) throws PageException {
        page.putI64(TUPLES, Double.doubleToRawLongBits(tuples));
    }

    static void addTuples(Page page, double difference) throws PageException {
        putTuples(page, Double.longBitsToDouble(page.i64(TUPLES)) + difference);
    }

    /** The first bitmap of an index lies behind its buckets. */
    static void addFirstBitmap(Page page) throws PageException {
        addBitmap(page, page.i32(MAX_BUCKET) + 2);
    }

    private static void addBitmap(Page page, int block) throws PageException {
        int bitmaps = page.i32(BITMAPS);
        if (bitmaps < 0 || bitmaps >= MAX_BITMAPS) {
            throw new PageException("a hash index with " + Integer.toUnsignedString(bitmaps)
                    + " bitmaps cannot get another one: " + MAX_BITMAPS + " are the most");
        }
        page.putI32(MAPS + 4 * bitmaps, block);
        page.putI32(BITMAPS, bitmaps + 1);
    }

    static void putFirstFree(Page page, int bit) throws PageException {
        page.putI32(FIRST_FREE, bit);
    }

    /** The index has grown by an overflow page. */
    static void addOverflowPage(Page page) throws PageException {
        int at = SPARES + 4 * checkedSplitPoint(page.i32(SPLIT_POINT));
        page.putI32(at, page.i32(at) + 1);
    }

    /** The index has grown by a bitmap page. */
    static void addBitmapPage(Page page, int block) throws PageException {
        addBitmap(page, block);
        addOverflowPage(page);
    }

    static void putMaxBucket(Page page, int bucket) throws PageException {
        page.putI32(MAX_BUCKET, bucket);
    }

    static void putMasks(Page page, int low, int high) throws PageException {
        page.putI32(LOW_MASK, low);
        page.putI32(HIGH_MASK, high);
    }

    static void putSplitPoint(Page page, int splitPoint, int pages) throws PageException {
        page.putI32(SPARES + 4 * checkedSplitPoint(splitPoint), pages);
        page.putI32(SPLIT_POINT, splitPoint);
    }

    private static int checkedSplitPoint(int splitPoint) throws PageException {
        if (splitPoint < 0 || splitPoint >= SPLIT_POINTS) {
            throw new PageException("a hash index has no split point " + Integer.toUnsignedString(splitPoint));
        }
        return splitPoint;
    }
}
