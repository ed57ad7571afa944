package dev.palimpsest.postgres.redo;

import static dev.palimpsest.postgres.Bytes.concat;
import static dev.palimpsest.postgres.Bytes.u16s;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.rmgr.Rmgr;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;

/** Records and pages of a GIN index, made by other means than the code under test. */
final class GinSamples {
    static final int RIGHT = 8184;
    static final int MAX_OFFSET = 8188;
    static final int FLAGS = 8190;

    private GinSamples() {}

    /** The record refers to blocks 10 to 14. */
    static IndexChange change(int opcode, int blockId, boolean init, byte[] main, byte[] data) {
        return new IndexChange(Rmgr.GIN, 10, 5, opcode, blockId, init, main, data);
    }

    /** An empty page with these flags and no right sibling. */
    static void initialize(Page page, int flags) throws PageException {
        page.initialize(8);
        page.putI32(RIGHT, -1);
        page.putU16(FLAGS, flags);
    }

    /** A leaf of a posting tree with these segments. */
    static void leaf(Page page, byte[]... segments) throws PageException {
        initialize(page, 0x83);
        byte[] all = concat(segments);
        page.put(32, all, 0, all.length);
        page.setLower(32 + all.length);
    }

    /** An item pointer as a number: block × 2048 + offset. */
    static long tid(long block, int offset) {
        return block << 11 | offset;
    }

    static byte[] tids(long... values) {
        byte[] bytes = new byte[6 * values.length];
        for (int i = 0; i < values.length; i++) {
            LittleEndian.putU16(bytes, 6 * i, (int) (values[i] >>> 27));
            LittleEndian.putU16(bytes, 6 * i + 2, (int) (values[i] >>> 11));
            LittleEndian.putU16(bytes, 6 * i + 4, (int) (values[i] & 0x7FF));
        }
        return bytes;
    }

    static byte[] segment(List<Long> values) {
        return segment(values.stream().mapToLong(Long::longValue).toArray());
    }

    /** The item pointers, which are in order, as one segment. */
    static byte[] segment(long... values) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (int i = 1; i < values.length; i++) {
            long distance = values[i] - values[i - 1];
            int bytes = Math.max(1, (70 - Long.numberOfLeadingZeros(distance)) / 7);
            for (int k = 0; k < bytes; k++) {
                out.write((int) ((distance >>> (7 * k)) & 0x7F) | (k < bytes - 1 ? 0x80 : 0));
            }
        }
        byte[] length = u16s(out.size());
        if (out.size() % 2 != 0) {
            out.write(0);
        }
        return concat(tids(values[0]), length, out.toByteArray());
    }

    /** The item pointers of each segment of a leaf. */
    static List<List<Long>> segments(Page page) throws PageException {
        List<List<Long>> segments = new ArrayList<>();
        int at = 32;
        while (at < page.lower()) {
            List<Long> values = new ArrayList<>();
            long value = tid(Integer.toUnsignedLong(page.tidBlock(at)), page.tidOffset(at));
            values.add(value);
            int length = page.u16(at + 6);
            for (int i = at + 8; i < at + 8 + length; ) {
                long distance = 0;
                int shift = 0;
                int bits;
                do {
                    bits = page.u8(i++);
                    distance += (long) (bits & 0x7F) << shift;
                    shift += 7;
                } while (bits >= 0x80);
                value += distance;
                values.add(value);
            }
            segments.add(values);
            at += 8 + length + length % 2;
        }
        return segments;
    }

    /** An index tuple of {@code size} bytes; the key is in the 9th byte. */
    static byte[] tuple(int key, int size, int block, int offset) {
        byte[] tuple = new byte[size];
        LittleEndian.putU16(tuple, 0, block >>> 16);
        LittleEndian.putU16(tuple, 2, block);
        LittleEndian.putU16(tuple, 4, offset);
        LittleEndian.putU16(tuple, 6, size);
        if (size > 8) {
            tuple[8] = (byte) key;
        }
        return tuple;
    }

    /** A posting item. */
    static byte[] item(int child, long key) {
        return concat(u16s(child >>> 16, child), tids(key));
    }
}
