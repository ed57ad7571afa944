package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.page.LinePointer;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageEditor;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.page.PageLayout;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;
import dev.palimpsest.postgres.wal.PayloadReader;

/**
 * The tuples of a B-tree: 8 bytes of header, then the key. A multiple of 8 bytes.
 *
 * <pre>
 * offset size
 *      0    6  item pointer: of the heap tuple on a leaf; else u16, u16 the child's block, u16 see below
 *      6    2  bits 0-12 the tuple's size, 2000 the item pointer is something else, 4000 varying width, 8000 nulls
 * </pre>
 *
 * <p>With 2000 set, the item pointer's offset says what the tuple is. If it has 2000 the tuple stands for several
 * heap tuples that have the same key: its low 12 bits count their item pointers, 6 bytes each, which begin where the
 * item pointer's block says, after the key. Otherwise it is a pivot: its low 12 bits count the attributes in the key.
 */
final class BtreeTuple {
    static final int HEADER_SIZE = 8;

    private static final int TID_SIZE = 6;
    private static final int INFO = 6;
    private static final int SIZE_BITS = 0x1FFF;
    private static final int OTHER_TID = 0x2000;
    private static final int IS_POSTING = 0x2000;
    private static final int COUNT_BITS = 0x0FFF;

    private BtreeTuple() {}

    /**
     * Bytes that the tuple at {@code offset} of the data takes, a multiple of 8.
     *
     * @throws MalformedRecordException if that is impossible or there are not as many
     */
    static int alignedSize(Payload data, int offset) throws MalformedRecordException {
        int size = PageLayout.align8(data.u16(offset + INFO) & SIZE_BITS);
        if (size < HEADER_SIZE) {
            throw data.malformed("a tuple of " + size + " bytes at offset " + offset);
        }
        data.check(offset, size);
        return size;
    }

    /**
     * As {@link #alignedSize}, of a tuple that the data ends with.
     *
     * @throws MalformedRecordException if that is impossible, or it ends elsewhere
     */
    static int alignedSizeOfLast(Payload data, int offset) throws MalformedRecordException {
        int size = alignedSize(data, offset);
        if (offset + size != data.length()) {
            throw data.malformed("a tuple of " + size + " bytes at offset " + offset + ", where there are "
                    + (data.length() - offset));
        }
        return size;
    }

    /**
     * Where an item of a page begins, in whatever state its line pointer is: an index marks items dead that are still
     * there.
     *
     * @throws PageException if there is no such item, or it is no tuple
     */
    static int at(Page page, int number) throws PageException {
        int at = page.item(number, HEADER_SIZE);
        int size = size(page, at);
        if (at < page.upper() || size < HEADER_SIZE || size > LinePointer.length(page.linePointer(number))) {
            throw new PageException("item " + number + " at " + at + " is no index tuple: size = " + size);
        }
        if (isPosting(page, at)) {
            int keySize = page.tidBlock(at);
            int count = count(page, at);
            if (keySize < HEADER_SIZE || keySize > size || (keySize & 7) != 0 || count * TID_SIZE > size - keySize) {
                throw new PageException("item " + number + " has no posting list: size = " + size + ", key = "
                        + Integer.toUnsignedString(keySize) + ", item pointers = " + count);
            }
        }
        return at;
    }

    /**
     * As {@link #at}, of a tuple with a posting list.
     *
     * @throws PageException if there is no such item, or it is no such tuple
     */
    static int postingAt(Page page, int number) throws PageException {
        int at = at(page, number);
        if (!isPosting(page, at)) {
            throw new PageException("item " + number + " has no posting list, where one is needed");
        }
        return at;
    }

    /** Bytes of the tuple, by its own account. */
    static int size(Page page, int at) throws PageException {
        return page.u16(at + INFO) & SIZE_BITS;
    }

    private static boolean isPosting(Page page, int at) throws PageException {
        return (page.u16(at + INFO) & OTHER_TID) != 0 && (page.tidOffset(at) & IS_POSTING) != 0;
    }

    private static int count(Page page, int at) throws PageException {
        return page.tidOffset(at) & COUNT_BITS;
    }

    /** The bytes before the posting list, or all of them. */
    private static int keySize(Page page, int at) throws PageException {
        return isPosting(page, at) ? page.tidBlock(at) : size(page, at);
    }

    /** How many heap tuples a tuple on a leaf stands for. */
    static int heapTuples(Page page, int at) throws PageException {
        return isPosting(page, at) ? count(page, at) : 1;
    }

    /**
     * Checks that a new tuple can go between two item pointers of a posting list.
     *
     * @param position how many of them come before it
     * @throws PageException if that would be at an end of the list, or beyond
     */
    static void checkPosition(Page page, int posting, int position) throws PageException {
        int count = count(page, posting);
        if (position < 1 || position >= count) {
            throw new PageException("a posting list of " + count + " item pointers cannot be split before number "
                    + position + ", counted from 0");
        }
    }

    /**
     * Puts an item pointer into a posting list in the place of the last one.
     *
     * @param position as checked with {@link #checkPosition}
     * @return the last item pointer: the block in the high 32 of 48 bits, the offset in the low 16
     */
    static long swap(Page page, int posting, int position, int block, int offset) throws PageException {
        int count = count(page, posting);
        int list = posting + keySize(page, posting);
        int place = list + position * TID_SIZE;
        int last = list + (count - 1) * TID_SIZE;
        long dropped = Integer.toUnsignedLong(page.tidBlock(last)) << 16 | page.tidOffset(last);
        page.move(place, place + TID_SIZE, last - place);
        page.putTid(place, block, offset);
        return dropped;
    }

    /** Gives a tuple the item pointer that {@link #swap} returned. */
    static void putTid(Page page, int at, long tid) throws PageException {
        page.putTid(at, (int) (tid >>> 16), (int) tid & 0xFFFF);
    }

    /**
     * Adds to {@code target} one tuple that stands for the heap tuples of several on {@code page}, and has the key of
     * the first.
     *
     * @param count how many heap tuples these are: 2 or more
     * @throws PageException if there is no room
     */
    static void addMerged(PageEditor editor, Page target, Page page, int from, int to, int count) throws PageException {
        int base = at(page, from);
        int keySize = keySize(page, base);
        int size = PageLayout.align8(keySize + count * TID_SIZE);
        int at = editor.reserve(target, size, target.maxOffset() + 1, PageEditor.Placement.SHUFFLE);
        target.zero(at, at + size);
        target.put(at, page.bytes(), base, keySize);
        int place = at + keySize;
        for (int number = from; number <= to; number++) {
            int tuple = at(page, number);
            int tids = heapTuples(page, tuple);
            int first = isPosting(page, tuple) ? tuple + keySize(page, tuple) : tuple;
            target.put(place, page.bytes(), first, tids * TID_SIZE);
            place += tids * TID_SIZE;
        }
        putHeader(target, at, keySize, size, count);
    }

    private static void putHeader(Page page, int at, int keySize, int size, int count) throws PageException {
        page.putU16(at + INFO, (page.u16(at + INFO) & ~SIZE_BITS) | size | OTHER_TID);
        page.putTid(at, keySize, count | IS_POSTING);
    }

    /**
     * Takes item pointers out of a posting list. If one is left, the tuple is a plain one afterwards.
     *
     * @param update u16 how many to take out, then u16 for each its place in the list, from 0, ascending
     * @param payload what {@code update} reads, for messages
     * @param scratch a page to build the tuple in
     */
    static void removeFromPosting(
            PageEditor editor, Page page, int number, PayloadReader update, Payload payload, Page scratch)
            throws PageException, MalformedRecordException {
        int posting = postingAt(page, number);
        int before = count(page, posting);
        int removed = update.u16();
        int count = before - removed;
        if (removed < 1 || count < 1) {
            throw payload.malformed("item " + number + " loses " + removed + " of " + before + " item pointers");
        }
        int keySize = keySize(page, posting);
        int size = count > 1 ? PageLayout.align8(keySize + count * TID_SIZE) : keySize;
        scratch.zero(0, size);
        scratch.put(0, page.bytes(), posting, keySize);
        int place = count > 1 ? keySize : 0;
        int next = 0;
        for (int i = 0; i <= removed; i++) {
            int index = i < removed ? update.u16() : before;
            if (index < next || (index >= before && i < removed)) {
                throw payload.malformed("item " + number + " of " + before + " item pointers loses number " + index
                        + ", or their order is wrong");
            }
            int kept = (index - next) * TID_SIZE;
            scratch.put(place, page.bytes(), posting + keySize + next * TID_SIZE, kept);
            place += kept;
            next = index + 1;
        }
        if (count > 1) {
            putHeader(scratch, 0, keySize, size, count);
        } else {
            scratch.putU16(INFO, (scratch.u16(INFO) & ~(SIZE_BITS | OTHER_TID)) | size);
        }
        editor.overwriteItem(page, number, scratch.bytes(), 0, size);
    }

    /**
     * Makes an empty leaf a half-dead one: its high key is nothing but a link to the topmost page that goes with it.
     *
     * @param topParent its block
     */
    static void addTopParent(PageEditor editor, Page page, int topParent) throws PageException {
        int at = editor.reserve(page, HEADER_SIZE, 1, PageEditor.Placement.SHUFFLE);
        page.putTid(at, topParent, 0);
        page.putU16(at + INFO, HEADER_SIZE | OTHER_TID);
    }
}
