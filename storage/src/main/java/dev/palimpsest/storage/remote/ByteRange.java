package dev.palimpsest.storage.remote;

/**
 * A part of an object.
 *
 * @param offset of the first byte, at least 0
 * @param length in bytes, at least 0; {@link Long#MAX_VALUE} for all that follows
 */
public record ByteRange(long offset, long length) {
    /** All of an object. */
    public static final ByteRange WHOLE = new ByteRange(0, Long.MAX_VALUE);

    /**
     * @throws IllegalArgumentException if offset or length is negative
     */
    public ByteRange {
        if (offset < 0 || length < 0) {
            throw new IllegalArgumentException("not a range of bytes: offset " + offset + ", length " + length);
        }
    }

    /** What of it lies within an object of {@code size} bytes; has length 0 when nothing does. */
    public ByteRange clip(long size) {
        long start = Math.min(offset, size);
        return new ByteRange(start, Math.min(length, size - start));
    }
}
