package dev.palimpsest.postgres.wal;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.PostgresVersion;

/**
 * Makes, of a record with images of several blocks, one that has the image of one of them and nothing else: an
 * {@code XLOG_FPI} of the same transaction with a checksum of its own. For whoever stores records by block, and would
 * otherwise store all images with each.
 */
public final class ImageRecord {
    private static final int FULL_PAGE_IMAGE = 0xB0;
    private static final int BLOCK_HEADER = 4;
    private static final int IMAGE_HEADER = 5;
    private static final int HOLE_LENGTH = 2;
    private static final int LOCATION = 16;

    private ImageRecord() {}

    /** The size of the record that {@link #write} makes, in bytes. */
    public static int size(WalRecord record, int blockId) {
        return WalRecord.HEADER_SIZE
                + BLOCK_HEADER
                + IMAGE_HEADER
                + (storesHoleLength(record, blockId) ? HOLE_LENGTH : 0)
                + LOCATION
                + record.imageLength(blockId);
    }

    private static boolean storesHoleLength(WalRecord record, int blockId) {
        return record.imageCompression(blockId) != ImageCompression.NONE && record.holeLength(blockId) > 0;
    }

    /**
     * Writes the record.
     *
     * @param blockId a block of which the record has an image that is to be applied
     * @param target gets {@link #size} bytes from its start
     * @return how many
     */
    public static int write(WalRecord record, int blockId, RecordDecoder checksums, byte[] target) {
        int size = size(record, blockId);
        LittleEndian.putI32(target, 0, size);
        LittleEndian.putI32(target, 4, record.xid());
        LittleEndian.putI64(target, 8, record.prevLsn());
        target[16] = (byte) FULL_PAGE_IMAGE;
        target[17] = 0;
        LittleEndian.putU16(target, 18, 0);
        int at = WalRecord.HEADER_SIZE;
        target[at] = 0;
        target[at + 1] = (byte) (record.forkNumber(blockId) | RecordDecoder.HAS_IMAGE);
        LittleEndian.putU16(target, at + 2, 0);
        LittleEndian.putU16(target, at + 4, record.imageLength(blockId));
        LittleEndian.putU16(target, at + 6, record.holeOffset(blockId));
        target[at + 8] = (byte) imageInfo(record, blockId);
        at += BLOCK_HEADER + IMAGE_HEADER;
        if (storesHoleLength(record, blockId)) {
            LittleEndian.putU16(target, at, record.holeLength(blockId));
            at += HOLE_LENGTH;
        }
        LittleEndian.putI32(target, at, record.spcNode(blockId));
        LittleEndian.putI32(target, at + 4, record.dbNode(blockId));
        LittleEndian.putI32(target, at + 8, record.relNode(blockId));
        LittleEndian.putI32(target, at + 12, record.blockNumber(blockId));
        at += LOCATION;
        System.arraycopy(record.bytes(), record.imageOffset(blockId), target, at, record.imageLength(blockId));
        LittleEndian.putI32(target, 20, checksums.crc(target, 0, size));
        return size;
    }

    /** The flags as the record's version has them. */
    private static int imageInfo(WalRecord record, int blockId) {
        int hole = record.holeLength(blockId) > 0 ? RecordDecoder.IMAGE_HOLE : 0;
        ImageCompression compression = record.imageCompression(blockId);
        if (record.version() == PostgresVersion.V14) {
            return hole | (compression == ImageCompression.NONE ? 0 : 0x02) | 0x04;
        }
        return hole
                | RecordDecoder.IMAGE_APPLY
                | switch (compression) {
                    case NONE -> 0;
                    case PGLZ -> RecordDecoder.IMAGE_PGLZ;
                    case LZ4 -> RecordDecoder.IMAGE_LZ4;
                    case ZSTD -> RecordDecoder.IMAGE_ZSTD;
                };
    }
}
