package dev.palimpsest.storage.blob;

import dev.palimpsest.storage.CorruptionException;
import java.nio.ByteBuffer;

/**
 * What stands before each blob in a layer file: how many bytes follow and how they are encoded. Neon's format:
 *
 * <pre>
 * raw, fewer than 128 bytes        1 byte    the length, top bit 0
 * raw, 128 bytes or more           4 bytes   big-endian: 4 bits 1000, 28 bits length
 * zstd frame of 128 bytes or more  4 bytes   big-endian: 4 bits 1001, 28 bits length of the frame
 * </pre>
 *
 * <p>The length is that of the bytes that follow, so of the compressed ones; a frame may be shorter than 128 bytes and
 * still has four bytes of header. Everything else in the first four bits is damage, and so is a raw blob shorter than 128
 * bytes behind four bytes of header: nobody writes it.
 *
 * <p>In memory a header is one {@code int}, so that none is allocated per blob: the four bytes as above, or the one byte
 * as an unsigned number.
 */
public final class BlobHeader {
    /** The most bytes that can follow a header: 2^28 − 1. */
    public static final int MAX_LENGTH = 0x0FFF_FFFF;

    /** From this length on, in bytes, a header has four bytes, and the blob may be compressed. */
    public static final int LONG_FROM = 128;

    /** The most bytes a header has. */
    public static final int MAX_SIZE = 4;

    private static final int TYPE_MASK = 0xF000_0000;
    private static final int TYPE_RAW = 0x8000_0000;
    private static final int TYPE_ZSTD = 0x9000_0000;

    private BlobHeader() {}

    /**
     * The header of {@code length} raw bytes.
     *
     * @throws IllegalArgumentException if the length is negative or more than {@link #MAX_LENGTH}
     */
    public static int raw(int length) {
        checkLength(length);
        return length < LONG_FROM ? length : TYPE_RAW | length;
    }

    /**
     * The header of a zstd frame of {@code length} bytes.
     *
     * @throws IllegalArgumentException if the length is negative or more than {@link #MAX_LENGTH}
     */
    public static int zstd(int length) {
        checkLength(length);
        return TYPE_ZSTD | length;
    }

    private static void checkLength(int length) {
        if (length < 0 || length > MAX_LENGTH) {
            throw new IllegalArgumentException(
                    "a blob of " + length + " bytes cannot be written, the limit is " + MAX_LENGTH);
        }
    }

    /** How many bytes the header itself has: 1 or 4. */
    public static int size(int header) {
        return header < 0 ? MAX_SIZE : 1;
    }

    /** How many bytes follow it: 0 to {@link #MAX_LENGTH}. */
    public static int length(int header) {
        return header & ~TYPE_MASK;
    }

    /** Whether a zstd frame follows it; otherwise the bytes are raw. */
    public static boolean isZstd(int header) {
        return (header & TYPE_MASK) == TYPE_ZSTD;
    }

    /** Writes it at the buffer's position; the buffer must be big-endian. */
    public static void write(int header, ByteBuffer target) {
        if (header < 0) {
            target.putInt(header);
        } else {
            target.put((byte) header);
        }
    }

    /**
     * Reads the header at {@code index} of a big-endian buffer, of which nothing at or after {@code end} is looked at.
     *
     * @param resource the file, for the error
     * @param offset the header's offset in that file, for the error
     * @throws CorruptionException if no header is there, or if the bytes that it promises do not end at or before
     *     {@code end}
     */
    public static int read(ByteBuffer source, int index, int end, String resource, long offset)
            throws CorruptionException {
        if (index >= end) {
            throw new CorruptionException(resource, offset, "the header of a blob is missing");
        }
        int header = source.get(index);
        if (header < 0) {
            if (end - index < MAX_SIZE) {
                throw new CorruptionException(
                        resource,
                        offset,
                        "the header of a blob takes 4 bytes, but only " + (end - index) + " are left");
            }
            header = source.getInt(index);
            int type = header & TYPE_MASK;
            if (type != TYPE_RAW && type != TYPE_ZSTD) {
                throw new CorruptionException(
                        resource, offset, "the header of a blob is %08X, of no known type".formatted(header));
            }
            if (type == TYPE_RAW && length(header) < LONG_FROM) {
                throw new CorruptionException(
                        resource, offset, "the header of a blob is %08X, too long for its length".formatted(header));
            }
        }
        if (length(header) > end - index - size(header)) {
            throw new CorruptionException(
                    resource,
                    offset,
                    "a blob of " + length(header) + " bytes does not fit in the " + (end - index - size(header))
                            + " that are left for it");
        }
        return header;
    }
}
