package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.page.PageLayout;
import dev.palimpsest.postgres.rmgr.GinRecord;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;
import dev.palimpsest.postgres.wal.PayloadReader;

/**
 * Changes the segments of a leaf of a posting tree; {@link GinRecord} has the layout of segments and actions. What
 * comes of it is put together elsewhere from the first segment on that changes, and only then laid on the page.
 */
final class GinRecompression {
    private static final int TID_SIZE = 6;
    private static final int SEGMENT_HEADER = 8;
    private static final int OFFSET_BITS = 11;
    private static final int MAX_OFFSET = (1 << OFFSET_BITS) - 1;
    private static final long MAX_VALUE = (1L << (Integer.SIZE + OFFSET_BITS)) - 1;
    private static final long NONE = Long.MAX_VALUE;

    private final byte[] target;
    private final int limit;
    private byte[] source;
    private int end;
    private int read = GinPage.CONTENT;
    private int segment;
    private int changed;
    private int written = GinPage.CONTENT;
    private int oldAt;
    private int oldEnd;
    private long previous;
    private int out;

    private GinRecompression(byte[] source, int end, byte[] target, int limit) {
        this.source = source;
        this.end = end;
        this.target = target;
        this.limit = limit;
    }

    /**
     * Makes the changes that the data of the block says. Throws only before the first change to the page.
     *
     * @throws PageException if it is no leaf of a posting tree, lacks a segment, or has no room
     * @throws MalformedRecordException if the data is not a recompression
     */
    static void apply(BlockRedo block) throws PageException, MalformedRecordException {
        Page page = block.page();
        GinPage.check(page, GinPage.DATA | GinPage.LEAF);
        boolean compressed = (GinPage.flags(page) & GinPage.COMPRESSED) != 0;
        int end = compressed ? page.lower() : GinPage.CONTENT;
        if (end < GinPage.CONTENT) {
            throw new PageException("the segments of the leaf end at " + end + ", before they begin");
        }
        byte[] target = block.scratch().bytes();
        GinRecompression recompression = new GinRecompression(page.bytes(), end, target, page.upper());
        if (!compressed) {
            recompression.compressSource(GinPage.maxOffset(page));
        }
        recompression.run(block.data());
        int from = recompression.changed;
        page.put(from, target, from, recompression.written - from);
        page.setLower(recompression.written);
        if (!compressed) {
            GinPage.putMaxOffset(page, 0);
            GinPage.putFlags(page, GinPage.flags(page) | GinPage.COMPRESSED);
        }
    }

    /** A page from before 9.4 has {@code count} tids; they become one segment, which then counts as the page's own. */
    private void compressSource(int count) throws PageException {
        if (GinPage.CONTENT + count * TID_SIZE > limit) {
            throw new PageException("there is no room for the " + count + " item pointers that the page says it has");
        }
        byte[] compressed = new byte[PageLayout.PAGE_SIZE];
        if (count > 0) {
            beginSegment();
            for (int i = 0; i < count; i++) {
                append(valueAt(source, GinPage.CONTENT + i * TID_SIZE));
            }
            endSegment();
            System.arraycopy(target, 0, compressed, 0, written);
        }
        source = compressed;
        end = written;
        written = GinPage.CONTENT;
        changed = GinPage.CONTENT;
    }

    private void run(Payload data) throws PageException, MalformedRecordException {
        PayloadReader reader = data.readerAt(0);
        int actions = reader.u16();
        for (int i = 0; i < actions; i++) {
            int number = reader.u8();
            int action = reader.u8();
            if (number < segment) {
                throw data.malformed("an action on segment " + number + " follows one on segment " + (segment - 1));
            }
            keepUpTo(number);
            switch (action) {
                case GinRecord.DELETE_SEGMENT -> skip();
                case GinRecord.INSERT_SEGMENT -> write(data, reader);
                case GinRecord.REPLACE_SEGMENT -> {
                    write(data, reader);
                    skip();
                }
                case GinRecord.ADD_ITEMS -> {
                    merge(data, reader);
                    skip();
                }
                default -> throw data.malformed("there is no action " + action + " on a segment");
            }
        }
        reader.expectEnd();
        keep(end - read);
    }

    /** Bytes of the segment that is read next, after checking that it is there. */
    private int size() throws PageException {
        if (read + SEGMENT_HEADER <= end) {
            int size = SEGMENT_HEADER + even(LittleEndian.u16(source, read + TID_SIZE));
            if (read + size <= end) {
                return size;
            }
        }
        throw new PageException("there is no segment " + segment + " at " + read + ": the segments end at " + end);
    }

    private static int even(int size) {
        return size + 1 & ~1;
    }

    private void keepUpTo(int number) throws PageException {
        boolean untouched = changed == 0;
        while (segment < number) {
            int size = size();
            if (untouched) {
                read += size;
                written += size;
            } else {
                keep(size);
            }
            segment++;
        }
        if (untouched) {
            changed = written;
        }
    }

    private void keep(int size) throws PageException {
        if (changed == 0) {
            changed = written;
        }
        checkRoom(written, size);
        System.arraycopy(source, read, target, written, size);
        read += size;
        written += size;
    }

    private void skip() throws PageException {
        read += size();
        segment++;
    }

    private void checkRoom(int at, int size) throws PageException {
        if (size > limit - at) {
            throw new PageException("there is no room for the segments, which are to go on after " + at + " with "
                    + size + " bytes: they have to end at " + limit);
        }
    }

    private void write(Payload data, PayloadReader reader) throws PageException, MalformedRecordException {
        int size = GinRecord.segmentSize(data, reader.position());
        int from = reader.take(size);
        checkRoom(written, size);
        System.arraycopy(data.array(), from, target, written, size);
        written += size;
    }

    /** Writes what becomes of the segment that is read next when item pointers are added to it. */
    private void merge(Payload data, PayloadReader reader) throws PageException, MalformedRecordException {
        size();
        int count = reader.u16();
        int at = reader.take(count * TID_SIZE);
        int last = at + count * TID_SIZE;
        byte[] items = data.array();
        oldAt = read + SEGMENT_HEADER;
        oldEnd = oldAt + LittleEndian.u16(source, read + TID_SIZE);
        long old = valueAt(source, read);
        long added = at < last ? valueAt(items, at) : NONE;
        beginSegment();
        while (old != NONE || added != NONE) {
            long next = Math.min(old, added);
            append(next);
            if (added == next) {
                at += TID_SIZE;
                added = at < last ? valueAt(items, at) : NONE;
            }
            if (old == next) {
                old = oldAt < oldEnd ? next + distance() : NONE;
            }
        }
        endSegment();
    }

    private static long valueAt(byte[] bytes, int at) throws PageException {
        long block = Integer.toUnsignedLong(Integer.rotateLeft(LittleEndian.i32(bytes, at), 16));
        int offset = LittleEndian.u16(bytes, at + 4);
        if (offset == 0 || offset > MAX_OFFSET) {
            throw new PageException(
                    "the item pointer " + block + "/" + offset + " cannot be in a posting list: no heap has it");
        }
        return block << OFFSET_BITS | offset;
    }

    /** How far the next item pointer of the segment that is being read is from the one before it. */
    private long distance() throws PageException {
        long distance = 0;
        for (int shift = 0; shift < Integer.SIZE + OFFSET_BITS && oldAt < oldEnd; shift += 7) {
            byte bits = source[oldAt++];
            distance |= (bits & 0x7FL) << shift;
            if (bits >= 0) {
                return distance;
            }
        }
        throw new PageException(
                "segment " + segment + " at " + read + " is corrupted: a number does not end before " + oldAt);
    }

    private void beginSegment() throws PageException {
        checkRoom(written, SEGMENT_HEADER);
        out = written;
    }

    /** Adds an item pointer to the segment that is being written. */
    private void append(long value) throws PageException {
        if (value > MAX_VALUE || (out > written && value <= previous)) {
            throw new PageException("the item pointers of segment " + segment + " are not in order: "
                    + (value >>> OFFSET_BITS) + "/" + (value & MAX_OFFSET));
        }
        if (out == written) {
            LittleEndian.putI32(target, out, Integer.rotateLeft((int) (value >>> OFFSET_BITS), 16));
            LittleEndian.putU16(target, out + 4, (int) (value & MAX_OFFSET));
            out += SEGMENT_HEADER;
        } else {
            long distance = value - previous;
            while (distance > 0x7F) {
                putByte((int) distance | 0x80);
                distance >>>= 7;
            }
            putByte((int) distance);
        }
        previous = value;
    }

    private void putByte(int value) throws PageException {
        checkRoom(out, 1);
        target[out++] = (byte) value;
    }

    private void endSegment() throws PageException {
        int length = out - written - SEGMENT_HEADER;
        LittleEndian.putU16(target, written + TID_SIZE, length);
        if ((length & 1) != 0) {
            putByte(0);
        }
        written = out;
    }
}
