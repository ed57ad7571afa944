package dev.palimpsest.storage.layer.memory;

import dev.palimpsest.storage.blob.BlobHeader;
import dev.palimpsest.storage.value.ValueCodec;

/**
 * Where a value lies in an ephemeral file or in a batch, and in what form, packed into one 64-bit word so that a reader gets
 * it whole.
 *
 * <pre>
 * bits (0 is the lowest)  width  meaning
 *  0                          1  will_init: nothing older is needed to rebuild the key
 *  1                          1  bare: the bytes are those of a record of PostgreSQL, and nothing else
 *  2 to 29                   28  length of these bytes, without the guard before them
 * 30 to 63                   34  position of the first byte of the guard, in bytes
 * </pre>
 *
 * <p>What lies there is told by {@link StoredValue}.
 */
final class ValueLocation {
    /** The greatest position, inclusive: 16 GiB less one byte. */
    static final long MAX_POSITION = (1L << 34) - 1;

    /** The greatest length of a value as {@link ValueCodec} writes it, in bytes, inclusive: what a blob header can say. */
    static final int MAX_LENGTH = BlobHeader.MAX_LENGTH;

    private static final int WILL_INIT = 1;
    private static final int BARE = 2;
    private static final int LENGTH_SHIFT = 2;
    private static final int POSITION_SHIFT = 30;

    private ValueLocation() {}

    /**
     * @param length of the bytes that are stored, at most {@link #MAX_LENGTH} once they are as {@link ValueCodec} writes
     *     them
     */
    static long pack(long position, int length, boolean isBare, boolean willInit) {
        if (position < 0
                || position > MAX_POSITION
                || length < 0
                || length > MAX_LENGTH - (isBare ? ValueCodec.POSTGRES_HEADER_SIZE : 0)) {
            throw new IllegalArgumentException(
                    "no such location in an ephemeral file: position " + position + ", length " + length);
        }
        return position << POSITION_SHIFT
                | (long) length << LENGTH_SHIFT
                | (isBare ? BARE : 0)
                | (willInit ? WILL_INIT : 0);
    }

    /** The same value {@code distance} bytes further on; the caller has checked that this is within bounds. */
    static long shift(long location, long distance) {
        return location + (distance << POSITION_SHIFT);
    }

    static long position(long location) {
        return location >>> POSITION_SHIFT;
    }

    /** All but the position: the length and the two bits, from 0 to 2^30 − 1. */
    static int shape(long location) {
        return (int) location & ((1 << POSITION_SHIFT) - 1);
    }

    /** The length of the bytes that are stored, without the guard. */
    static int length(long location) {
        return shape(location) >>> LENGTH_SHIFT;
    }

    static boolean isBare(long location) {
        return (location & BARE) != 0;
    }

    static boolean willInit(long location) {
        return (location & WILL_INIT) != 0;
    }

    /** The length of guard and value where they are stored. */
    static int storedLength(long location) {
        return StoredValue.GUARD_BYTES + length(location);
    }

    /** The end of the value where it is stored, exclusive. */
    static long end(long location) {
        return position(location) + storedLength(location);
    }

    /** The length of the value as {@link ValueCodec} writes it. */
    static int encodedLength(long location) {
        return length(location) + (isBare(location) ? ValueCodec.POSTGRES_HEADER_SIZE : 0);
    }

    /** The length of the value in a layer file, with its blob header. */
    static int blobLength(long location) {
        int length = encodedLength(location);
        return (length < BlobHeader.LONG_FROM ? 1 : BlobHeader.MAX_SIZE) + length;
    }
}
