package dev.palimpsest.postgres.wal;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.RelFileNode;

/**
 * The main data of a record, or the data of one of its blocks, read in place: offsets count from its first byte. Every
 * access is checked and throws {@link MalformedRecordException}. Valid as long as the {@link WalRecord} it belongs to.
 */
public final class Payload {
    private final WalRecord record;
    private final int blockId;
    private int from;
    private int length;

    /** @param blockId the block it belongs to, or -1 for the main data */
    Payload(WalRecord record, int blockId) {
        this.record = record;
        this.blockId = blockId;
    }

    void set(int from, int length) {
        this.from = from;
        this.length = length;
    }

    int from() {
        return from;
    }

    /** Its bytes. */
    public int length() {
        return length;
    }

    /** The array that holds it, among other things: byte {@code i} of it is {@code array()[arrayOffset() + i]}. */
    public byte[] array() {
        return record.bytes();
    }

    /** Where it begins in {@link #array}. */
    public int arrayOffset() {
        return from;
    }

    /** @throws MalformedRecordException unless it has {@code size} bytes from {@code offset} */
    public void check(int offset, int size) throws MalformedRecordException {
        if ((offset | size) < 0 || offset > length - size) {
            throw malformed(size + " bytes at offset " + offset + " are not there: it has " + length);
        }
    }

    /** An exception that names the record, this part of it, and {@code problem}. */
    public MalformedRecordException malformed(String problem) {
        String part = blockId < 0 ? "main data" : "data of block reference " + blockId;
        return new MalformedRecordException(record.startLsn(), part + ": " + problem);
    }

    /** The byte at {@code offset}, 0 to 255. */
    public int u8(int offset) throws MalformedRecordException {
        check(offset, 1);
        return array()[from + offset] & 0xFF;
    }

    /** The 16-bit integer at {@code offset}, 0 to 65535. */
    public int u16(int offset) throws MalformedRecordException {
        check(offset, 2);
        return LittleEndian.u16(array(), from + offset);
    }

    /** The 32-bit integer at {@code offset}. */
    public int i32(int offset) throws MalformedRecordException {
        check(offset, 4);
        return LittleEndian.i32(array(), from + offset);
    }

    /** The 64-bit integer at {@code offset}. */
    public long i64(int offset) throws MalformedRecordException {
        check(offset, 8);
        return LittleEndian.i64(array(), from + offset);
    }

    /** The relation at {@code offset}, 12 bytes. */
    public RelFileNode relation(int offset) throws MalformedRecordException {
        check(offset, RelFileNode.SIZE);
        return new RelFileNode(i32(offset), i32(offset + 4), i32(offset + 8));
    }

    /** A cursor at {@code offset}. */
    public PayloadReader readerAt(int offset) {
        return new PayloadReader(this, offset);
    }

    /** A copy of {@code size} bytes from {@code offset}. */
    public byte[] copy(int offset, int size) throws MalformedRecordException {
        check(offset, size);
        byte[] copy = new byte[size];
        System.arraycopy(array(), from + offset, copy, 0, size);
        return copy;
    }
}
