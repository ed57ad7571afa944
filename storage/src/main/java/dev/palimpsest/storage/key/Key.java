package dev.palimpsest.storage.key;

import java.nio.ByteBuffer;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * The name of a page, or of another value, in the store: 18 bytes, Neon's encoding and order.
 *
 * <pre>
 * offset  size  field
 *      0     1  field1  what kind of key: 00 relation, 01 SLRU, 02 two-phase, 03 control, 60..7E metadata
 *      1     4  field2  tablespace OID, SLRU kind
 *      5     4  field3  database OID
 *      9     4  field4  relation number, SLRU segment number
 *     13     1  field5  fork
 *     14     4  field6  block number
 * </pre>
 *
 * <p>All fields are unsigned and big-endian; the order of keys is the order of their bytes. The text form is 36 uppercase
 * hexadecimal digits. In memory the 18 bytes are one word of 64 bits, another, and 16 bits.
 *
 * @param high bytes 0 to 7
 * @param middle bytes 8 to 15
 * @param low bytes 16 and 17
 */
public record Key(long high, long middle, char low) implements Comparable<Key> {
    /** Bytes in the encoded form. */
    public static final int SIZE = 18;

    /** The least key: all zeros. */
    public static final Key MIN = new Key(0, 0, '\0');

    /** The greatest key: all ones. */
    public static final Key MAX = new Key(-1L, -1L, '\uFFFF');

    private static final HexFormat HEX = HexFormat.of().withUpperCase();

    /** From the six fields; of {@code field1} and {@code field5} the lowest 8 bits count. */
    public static Key of(int field1, int field2, int field3, int field4, int field5, int field6) {
        long high = (field1 & 0xFFL) << 56 | (field2 & 0xFFFFFFFFL) << 24 | (field3 & 0xFFFFFFFFL) >>> 8;
        long middle = (field3 & 0xFFL) << 56
                | (field4 & 0xFFFFFFFFL) << 24
                | (field5 & 0xFFL) << 16
                | (field6 & 0xFFFFFFFFL) >>> 16;
        return new Key(high, middle, (char) field6);
    }

    /** Reads 18 bytes at {@code offset}; the buffer must be big-endian. */
    public static Key read(ByteBuffer source, int offset) {
        return new Key(source.getLong(offset), source.getLong(offset + 8), source.getChar(offset + 16));
    }

    /** Writes 18 bytes at the buffer's position; the buffer must be big-endian. */
    public void write(ByteBuffer target) {
        target.putLong(high).putLong(middle).putChar(low);
    }

    /**
     * Reads the text form.
     *
     * @throws IllegalArgumentException unless {@code text} is 36 hexadecimal digits; the message quotes it
     */
    public static Key parse(String text) {
        if (text.length() != 2 * SIZE) {
            throw new IllegalArgumentException("not a key: \"" + text + "\" (expected 36 hexadecimal digits)");
        }
        try {
            return new Key(
                    HexFormat.fromHexDigitsToLong(text, 0, 16), HexFormat.fromHexDigitsToLong(text, 16, 32), (char)
                            HexFormat.fromHexDigits(text, 32, 36));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("not a key: \"" + text + "\" (expected 36 hexadecimal digits)", e);
        }
    }

    /** What kind of key: 0 to 255. */
    public int field1() {
        return (int) (high >>> 56);
    }

    /** Tablespace OID, unsigned. */
    public int field2() {
        return (int) (high >>> 24);
    }

    /** Database OID, unsigned. */
    public int field3() {
        return (int) (high << 8 | middle >>> 56);
    }

    /** Relation number, unsigned. */
    public int field4() {
        return (int) (middle >>> 24);
    }

    /** Fork: 0 to 255. */
    public int field5() {
        return (int) (middle >>> 16) & 0xFF;
    }

    /** Block number, unsigned. */
    public int field6() {
        return (int) middle << 16 | low;
    }

    /**
     * The key after this one: field 6 plus one, carried through all fields.
     *
     * @throws ArithmeticException on {@link #MAX}
     */
    public Key next() {
        return plus(1);
    }

    /**
     * The key {@code count} keys further on: added to field 6, carried through all fields.
     *
     * @param count 0 or more
     * @throws ArithmeticException if that lies beyond {@link #MAX}
     */
    public Key plus(long count) {
        if (count < 0) {
            throw new IllegalArgumentException("not a distance between keys: " + count);
        }
        long lowSum = low + (count & 0xFFFF);
        long sum = middle + (count >>> 16) + (lowSum >>> 16);
        long carry = Long.compareUnsigned(sum, middle) < 0 ? 1 : 0;
        if (high == -1L && carry == 1) {
            throw new ArithmeticException("there is no key " + count + " after " + this);
        }
        return new Key(high + carry, sum, (char) lowSum);
    }

    @Override
    public int compareTo(Key other) {
        int order = Long.compareUnsigned(high, other.high);
        if (order == 0) {
            order = Long.compareUnsigned(middle, other.middle);
        }
        return order != 0 ? order : Character.compare(low, other.low);
    }

    /** Written out, since a timeline of very many layers is loaded before what a record has by itself is compiled. */
    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Key that && high == that.high && middle == that.middle && low == that.low;
    }

    @Override
    public int hashCode() {
        return (Long.hashCode(high) * 31 + Long.hashCode(middle)) * 31 + low;
    }

    @Override
    public String toString() {
        ByteBuffer bytes = ByteBuffer.allocate(SIZE);
        write(bytes);
        return HEX.formatHex(bytes.array());
    }
}
