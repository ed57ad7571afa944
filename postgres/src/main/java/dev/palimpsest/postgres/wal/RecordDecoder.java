package dev.palimpsest.postgres.wal;

import dev.palimpsest.postgres.ForkNumber;
import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.page.PageLayout;
import java.util.zip.CRC32C;

/**
 * Decodes one record whose bytes lie together, page headers already taken out.
 *
 * <p>After the 24 bytes of the header ({@link WalRecord}) follow, without alignment, the headers of its parts, until
 * what they announce fills the rest of the record:
 *
 * <pre>
 * id 0-32   block reference, ids ascending: u8 id, u8 fork and flags, u16 bytes of data;
 *           with an image: u16 stored bytes, u16 hole offset, u8 image flags, and if compressed with a hole u16 its bytes;
 *           unless same relation: u32 tablespace, u32 database, u32 relation; u32 block number
 *           flags: low half the fork; 0x10 image, 0x20 data, 0x40 will init, 0x80 same relation as the one before
 * id 255    main data: u8 bytes; the last header
 * id 254    main data: u32 bytes; the last header
 * id 253    u16 replication origin
 * id 252    u32 top-level transaction
 * image flags, version 14: 1 hole, 2 pglz, 4 apply; since 15: 1 hole, 2 apply, 4 pglz, 8 lz4, 0x10 zstd
 * </pre>
 *
 * <p>Then the image and the data of each block in the order of the ids, then the main data.
 *
 * <p>Allocates nothing unless the record is malformed. Not thread-safe.
 */
public final class RecordDecoder {
    static final int FORK = 0x0F;
    static final int HAS_IMAGE = 0x10;
    static final int HAS_DATA = 0x20;
    static final int WILL_INIT = 0x40;
    static final int SAME_RELATION = 0x80;

    /* Image flags as we keep them: those of version 15 and later. */
    static final int IMAGE_HOLE = 0x01;
    static final int IMAGE_APPLY = 0x02;
    static final int IMAGE_PGLZ = 0x04;
    static final int IMAGE_LZ4 = 0x08;
    static final int IMAGE_ZSTD = 0x10;
    private static final int IMAGE_COMPRESSED = IMAGE_PGLZ | IMAGE_LZ4 | IMAGE_ZSTD;

    private static final int MAIN_DATA_SHORT = 255;
    private static final int MAIN_DATA_LONG = 254;
    private static final int ORIGIN = 253;
    private static final int TOP_LEVEL_XID = 252;

    private static final int LAST_BUILT_IN_MANAGER = 21;
    private static final int FIRST_CUSTOM_MANAGER = 128;

    private final CRC32C crc = new CRC32C();

    /** A decoder; it keeps nothing from one record to the next. */
    public RecordDecoder() {}

    /** Whether this version can have written a record of this resource manager. */
    public static boolean isResourceManager(PostgresVersion version, int id) {
        return id <= LAST_BUILT_IN_MANAGER || (id >= FIRST_CUSTOM_MANAGER && version.hasCustomResourceManagers());
    }

    /**
     * The checksum that the record should have.
     *
     * @param bytes hold the whole record, which begins at {@code offset} and has {@code length} bytes
     */
    public int crc(byte[] bytes, int offset, int length) {
        crc.reset();
        crc.update(bytes, offset + WalRecord.HEADER_SIZE, length - WalRecord.HEADER_SIZE);
        crc.update(bytes, offset, 20);
        return (int) crc.getValue();
    }

    /**
     * Decodes the record, without looking at its checksum.
     *
     * @param bytes hold exactly the record from {@code offset} on for {@code length} bytes; {@code target} refers to
     *     them afterwards
     * @param startLsn where it begins in the WAL; 0 if that is not known
     * @param endLsn where it ends: what pages get as their LSN
     * @param target is filled; after an exception its content has no meaning
     * @throws MalformedRecordException if the bytes are not one whole record
     */
    public void decode(
            PostgresVersion version, byte[] bytes, int offset, int length, long startLsn, long endLsn, WalRecord target)
            throws MalformedRecordException {
        if ((offset | length) < 0 || offset > bytes.length - length) {
            throw new IllegalArgumentException(
                    length + " bytes from " + offset + " are not in an array of " + bytes.length);
        }
        if (length < WalRecord.HEADER_SIZE || LittleEndian.i32(bytes, offset) != length) {
            throw new MalformedRecordException(
                    startLsn,
                    "it has " + length + " bytes and says "
                            + (length < 4 ? "nothing" : Integer.toUnsignedString(LittleEndian.i32(bytes, offset))));
        }
        int manager = bytes[offset + 17] & 0xFF;
        if (!isResourceManager(version, manager)) {
            throw new MalformedRecordException(startLsn, version + " has no resource manager " + manager);
        }
        target.version = version;
        target.bytes = bytes;
        target.offset = offset;
        target.totalLength = length;
        target.startLsn = startLsn;
        target.endLsn = endLsn;
        target.xid = LittleEndian.i32(bytes, offset + 4);
        target.prevLsn = LittleEndian.i64(bytes, offset + 8);
        target.info = bytes[offset + 16] & 0xFF;
        target.resourceManagerId = manager;
        target.origin = 0;
        target.topLevelXid = 0;
        target.blocks = 0;
        decodeParts(target);
    }

    private static void decodeParts(WalRecord target) throws MalformedRecordException {
        byte[] bytes = target.bytes;
        int at = target.offset + WalRecord.HEADER_SIZE;
        int end = target.offset + target.totalLength;
        int announced = 0;
        int mainLength = 0;
        boolean mainSeen = false;
        int relationFrom = -1;
        while (end - at > announced && !mainSeen) {
            int id = bytes[at] & 0xFF;
            if (id <= WalRecord.MAX_BLOCK_ID) {
                at = decodeBlock(target, bytes, at, end, relationFrom);
                relationFrom = id;
                int reference = id * WalRecord.FIELDS;
                announced += target.references[reference + WalRecord.DATA_LENGTH]
                        + target.references[reference + WalRecord.IMAGE_LENGTH];
            } else if (id == MAIN_DATA_SHORT) {
                need(target, at, end, 2);
                mainLength = bytes[at + 1] & 0xFF;
                at += 2;
                mainSeen = true;
            } else if (id == MAIN_DATA_LONG) {
                need(target, at, end, 5);
                mainLength = LittleEndian.i32(bytes, at + 1);
                at += 5;
                mainSeen = true;
            } else if (id == ORIGIN) {
                need(target, at, end, 3);
                target.origin = LittleEndian.u16(bytes, at + 1);
                at += 3;
            } else if (id == TOP_LEVEL_XID) {
                need(target, at, end, 5);
                target.topLevelXid = LittleEndian.i32(bytes, at + 1);
                at += 5;
            } else {
                throw malformed(target, at, "unknown part " + id);
            }
        }
        if (mainLength < 0 || end - at != (long) announced + mainLength) {
            throw malformed(
                    target,
                    at,
                    "the headers announce " + announced + " bytes for blocks and "
                            + Integer.toUnsignedString(mainLength) + " of main data, but " + (end - at) + " follow");
        }
        assignPayloads(target, at, mainLength);
    }

    private static void assignPayloads(WalRecord target, int from, int mainLength) {
        int[] references = target.references;
        int at = from;
        int imageBytes = 0;
        for (long left = target.blocks; left != 0; left &= left - 1) {
            int id = Long.numberOfTrailingZeros(left);
            int reference = id * WalRecord.FIELDS;
            int imageLength = references[reference + WalRecord.IMAGE_LENGTH];
            int dataLength = references[reference + WalRecord.DATA_LENGTH];
            references[reference + WalRecord.IMAGE_OFFSET] = at;
            target.blockData[id].set(at + imageLength, dataLength);
            imageBytes += imageLength;
            at += imageLength + dataLength;
        }
        target.imageBytes = imageBytes;
        target.mainData.set(at, mainLength);
    }

    /** Decodes a block reference at {@code at} and returns where the next header begins. */
    private static int decodeBlock(WalRecord target, byte[] bytes, int at, int end, int previous)
            throws MalformedRecordException {
        need(target, at, end, 4);
        int id = bytes[at] & 0xFF;
        if (id <= previous) {
            throw malformed(target, at, "block reference " + id + " comes after " + previous);
        }
        int flags = bytes[at + 1] & 0xFF;
        int dataLength = LittleEndian.u16(bytes, at + 2);
        if (!ForkNumber.isValid(flags & FORK)) {
            throw malformed(target, at, "block reference " + id + " is in fork " + (flags & FORK));
        }
        if ((flags & HAS_DATA) != 0 != dataLength > 0) {
            throw malformed(
                    target, at, "block reference " + id + " has " + dataLength + " bytes of data and flags " + flags);
        }
        int[] references = target.references;
        int reference = id * WalRecord.FIELDS;
        references[reference + WalRecord.FLAGS] = flags;
        references[reference + WalRecord.DATA_LENGTH] = dataLength;
        references[reference + WalRecord.IMAGE_LENGTH] = 0;
        int next = at + 4;
        if ((flags & HAS_IMAGE) != 0) {
            next = decodeImage(target, id, next, end);
        }
        if ((flags & SAME_RELATION) == 0) {
            need(target, next, end, 16);
            references[reference + WalRecord.TABLESPACE] = LittleEndian.i32(bytes, next);
            references[reference + WalRecord.DATABASE] = LittleEndian.i32(bytes, next + 4);
            references[reference + WalRecord.RELATION] = LittleEndian.i32(bytes, next + 8);
            next += 12;
        } else {
            need(target, next, end, 4);
            if (previous < 0) {
                throw malformed(
                        target, at, "block reference " + id + " is in the same relation as the one before: none");
            }
            int other = previous * WalRecord.FIELDS;
            references[reference + WalRecord.TABLESPACE] = references[other + WalRecord.TABLESPACE];
            references[reference + WalRecord.DATABASE] = references[other + WalRecord.DATABASE];
            references[reference + WalRecord.RELATION] = references[other + WalRecord.RELATION];
        }
        references[reference + WalRecord.BLOCK_NUMBER] = LittleEndian.i32(bytes, next);
        target.blocks |= 1L << id;
        return next + 4;
    }

    private static int decodeImage(WalRecord target, int id, int at, int end) throws MalformedRecordException {
        byte[] bytes = target.bytes;
        need(target, at, end, 5);
        int length = LittleEndian.u16(bytes, at);
        int holeOffset = LittleEndian.u16(bytes, at + 2);
        int info = imageFlags(target.version, bytes[at + 4] & 0xFF);
        int next = at + 5;
        boolean hole = (info & IMAGE_HOLE) != 0;
        boolean compressed = (info & IMAGE_COMPRESSED) != 0;
        int holeLength;
        if (compressed && hole) {
            need(target, next, end, 2);
            holeLength = LittleEndian.u16(bytes, next);
            next += 2;
        } else {
            holeLength = compressed ? 0 : PageLayout.PAGE_SIZE - length;
        }
        boolean holeFits = hole
                ? holeOffset > 0 && holeLength > 0 && holeOffset + holeLength <= PageLayout.PAGE_SIZE
                : holeOffset == 0 && holeLength == 0;
        boolean lengthFits = length > 0 && (!compressed || length < PageLayout.PAGE_SIZE);
        if (!holeFits || !lengthFits || Integer.bitCount(info & IMAGE_COMPRESSED) > 1) {
            throw malformed(
                    target,
                    at,
                    "the image of block reference " + id + " contradicts itself: " + length + " bytes, flags "
                            + (bytes[at + 4] & 0xFF) + ", a hole of " + holeLength + " at " + holeOffset);
        }
        int[] references = target.references;
        int reference = id * WalRecord.FIELDS;
        references[reference + WalRecord.IMAGE_LENGTH] = length;
        references[reference + WalRecord.IMAGE_INFO] = info;
        references[reference + WalRecord.HOLE_OFFSET] = holeOffset;
        references[reference + WalRecord.HOLE_LENGTH] = holeLength;
        return next;
    }

    /** The flags of an image in the meaning of version 15 and later. */
    private static int imageFlags(PostgresVersion version, int flags) {
        if (version.isAtLeast(PostgresVersion.V15)) {
            return flags;
        }
        return (flags & IMAGE_HOLE) | (flags & 0x02) << 1 | (flags & 0x04) >> 1;
    }

    static ImageCompression compression(int imageInfo) {
        return switch (imageInfo & IMAGE_COMPRESSED) {
            case 0 -> ImageCompression.NONE;
            case IMAGE_PGLZ -> ImageCompression.PGLZ;
            case IMAGE_LZ4 -> ImageCompression.LZ4;
            default -> ImageCompression.ZSTD;
        };
    }

    private static void need(WalRecord target, int at, int end, int size) throws MalformedRecordException {
        if (end - at < size) {
            throw malformed(target, at, "it ends within a header");
        }
    }

    private static MalformedRecordException malformed(WalRecord target, int at, String problem) {
        return new MalformedRecordException(target.startLsn, "at byte " + (at - target.offset) + " of it: " + problem);
    }
}
