package dev.palimpsest.storage.layer.memory;

import dev.palimpsest.storage.blob.BlobHeader;

/**
 * Where a value lies in an ephemeral file or in a batch, packed into one 64-bit word so that a reader gets it whole.
 *
 * <pre>
 * bits (0 is the lowest)  width  meaning
 *  0                          1  will_init: nothing older is needed to rebuild the key
 *  1 to 28                   28  length of the value in bytes, without its blob header
 * 29 to 63                   35  position of the first byte of the blob header, in bytes
 * </pre>
 *
 * <p>In the file each value is a blob: a {@link BlobHeader} of 1 or 4 bytes and the serialised value, never compressed.
 */
final class ValueLocation {
    /** The greatest position, inclusive: 32 GiB less one byte. */
    static final long MAX_POSITION = (1L << 35) - 1;

    /** The greatest length of a value in bytes, inclusive; also what a blob header can say. */
    static final int MAX_LENGTH = BlobHeader.MAX_LENGTH;

    private static final int POSITION_SHIFT = 29;

    private ValueLocation() {}

    static long pack(long position, int length, boolean willInit) {
        if (position < 0 || position > MAX_POSITION || length < 0 || length > MAX_LENGTH) {
            throw new IllegalArgumentException(
                    "no such location in an ephemeral file: position " + position + ", length " + length);
        }
        return position << POSITION_SHIFT | (long) length << 1 | (willInit ? 1 : 0);
    }

    /** The same value {@code distance} bytes further on; the caller has checked that this is within bounds. */
    static long shift(long location, long distance) {
        return location + (distance << POSITION_SHIFT);
    }

    static long position(long location) {
        return location >>> POSITION_SHIFT;
    }

    static int length(long location) {
        return (int) (location >>> 1) & MAX_LENGTH;
    }

    static boolean willInit(long location) {
        return (location & 1) != 0;
    }

    static int headerLength(int valueLength) {
        return valueLength < BlobHeader.LONG_FROM ? 1 : BlobHeader.MAX_SIZE;
    }

    /** The length of header and value. */
    static int blobLength(long location) {
        int length = length(location);
        return headerLength(length) + length;
    }

    /** The end of the value, exclusive. */
    static long end(long location) {
        return position(location) + blobLength(location);
    }
}
