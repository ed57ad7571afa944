package dev.palimpsest.storage;

import java.nio.ByteBuffer;
import java.util.HexFormat;

/**
 * The id of a timeline: 16 bytes, written as 32 lowercase hexadecimal digits.
 *
 * @param high bytes 0 to 7
 * @param low bytes 8 to 15
 */
public record TimelineId(long high, long low) implements Comparable<TimelineId> {
    /** Bytes in the binary form. */
    public static final int SIZE = 16;

    /**
     * Reads the text form.
     *
     * @throws IllegalArgumentException unless {@code text} is 32 hexadecimal digits; the message quotes it
     */
    public static TimelineId parse(String text) {
        if (text.length() != 2 * SIZE) {
            throw new IllegalArgumentException("not a timeline id: \"" + text + "\" (expected 32 hexadecimal digits)");
        }
        try {
            return new TimelineId(
                    HexFormat.fromHexDigitsToLong(text, 0, SIZE), HexFormat.fromHexDigitsToLong(text, SIZE, 2 * SIZE));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "not a timeline id: \"" + text + "\" (expected 32 hexadecimal digits)", e);
        }
    }

    /** Reads 16 bytes at {@code offset}; the buffer must be big-endian. */
    public static TimelineId read(ByteBuffer source, int offset) {
        return new TimelineId(source.getLong(offset), source.getLong(offset + 8));
    }

    /** Writes 16 bytes at the buffer's position; the buffer must be big-endian. */
    public void write(ByteBuffer target) {
        target.putLong(high).putLong(low);
    }

    @Override
    public int compareTo(TimelineId other) {
        int order = Long.compareUnsigned(high, other.high);
        return order != 0 ? order : Long.compareUnsigned(low, other.low);
    }

    @Override
    public String toString() {
        return HexFormat.of().toHexDigits(high) + HexFormat.of().toHexDigits(low);
    }
}
