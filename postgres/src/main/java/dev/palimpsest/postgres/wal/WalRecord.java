package dev.palimpsest.postgres.wal;

import dev.palimpsest.postgres.BlockTag;
import dev.palimpsest.postgres.ForkNumber;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.RelFileNode;

/**
 * A view of one decoded WAL record. It is filled by a decoder, again and again, and copies nothing: it is valid until
 * the decoder goes on or the bytes beneath it change. {@link #copy} gives one that stays.
 *
 * <pre>
 * offset size
 *      0    4  xl_tot_len: bytes of the record, this header included
 *      4    4  xl_xid
 *      8    8  xl_prev: where the previous record begins
 *     16    1  xl_info: the high half belongs to the resource manager; 1 special relation update, 2 check consistency
 *     17    1  xl_rmid
 *     18    2  zeros
 *     20    4  xl_crc: CRC-32C of everything from 24 on, then of bytes 0-19
 *     24       headers of blocks and data ({@link RecordDecoder}); then images and data of each block; then main data
 * </pre>
 *
 * <p>LSNs are unsigned longs here, as {@code Lsn} holds them, so that reading them makes no object. Methods that take a
 * block id throw {@link IllegalArgumentException} if the record does not refer to such a block. Not thread-safe.
 */
public final class WalRecord {
    /** Bytes of a record's header. */
    public static final int HEADER_SIZE = 24;

    /** The greatest block id, {@code XLR_MAX_BLOCK_ID}. */
    public static final int MAX_BLOCK_ID = 32;

    /** In info: every block carries an image of what it must be after redo. */
    public static final int CHECK_CONSISTENCY = 0x02;

    /* Places in a block's part of the references. Without an image, only its length has a meaning: 0. */
    static final int FLAGS = 0;
    static final int TABLESPACE = 1;
    static final int DATABASE = 2;
    static final int RELATION = 3;
    static final int BLOCK_NUMBER = 4;
    static final int DATA_LENGTH = 5;
    static final int IMAGE_LENGTH = 6;
    static final int IMAGE_OFFSET = 7;
    static final int IMAGE_INFO = 8;
    static final int HOLE_OFFSET = 9;
    static final int HOLE_LENGTH = 10;
    static final int FIELDS = 16;

    private static final int SLOTS = MAX_BLOCK_ID + 1;
    private static final byte[] NONE = new byte[0];

    PostgresVersion version = PostgresVersion.V18;
    byte[] bytes = NONE;
    int offset;
    int totalLength;
    long startLsn;
    long endLsn;
    int xid;
    long prevLsn;
    int info;
    int resourceManagerId;
    int origin;
    int topLevelXid;
    long blocks;
    int imageBytes;
    /** What is known of each block: {@link #FIELDS} integers from {@code id * FIELDS} on, which lie in one cache line. */
    final int[] references = new int[SLOTS * FIELDS];

    final Payload[] blockData = new Payload[SLOTS];
    final Payload mainData = new Payload(this, -1);

    /** An empty view, to be filled by a decoder. */
    public WalRecord() {
        for (int id = 0; id < SLOTS; id++) {
            blockData[id] = new Payload(this, id);
        }
    }

    /** The same record over a copy of its bytes. */
    public WalRecord copy() {
        WalRecord copy = new WalRecord();
        copy.version = version;
        copy.bytes = new byte[totalLength];
        System.arraycopy(bytes, offset, copy.bytes, 0, totalLength);
        copy.totalLength = totalLength;
        copy.startLsn = startLsn;
        copy.endLsn = endLsn;
        copy.xid = xid;
        copy.prevLsn = prevLsn;
        copy.info = info;
        copy.resourceManagerId = resourceManagerId;
        copy.origin = origin;
        copy.topLevelXid = topLevelXid;
        copy.blocks = blocks;
        copy.imageBytes = imageBytes;
        System.arraycopy(references, 0, copy.references, 0, references.length);
        for (int id = 0; id < SLOTS; id++) {
            copy.references[id * FIELDS + IMAGE_OFFSET] -= offset;
            copy.blockData[id].set(blockData[id].from() - offset, blockData[id].length());
        }
        copy.mainData.set(mainData.from() - offset, mainData.length());
        return copy;
    }

    /** The version that wrote it. */
    public PostgresVersion version() {
        return version;
    }

    /** The array with the record: bytes {@link #offset} (inclusive) to {@code offset + totalLength} (exclusive). */
    public byte[] bytes() {
        return bytes;
    }

    /** Where the record begins in {@link #bytes}. */
    public int offset() {
        return offset;
    }

    /** {@code xl_tot_len}: the record's bytes, without page headers and alignment. */
    public int totalLength() {
        return totalLength;
    }

    /** Where the record begins: never inside a page header. */
    public long startLsn() {
        return startLsn;
    }

    /** Where it ends, rounded up to 8: what pages that it changes get as their LSN. At a page boundary, the boundary. */
    public long endLsn() {
        return endLsn;
    }

    /** {@code xl_xid}: the transaction or subtransaction, 0 if none. */
    public int xid() {
        return xid;
    }

    /** {@code xl_prev}: where the previous record begins. */
    public long prevLsn() {
        return prevLsn;
    }

    /** {@code xl_info}, all 8 bits. */
    public int info() {
        return info;
    }

    /** The high half of {@code xl_info}, which tells the resource manager what it is: 0x00, 0x10, … 0xF0. */
    public int opcode() {
        return info & 0xF0;
    }

    /** Whether it was written under {@code wal_consistency_checking}. */
    public boolean checksConsistency() {
        return (info & CHECK_CONSISTENCY) != 0;
    }

    /** {@code xl_rmid}, 0 to 255. */
    public int resourceManagerId() {
        return resourceManagerId;
    }

    /** The replication origin, 0 if none. */
    public int origin() {
        return origin;
    }

    /** The top-level transaction, if the record says so (only in subtransactions, with logical WAL); 0 otherwise. */
    public int topLevelXid() {
        return topLevelXid;
    }

    /** Whether the record refers to a block under this id; any number may be asked for. */
    public boolean hasBlock(int id) {
        return id >= 0 && id <= MAX_BLOCK_ID && (blocks >>> id & 1) != 0;
    }

    /** The greatest block id, -1 if it refers to none; ids may have gaps. */
    public int maxBlockId() {
        return 63 - Long.numberOfLeadingZeros(blocks);
    }

    /** How many blocks it refers to. */
    public int blockCount() {
        return Long.bitCount(blocks);
    }

    /** A field of a block that the record must refer to. */
    private int field(int id, int field) {
        if (!hasBlock(id)) {
            throw noBlock(id);
        }
        return references[id * FIELDS + field];
    }

    private static IllegalArgumentException noBlock(int id) {
        return new IllegalArgumentException("the record has no block reference " + id);
    }

    /** The fork's number, which is a valid one. */
    public int forkNumber(int id) {
        return field(id, FLAGS) & RecordDecoder.FORK;
    }

    /** The tablespace of the block's relation. */
    public int spcNode(int id) {
        return field(id, TABLESPACE);
    }

    /** The database of the block's relation. */
    public int dbNode(int id) {
        return field(id, DATABASE);
    }

    /** The file number of the block's relation. */
    public int relNode(int id) {
        return field(id, RELATION);
    }

    /** The block's number in its fork, unsigned. */
    public int blockNumber(int id) {
        return field(id, BLOCK_NUMBER);
    }

    /** The block's relation; makes an object. */
    public RelFileNode relation(int id) {
        return new RelFileNode(spcNode(id), dbNode(id), relNode(id));
    }

    /** Which page the block is; makes objects. */
    public BlockTag blockTag(int id) {
        return new BlockTag(relation(id), ForkNumber.of(forkNumber(id)), blockNumber(id));
    }

    /** Whether redo starts from an empty page, whatever was there. */
    public boolean willInit(int id) {
        return (field(id, FLAGS) & RecordDecoder.WILL_INIT) != 0;
    }

    /** Whether there is an image of the page, for whatever purpose. */
    public boolean hasImage(int id) {
        return (field(id, FLAGS) & RecordDecoder.HAS_IMAGE) != 0;
    }

    /** Whether there is an image that takes the place of redo. */
    public boolean hasAppliedImage(int id) {
        return hasImage(id) && (field(id, IMAGE_INFO) & RecordDecoder.IMAGE_APPLY) != 0;
    }

    /** Bytes of the stored image, 0 if there is none. */
    public int imageLength(int id) {
        return field(id, IMAGE_LENGTH);
    }

    /** Where the stored image begins in {@link #bytes}; only if there is one. */
    public int imageOffset(int id) {
        return field(id, IMAGE_OFFSET);
    }

    /** Where in the page the hole begins that the image leaves out. */
    public int holeOffset(int id) {
        return hasImage(id) ? field(id, HOLE_OFFSET) : 0;
    }

    /** Bytes of the hole, 0 if there is none. */
    public int holeLength(int id) {
        return hasImage(id) ? field(id, HOLE_LENGTH) : 0;
    }

    /** How the image is stored. */
    public ImageCompression imageCompression(int id) {
        return hasImage(id) ? RecordDecoder.compression(field(id, IMAGE_INFO)) : ImageCompression.NONE;
    }

    /** Whether there is data for the block. */
    public boolean hasData(int id) {
        return field(id, DATA_LENGTH) > 0;
    }

    /** The block's data, which may be empty; valid as long as the record. */
    public Payload data(int id) {
        if (!hasBlock(id)) {
            throw noBlock(id);
        }
        return blockData[id];
    }

    /** The main data, which may be empty; valid as long as the record. */
    public Payload mainData() {
        return mainData;
    }

    /** The bytes of all images as they are stored. */
    public int imageBytes() {
        return imageBytes;
    }
}
