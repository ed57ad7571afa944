package dev.palimpsest.storage.index;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.TimelineId;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * The metadata of a timeline as index parts before version 7 have it: 512 bytes, written as an array of numbers. Only read.
 *
 * <pre>
 * offset  size     field
 *      0     4     CRC-32C of the bytes from 8 to the size
 *      4     2     size, these 8 bytes included
 *      6     2     format: 4, or 3, which lacks the last field
 *      8     8     disk_consistent_lsn
 *            1, 9  0, or 1 and prev_record_lsn
 *            1, 17 0, or 1 and ancestor_timeline
 *            8     ancestor_lsn
 *            8     latest_gc_cutoff_lsn
 *            8     initdb_lsn
 *            4     PostgreSQL's major version; 14 in format 3
 *                  zeros
 * </pre>
 *
 * <p>Integers are big-endian.
 */
final class LegacyMetadata {
    static final int SIZE = 512;

    private static final int HEADER_SIZE = 8;
    private static final int FORMAT = 4;
    private static final int FORMAT_WITHOUT_VERSION = 3;
    private static final int IMPLIED_VERSION = 14;

    private LegacyMetadata() {}

    /**
     * Reads the bytes.
     *
     * @param bytes {@value #SIZE} bytes
     * @throws IllegalArgumentException if they are damaged; says how
     */
    static TimelineMetadata decode(byte[] bytes) {
        ByteBuffer source = ByteBuffer.wrap(bytes);
        int checksum = source.getInt();
        int size = Short.toUnsignedInt(source.getShort());
        int format = Short.toUnsignedInt(source.getShort());
        if (size < HEADER_SIZE || size > SIZE) {
            throw new IllegalArgumentException("the size is " + size + ": expected 8 to 512");
        }
        CRC32C actual = new CRC32C();
        actual.update(bytes, HEADER_SIZE, size - HEADER_SIZE);
        if ((int) actual.getValue() != checksum) {
            throw new IllegalArgumentException(
                    "the checksum is " + hex(checksum) + ", that of the bytes " + hex((int) actual.getValue()));
        }
        if (format != FORMAT && format != FORMAT_WITHOUT_VERSION) {
            throw new IllegalArgumentException("the format is " + format + ": expected 3 or 4");
        }
        for (int i = size; i < SIZE; i++) {
            if (bytes[i] != 0) {
                throw new IllegalArgumentException("byte " + i + " is not zero, though the size is " + size);
            }
        }
        return body(source.limit(size), format);
    }

    private static TimelineMetadata body(ByteBuffer source, int format) {
        TimelineMetadata metadata;
        try {
            Lsn diskConsistentLsn = lsn(source);
            Lsn prevRecordLsn = isPresent(source) ? lsn(source) : null;
            TimelineId ancestor = isPresent(source) ? new TimelineId(source.getLong(), source.getLong()) : null;
            metadata = new TimelineMetadata(
                    diskConsistentLsn,
                    prevRecordLsn,
                    ancestor(ancestor, lsn(source)),
                    lsn(source),
                    lsn(source),
                    format == FORMAT ? source.getInt() : IMPLIED_VERSION);
        } catch (BufferUnderflowException e) {
            throw new IllegalArgumentException("the size is " + source.limit() + ", too small for the fields", e);
        }
        if (source.hasRemaining()) {
            throw new IllegalArgumentException(source.remaining() + " bytes follow the last field");
        }
        return metadata;
    }

    /**
     * Both fields as one.
     *
     * @throws IllegalArgumentException if there is a branch point without an ancestor
     */
    static TimelineMetadata.@Nullable Ancestor ancestor(@Nullable TimelineId timeline, Lsn lsn) {
        if (timeline == null && lsn.isValid()) {
            throw new IllegalArgumentException("there is an ancestor_lsn, " + lsn + ", but no ancestor_timeline");
        }
        return timeline == null ? null : new TimelineMetadata.Ancestor(timeline, lsn);
    }

    private static boolean isPresent(ByteBuffer source) {
        int flag = Byte.toUnsignedInt(source.get());
        if (flag > 1) {
            throw new IllegalArgumentException("expected 0 or 1 before an optional field, found " + flag);
        }
        return flag == 1;
    }

    private static Lsn lsn(ByteBuffer source) {
        return new Lsn(source.getLong());
    }

    private static String hex(int checksum) {
        return Integer.toHexString(checksum);
    }
}
