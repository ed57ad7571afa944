package dev.palimpsest.benchmarks.jmh;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.wal.WalRecord;

/** The bytes of records about one table's pages, without checksum or link to the record before. */
final class HeapRecords {
    private static final int BLOCK_HEADER = 20;
    private static final int IMAGE_HEADER = 5;
    private static final int MAIN_HEADER = 2;
    private static final int MAIN_DATA_SHORT = 255;
    private static final int HAS_IMAGE = 0x10;
    private static final int HAS_DATA = 0x20;
    private static final int WILL_INIT = 0x40;
    private static final int IMAGE_WITH_HOLE_TO_APPLY = 3;
    private static final int XLOG = 0;
    private static final int FPI = 0xB0;
    private static final int HEAP = 10;
    private static final int INSERT = 0x00;
    private static final int INIT_PAGE = 0x80;
    private static final int LOCK = 0x60;
    private static final int XID = 750;

    private HeapRecords() {}

    /** An image of an empty page, block 0. */
    static byte[] image() {
        Page empty = new Page();
        empty.initialize(0);
        int stored = empty.lower();
        int at = WalRecord.HEADER_SIZE;
        byte[] bytes = header(at + IMAGE_HEADER + BLOCK_HEADER + stored, XLOG, FPI);
        bytes[at + 1] = HAS_IMAGE;
        LittleEndian.putU16(bytes, at + 4, stored);
        LittleEndian.putU16(bytes, at + 6, stored);
        bytes[at + 8] = IMAGE_WITH_HOLE_TO_APPLY;
        putRelation(bytes, at + 4 + IMAGE_HEADER);
        System.arraycopy(empty.bytes(), 0, bytes, at + IMAGE_HEADER + BLOCK_HEADER, stored);
        return bytes;
    }

    /** Inserts a row of one integer as the item with this number; the first one makes the page anew. */
    static byte[] insert(int block, int number) {
        int dataLength = 10;
        int mainLength = 3;
        boolean init = number == 1 && block > 0;
        byte[] bytes = withMainData(init ? INSERT | INIT_PAGE : INSERT, dataLength, mainLength);
        bytes[WalRecord.HEADER_SIZE + 1] |= (byte) (init ? WILL_INIT : 0);
        LittleEndian.putI32(bytes, WalRecord.HEADER_SIZE + BLOCK_HEADER - 4, block);
        int data = bytes.length - mainLength - dataLength;
        LittleEndian.putU16(bytes, data, 1);
        LittleEndian.putU16(bytes, data + 2, 0x0800);
        bytes[data + 4] = 24;
        LittleEndian.putI32(bytes, data + 6, number);
        LittleEndian.putU16(bytes, data + dataLength, number);
        return bytes;
    }

    /** Locks the item with this number of block 0. */
    static byte[] lock(int number) {
        int mainLength = 8;
        byte[] bytes = withMainData(LOCK, 0, mainLength);
        int main = bytes.length - mainLength;
        LittleEndian.putI32(bytes, main, XID);
        LittleEndian.putU16(bytes, main + 4, number);
        bytes[main + 6] = 6;
        return bytes;
    }

    /** A Heap record with one block, without what is to be in its data. */
    private static byte[] withMainData(int opcode, int dataLength, int mainLength) {
        int at = WalRecord.HEADER_SIZE;
        byte[] bytes = header(at + BLOCK_HEADER + MAIN_HEADER + dataLength + mainLength, HEAP, opcode);
        bytes[at + 1] = (byte) (dataLength > 0 ? HAS_DATA : 0);
        LittleEndian.putU16(bytes, at + 2, dataLength);
        putRelation(bytes, at + 4);
        bytes[at + BLOCK_HEADER] = (byte) MAIN_DATA_SHORT;
        bytes[at + BLOCK_HEADER + 1] = (byte) mainLength;
        return bytes;
    }

    private static byte[] header(int length, int manager, int info) {
        byte[] bytes = new byte[length];
        LittleEndian.putI32(bytes, 0, length);
        LittleEndian.putI32(bytes, 4, XID);
        bytes[16] = (byte) info;
        bytes[17] = (byte) manager;
        return bytes;
    }

    /** Tablespace, database, relation and block 0. */
    private static void putRelation(byte[] bytes, int at) {
        LittleEndian.putI32(bytes, at, 1663);
        LittleEndian.putI32(bytes, at + 4, 5);
        LittleEndian.putI32(bytes, at + 8, 16384);
    }
}
