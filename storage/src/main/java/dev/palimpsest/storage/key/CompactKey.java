package dev.palimpsest.storage.key;

import java.nio.ByteBuffer;
import java.util.HexFormat;

/**
 * The 128-bit form that Neon squeezes a key into for its in-memory structures and the names of its metadata keys. It is
 * here to read and name what Neon has, and <b>is not the identity of a key</b>: it keeps 7 bits of field 1 and 16 of
 * field 2, so two keys can have the same compact form. Nothing of ours is stored or looked up by it.
 *
 * <pre>
 * bits      field
 * 127       always 0
 * 120-126   field 1, lowest 7 bits
 * 104-119   field 2, lowest 16 bits
 *  72-103   field 3
 *  40-71    field 4
 *  32-39    field 5
 *   0-31    field 6
 * </pre>
 *
 * <p>The 16 bytes of a metadata key are this number in big-endian order.
 *
 * @param high bits 64 to 127
 * @param low bits 0 to 63
 */
public record CompactKey(long high, long low) implements Comparable<CompactKey> {
    /** Bytes in the encoded form. */
    public static final int SIZE = 16;

    /** Besides 16-bit numbers, the two values of field 2 that Neon lets through; the second is of its tests. */
    private static final int ALL_ONES = 0xFFFF_FFFF;

    private static final int TEST_TABLESPACE = 0x2222_2222;

    /** @throws IllegalArgumentException if bit 127 is set */
    public CompactKey {
        if (high < 0) {
            throw new IllegalArgumentException("not a compact key: bit 127 is set in " + hex(high, low));
        }
    }

    /** Whether Neon would accept {@code key}: whether its field 2 has 16 bits, or is one of two special values. */
    public static boolean accepts(Key key) {
        int field2 = key.field2();
        return field2 >>> 16 == 0 || field2 == ALL_ONES || field2 == TEST_TABLESPACE;
    }

    /**
     * The compact form; loses bits, see above.
     *
     * @throws IllegalArgumentException if Neon would not {@linkplain #accepts accept} the key
     */
    public static CompactKey of(Key key) {
        if (!accepts(key)) {
            throw new IllegalArgumentException("key " + key + " has no compact form: its field 2 is "
                    + Integer.toUnsignedString(key.field2()) + ", more than 65535");
        }
        long field4 = Integer.toUnsignedLong(key.field4());
        long high = (key.field1() & 0x7FL) << 56
                | (key.field2() & 0xFFFFL) << 40
                | Integer.toUnsignedLong(key.field3()) << 8
                | field4 >>> 24;
        long low = field4 << 40 | (long) key.field5() << 32 | Integer.toUnsignedLong(key.field6());
        return new CompactKey(high, low);
    }

    /** Reads 16 bytes at {@code offset}; the buffer must be big-endian. */
    public static CompactKey read(ByteBuffer source, int offset) {
        return new CompactKey(source.getLong(offset), source.getLong(offset + 8));
    }

    /** The key with these bits and zeros for those that were lost; not always the one this was made of. */
    public Key toKey() {
        return Key.of(
                (int) (high >>> 56),
                (int) (high >>> 40) & 0xFFFF,
                (int) (high >>> 8),
                (int) (high << 24 | low >>> 40),
                (int) (low >>> 32),
                (int) low);
    }

    @Override
    public int compareTo(CompactKey other) {
        int order = Long.compareUnsigned(high, other.high);
        return order != 0 ? order : Long.compareUnsigned(low, other.low);
    }

    /** 32 uppercase hexadecimal digits. */
    @Override
    public String toString() {
        return hex(high, low);
    }

    private static String hex(long high, long low) {
        HexFormat hex = HexFormat.of().withUpperCase();
        return hex.toHexDigits(high) + hex.toHexDigits(low);
    }
}
