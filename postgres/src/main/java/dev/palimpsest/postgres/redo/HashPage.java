package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.page.PageLayout;
import dev.palimpsest.postgres.page.PageMask;

/**
 * What makes a page one of a hash index. The special area, 16 bytes:
 *
 * <pre>
 * offset size
 *      0    4  block of the page before it in the bucket; on the first one, the greatest bucket when it was last split
 *      4    4  block of the page after it, FFFFFFFF if there is none
 *      8    4  bucket, FFFFFFFF if it belongs to none
 *     12    2  flags: 1 overflow, 2 bucket (its first page), 4 bitmap, 8 meta, none of these if free; 10 being populated,
 *              20 being split, 40 needs cleanup after a split, 80 has dead tuples (hexadecimal)
 *     14    2  FF80
 * </pre>
 *
 * <p>A bitmap page has its bits from 24, 1 for a page in use; bit n is bit n % 32 of the u32 at 24 + 4 (n / 32).
 * {@link HashMeta} has the meta page.
 */
final class HashPage {
    static final int FREE = 0x0000;
    static final int OVERFLOW = 0x0001;
    static final int BUCKET = 0x0002;
    static final int BITMAP = 0x0004;
    static final int META = 0x0008;
    static final int NEEDS_SPLIT_CLEANUP = 0x0040;
    static final int HAS_DEAD_TUPLES = 0x0080;

    /** No block, no bucket. */
    static final int NONE = -1;

    private static final int TYPE = 0x000F;
    private static final int SPECIAL_SIZE = 16;
    private static final int SPECIAL = PageLayout.PAGE_SIZE - SPECIAL_SIZE;
    private static final int PREVIOUS = SPECIAL;
    private static final int NEXT = SPECIAL + 4;
    private static final int BUCKET_NUMBER = SPECIAL + 8;
    private static final int FLAGS = SPECIAL + 12;
    private static final int PAGE_ID = SPECIAL + 14;
    private static final int PAGE_ID_VALUE = 0xFF80;
    private static final int BITS = PageLayout.HEADER_SIZE;

    private HashPage() {}

    /** Makes it an empty page of a hash index. */
    static void initialize(Page page, int previous, int next, int bucket, int flags) throws PageException {
        page.initialize(SPECIAL_SIZE);
        page.putI32(PREVIOUS, previous);
        page.putI32(NEXT, next);
        page.putI32(BUCKET_NUMBER, bucket);
        page.putU16(FLAGS, flags);
        page.putU16(PAGE_ID, PAGE_ID_VALUE);
    }

    /** @throws PageException unless it is a page of a hash index */
    static void check(Page page) throws PageException {
        page.specialOf(SPECIAL_SIZE);
        if (page.u16(PAGE_ID) != PAGE_ID_VALUE) {
            throw new PageException("this is no page of a hash index: its id is 0x"
                    + Integer.toHexString(page.u16(PAGE_ID)) + ", not 0x" + Integer.toHexString(PAGE_ID_VALUE));
        }
    }

    /** @throws PageException unless it is a page of a hash index, of one of the types whose bits are set */
    static void checkType(Page page, int types) throws PageException {
        check(page);
        int type = page.u16(FLAGS) & TYPE;
        if (Integer.bitCount(type) != 1 || (type & types) == 0) {
            throw new PageException("the page of the hash index has the flags 0x"
                    + Integer.toHexString(page.u16(FLAGS)) + ", which are not those of a page with type 0x"
                    + Integer.toHexString(types));
        }
    }

    static void putPrevious(Page page, int block) throws PageException {
        page.putI32(PREVIOUS, block);
    }

    static void putNext(Page page, int block) throws PageException {
        page.putI32(NEXT, block);
    }

    static void putFlags(Page page, int flags) throws PageException {
        page.putU16(FLAGS, flags);
    }

    static void clearFlags(Page page, int flags) throws PageException {
        page.putU16(FLAGS, page.u16(FLAGS) & ~flags);
    }

    /** Makes it a bitmap of {@code size} bytes in which all pages are in use. */
    static void initializeBitmap(Page page, int size) throws PageException {
        if (size <= 0 || size > SPECIAL - BITS) {
            throw new PageException("a bitmap of " + size + " bytes does not fit");
        }
        initialize(page, NONE, NONE, NONE, BITMAP);
        for (int at = BITS; at < BITS + size; at++) {
            page.putU8(at, 0xFF);
        }
        page.setLower(BITS + size);
    }

    /** Marks a page as in use or as free. */
    static void putBit(Page page, int bit, boolean inUse) throws PageException {
        checkType(page, BITMAP);
        if (bit < 0 || bit / 8 >= page.lower() - BITS) {
            throw new PageException(
                    "the bitmap of " + (page.lower() - BITS) + " bytes has no bit " + Integer.toUnsignedString(bit));
        }
        int at = BITS + bit / 8;
        int mask = 1 << bit % 8;
        page.putU8(at, inUse ? page.u8(at) | mask : page.u8(at) & ~mask);
    }

    /** {@code hash_mask}. */
    static void mask(Page page) throws PageException {
        PageMask.lsnAndChecksum(page);
        PageMask.headerHints(page);
        PageMask.unusedSpace(page);
        page.specialOf(SPECIAL_SIZE);
        int type = page.u16(FLAGS) & TYPE;
        if (type == FREE) {
            PageMask.content(page);
        } else if (type == BUCKET || type == OVERFLOW) {
            PageMask.linePointerStates(page);
        }
        clearFlags(page, HAS_DEAD_TUPLES);
    }
}
