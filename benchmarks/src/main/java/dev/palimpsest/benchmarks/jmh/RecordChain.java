package dev.palimpsest.benchmarks;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.redo.HintLogging;
import dev.palimpsest.postgres.redo.PageRedo;
import dev.palimpsest.postgres.redo.RedoResult;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.RecordDecoder;
import dev.palimpsest.postgres.wal.RedoException;
import dev.palimpsest.postgres.wal.WalRecord;

/**
 * What is stored of one heap page: its image and the records after it, of PostgreSQL 15. The first 200 insert a tuple of
 * one integer each; the ones after that lock these tuples, as often as need be. Not thread-safe.
 */
final class RecordChain implements AutoCloseable {
    private static final PostgresVersion VERSION = PostgresVersion.V15;
    private static final int TUPLES = 200;
    private static final int BLOCK_HEADER = 20;
    private static final int IMAGE_HEADER = 5;
    private static final int MAIN_HEADER = 2;
    private static final int MAIN_DATA_SHORT = 255;
    private static final int HAS_IMAGE = 0x10;
    private static final int HAS_DATA = 0x20;
    private static final int IMAGE_WITH_HOLE_TO_APPLY = 3;
    private static final int XLOG = 0;
    private static final int FPI = 0xB0;
    private static final int HEAP = 10;
    private static final int INSERT = 0x00;
    private static final int LOCK = 0x60;
    private static final int XID = 750;
    private static final long FIRST_LSN = 0x1000000;
    private static final long LSN_STEP = 64;

    private final byte[][] records;
    private final RecordDecoder decoder = new RecordDecoder();
    private final WalRecord record = new WalRecord();
    private final PageRedo redo = new PageRedo(HintLogging.OFF);
    private final Page page = new Page();

    /** @param length how many records follow the image */
    RecordChain(int length) {
        records = new byte[length + 1][];
        records[0] = image();
        for (int i = 1; i <= length; i++) {
            records[i] = i <= TUPLES ? insert(i) : lock(1 + i % TUPLES);
        }
    }

    /** Checks and decodes each record; returns the sum of their lengths. */
    long decodeAll() throws MalformedRecordException {
        long sum = 0;
        for (int i = 0; i < records.length; i++) {
            sum += decoder.crc(records[i], 0, records[i].length);
            decode(i);
            sum += record.mainData().length();
        }
        return sum;
    }

    /** Decodes and redoes all records; returns the page. */
    Page redoAll() throws MalformedRecordException, RedoException {
        for (int i = 0; i < records.length; i++) {
            decode(i);
            RedoResult result = redo.redo(page, record, 0);
            if (result != RedoResult.APPLIED && result != RedoResult.RESTORED) {
                throw new IllegalStateException("record " + i + ": " + result);
            }
        }
        return page;
    }

    private void decode(int i) throws MalformedRecordException {
        long start = FIRST_LSN + i * LSN_STEP;
        decoder.decode(VERSION, records[i], 0, records[i].length, start, start + LSN_STEP, record);
    }

    private static byte[] image() {
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

    private static byte[] insert(int number) {
        int dataLength = 10;
        int mainLength = 3;
        byte[] bytes = withMainData(INSERT, dataLength, mainLength);
        int data = bytes.length - mainLength - dataLength;
        LittleEndian.putU16(bytes, data, 1);
        LittleEndian.putU16(bytes, data + 2, 0x0800);
        bytes[data + 4] = 24;
        LittleEndian.putI32(bytes, data + 6, number);
        LittleEndian.putU16(bytes, data + dataLength, number);
        return bytes;
    }

    private static byte[] lock(int number) {
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

    @Override
    public void close() {
        redo.close();
    }
}
