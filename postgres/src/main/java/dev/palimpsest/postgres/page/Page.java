package dev.palimpsest.postgres.page;

import static dev.palimpsest.postgres.page.PageLayout.HEADER_SIZE;
import static dev.palimpsest.postgres.page.PageLayout.LINE_POINTER_SIZE;
import static dev.palimpsest.postgres.page.PageLayout.PAGE_SIZE;

import dev.palimpsest.postgres.LittleEndian;
import java.util.Arrays;

/**
 * A page in memory: reads and writes its fields in place. {@link PageLayout} has the layout.
 *
 * <p>The header's own fields are read as they stand, also on a page that makes no sense; {@link #checkHeader} says
 * whether they do. Every access to another offset is checked and throws {@link PageException}. Block numbers, item
 * pointers and LSNs are in PostgreSQL's mixed order, which the methods named for them take care of.
 *
 * <p>Wraps an array that it does not copy. Not safe for use by several threads at once.
 */
public final class Page {
    private final byte[] bytes;

    /** A page of zeros: one that nobody has initialised. */
    public Page() {
        this.bytes = new byte[PAGE_SIZE];
    }

    private Page(byte[] bytes) {
        this.bytes = bytes;
    }

    /**
     * The page in {@code bytes}, which it reads and writes from now on.
     *
     * @throws IllegalArgumentException if these are not 8192 bytes
     */
    public static Page wrap(byte[] bytes) {
        if (bytes.length != PAGE_SIZE) {
            throw new IllegalArgumentException("a page has " + PAGE_SIZE + " bytes, not " + bytes.length);
        }
        return new Page(bytes);
    }

    /** The bytes themselves, not a copy. */
    public byte[] bytes() {
        return bytes;
    }

    /** Makes this page the same as {@code other}, all 8192 bytes. */
    public void copyFrom(Page other) {
        System.arraycopy(other.bytes, 0, bytes, 0, PAGE_SIZE);
    }

    /** {@code PageInit}: an empty page with a special area of {@code specialSize} bytes rounded up to 8, all zeros. */
    public void initialize(int specialSize) {
        int special = PAGE_SIZE - PageLayout.align8(specialSize);
        if (specialSize < 0 || special < HEADER_SIZE) {
            throw new IllegalArgumentException("no page has a special area of " + specialSize + " bytes");
        }
        Arrays.fill(bytes, (byte) 0);
        setLower(HEADER_SIZE);
        setUpper(special);
        setSpecial(special);
        LittleEndian.putU16(bytes, PageLayout.SIZE_AND_VERSION, PageLayout.SIZE_AND_VERSION_VALUE);
    }

    /** Makes it a page of zeros. */
    public void clear() {
        Arrays.fill(bytes, (byte) 0);
    }

    /** {@code pd_lsn}: the end of the last WAL record that changed the page. */
    public long lsn() {
        return swapped(LittleEndian.i64(bytes, 0));
    }

    /** Sets {@code pd_lsn}. */
    public void setLsn(long lsn) {
        LittleEndian.putI64(bytes, 0, swapped(lsn));
    }

    private static long swapped(long halves) {
        return halves << 32 | halves >>> 32;
    }

    /** {@code pd_checksum}, as stored. */
    public int checksum() {
        return LittleEndian.u16(bytes, PageLayout.CHECKSUM);
    }

    /** Sets {@code pd_checksum}. */
    public void setChecksum(int checksum) {
        LittleEndian.putU16(bytes, PageLayout.CHECKSUM, checksum);
    }

    /** {@code pd_flags}. */
    public int flags() {
        return LittleEndian.u16(bytes, PageLayout.FLAGS);
    }

    /** Sets these bits of {@code pd_flags}. */
    public void setFlags(int bits) {
        LittleEndian.putU16(bytes, PageLayout.FLAGS, flags() | bits);
    }

    /** Clears these bits of {@code pd_flags}. */
    public void clearFlags(int bits) {
        LittleEndian.putU16(bytes, PageLayout.FLAGS, flags() & ~bits);
    }

    /** {@code pd_lower}: where the free space begins. */
    public int lower() {
        return LittleEndian.u16(bytes, PageLayout.LOWER);
    }

    /** Sets {@code pd_lower}; {@link #checkHeader} tells whether it makes sense. */
    public void setLower(int lower) {
        LittleEndian.putU16(bytes, PageLayout.LOWER, lower);
    }

    /** {@code pd_upper}: where the free space ends. */
    public int upper() {
        return LittleEndian.u16(bytes, PageLayout.UPPER);
    }

    /** Sets {@code pd_upper}; {@link #checkHeader} tells whether it makes sense. */
    public void setUpper(int upper) {
        LittleEndian.putU16(bytes, PageLayout.UPPER, upper);
    }

    /** {@code pd_special}: where the special area begins. */
    public int special() {
        return LittleEndian.u16(bytes, PageLayout.SPECIAL);
    }

    private void setSpecial(int special) {
        LittleEndian.putU16(bytes, PageLayout.SPECIAL, special);
    }

    /** {@code pd_prune_xid}. */
    public int pruneXid() {
        return LittleEndian.i32(bytes, PageLayout.PRUNE_XID);
    }

    /** Sets {@code pd_prune_xid}. */
    public void setPruneXid(int xid) {
        LittleEndian.putI32(bytes, PageLayout.PRUNE_XID, xid);
    }

    /** Whether nobody has initialised the page: {@code pd_upper} is 0. */
    public boolean isNew() {
        return upper() == 0;
    }

    /** Whether there is no line pointer. */
    public boolean isEmpty() {
        return lower() <= HEADER_SIZE;
    }

    /** The number of the last line pointer, the first being 1; 0 if there is none. Meaningful after a checked header. */
    public int maxOffset() {
        int lower = lower();
        return lower <= HEADER_SIZE ? 0 : (lower - HEADER_SIZE) / LINE_POINTER_SIZE;
    }

    /** Whether the header's offsets are in order: 24 ≤ lower ≤ upper ≤ special ≤ 8192, special a multiple of 8. */
    public boolean hasValidHeader() {
        int lower = lower();
        int upper = upper();
        int special = special();
        return lower >= HEADER_SIZE && lower <= upper && upper <= special && special <= PAGE_SIZE && (special & 7) == 0;
    }

    /** @throws PageException if not {@link #hasValidHeader} */
    public void checkHeader() throws PageException {
        if (!hasValidHeader()) {
            throw new PageException("the page header is corrupted: lower = " + lower() + ", upper = " + upper()
                    + ", special = " + special());
        }
    }

    /**
     * Where the special area begins, after checking that it has {@code size} bytes.
     *
     * @throws PageException if it has another size
     */
    public int specialOf(int size) throws PageException {
        int special = special();
        if (special != PAGE_SIZE - PageLayout.align8(size)) {
            throw new PageException("the page has no special area of " + size + " bytes: special = " + special);
        }
        return special;
    }

    /**
     * The line pointer with this number, 1 to {@link #maxOffset}; see {@link LinePointer}.
     *
     * @throws PageException if there is none
     */
    public int linePointer(int number) throws PageException {
        return LittleEndian.i32(bytes, linePointerAt(number));
    }

    /**
     * Sets the line pointer with this number, 1 to {@link #maxOffset}.
     *
     * @throws PageException if there is none
     */
    public void setLinePointer(int number, int pointer) throws PageException {
        LittleEndian.putI32(bytes, linePointerAt(number), pointer);
    }

    private int linePointerAt(int number) throws PageException {
        int at = HEADER_SIZE + (number - 1) * LINE_POINTER_SIZE;
        if (number < 1 || number > 0xFFFF || at + LINE_POINTER_SIZE > Math.min(lower(), PAGE_SIZE)) {
            throw new PageException("there is no line pointer " + number + ": the last one is " + maxOffset());
        }
        return at;
    }

    /**
     * Where the item of a line pointer in state normal begins, after checking that all of it lies between the header
     * and the special area and that it has at least {@code minimumLength} bytes.
     *
     * @throws PageException if that is not so
     */
    public int normalItem(int number, int minimumLength) throws PageException {
        int pointer = linePointer(number);
        if (LinePointer.state(pointer) != LinePointer.NORMAL) {
            throw new PageException("line pointer " + number + " is " + LinePointer.stateName(pointer)
                    + ", where a normal one is needed");
        }
        return storage(number, pointer, minimumLength);
    }

    /**
     * Where the item of a line pointer begins, in whatever state the pointer is, checked as {@link #normalItem} does.
     *
     * @throws PageException if it has no item, or one that reaches outside
     */
    public int item(int number, int minimumLength) throws PageException {
        return storage(number, linePointer(number), minimumLength);
    }

    private int storage(int number, int pointer, int minimumLength) throws PageException {
        int offset = LinePointer.offset(pointer);
        int length = LinePointer.length(pointer);
        if (length < minimumLength
                || length == 0
                || offset < HEADER_SIZE
                || offset + length > Math.min(special(), PAGE_SIZE)) {
            throw new PageException("line pointer " + number + " is corrupted: offset = " + offset + ", length = "
                    + length + ", where at least " + minimumLength + " bytes before the special area at " + special()
                    + " are needed");
        }
        return offset;
    }

    /** @throws PageException unless {@code length} bytes from {@code offset} lie inside the page */
    public void check(int offset, int length) throws PageException {
        if ((offset | length) < 0 || offset > PAGE_SIZE - length) {
            throw new PageException(length + " bytes at offset " + offset + " are not inside the page");
        }
    }

    /** The byte at {@code offset}, 0 to 255. */
    public int u8(int offset) throws PageException {
        check(offset, 1);
        return bytes[offset] & 0xFF;
    }

    /** The 16-bit integer at {@code offset}, 0 to 65535. */
    public int u16(int offset) throws PageException {
        check(offset, 2);
        return LittleEndian.u16(bytes, offset);
    }

    /** The 32-bit integer at {@code offset}. */
    public int i32(int offset) throws PageException {
        check(offset, 4);
        return LittleEndian.i32(bytes, offset);
    }

    /** The 64-bit integer at {@code offset}. */
    public long i64(int offset) throws PageException {
        check(offset, 8);
        return LittleEndian.i64(bytes, offset);
    }

    /** Writes the low 8 bits. */
    public void putU8(int offset, int value) throws PageException {
        check(offset, 1);
        bytes[offset] = (byte) value;
    }

    /** Writes the low 16 bits. */
    public void putU16(int offset, int value) throws PageException {
        check(offset, 2);
        LittleEndian.putU16(bytes, offset, value);
    }

    /** Writes 32 bits. */
    public void putI32(int offset, int value) throws PageException {
        check(offset, 4);
        LittleEndian.putI32(bytes, offset, value);
    }

    /** Writes 64 bits. */
    public void putI64(int offset, long value) throws PageException {
        check(offset, 8);
        LittleEndian.putI64(bytes, offset, value);
    }

    /** A 64-bit LSN as pages store it, the high half first: the GiST NSN has this form too. */
    public long lsnAt(int offset) throws PageException {
        return swapped(i64(offset));
    }

    /** Writes an LSN as pages store it. */
    public void putLsnAt(int offset, long lsn) throws PageException {
        putI64(offset, swapped(lsn));
    }

    /** The block number of the item pointer ({@code tid}) at {@code offset}: two 16-bit halves, the high one first. */
    public int tidBlock(int offset) throws PageException {
        check(offset, 6);
        return Integer.rotateLeft(LittleEndian.i32(bytes, offset), 16);
    }

    /** The line pointer number of the item pointer ({@code tid}) at {@code offset}. */
    public int tidOffset(int offset) throws PageException {
        check(offset, 6);
        return LittleEndian.u16(bytes, offset + 4);
    }

    /** Writes an item pointer ({@code tid}), 6 bytes. */
    public void putTid(int offset, int block, int number) throws PageException {
        check(offset, 6);
        LittleEndian.putI32(bytes, offset, Integer.rotateLeft(block, 16));
        LittleEndian.putU16(bytes, offset + 4, number);
    }

    /**
     * Copies bytes onto the page.
     *
     * @param source must hold {@code length} bytes from {@code from}, which the caller has checked
     */
    public void put(int offset, byte[] source, int from, int length) throws PageException {
        check(offset, length);
        System.arraycopy(source, from, bytes, offset, length);
    }

    /** Moves {@code length} bytes within the page; the two places may overlap. */
    public void move(int from, int to, int length) throws PageException {
        check(from, length);
        check(to, length);
        System.arraycopy(bytes, from, bytes, to, length);
    }

    /** Writes zeros from {@code from} (inclusive) to {@code to} (exclusive). */
    public void zero(int from, int to) throws PageException {
        check(from, to - from);
        Arrays.fill(bytes, from, to, (byte) 0);
    }

    /** {@code PageGetExactFreeSpace}: the bytes between lower and upper. */
    public int exactFreeSpace() {
        return Math.max(0, upper() - lower());
    }

    /** {@code PageGetFreeSpace}: what is left of that for an item after its line pointer. */
    public int freeSpace() {
        return Math.max(0, upper() - lower() - LINE_POINTER_SIZE);
    }

    /** {@code PageGetHeapFreeSpace}: as {@link #freeSpace}, but 0 if the page can't have another heap tuple. */
    public int heapFreeSpace() throws PageException {
        int space = freeSpace();
        int last = maxOffset();
        if (space > 0 && last >= PageLayout.MAX_HEAP_TUPLES) {
            if ((flags() & PageLayout.HAS_FREE_LINES) == 0) {
                return 0;
            }
            for (int number = 1; number <= last; number++) {
                if (!LinePointer.isUsed(linePointer(number))) {
                    return space;
                }
            }
            return 0;
        }
        return space;
    }
}
