package dev.palimpsest.benchmarks.jmh;

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
        records[0] = HeapRecords.image();
        for (int i = 1; i <= length; i++) {
            records[i] = i <= TUPLES ? HeapRecords.insert(0, i) : HeapRecords.lock(1 + i % TUPLES);
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

    @Override
    public void close() {
        redo.close();
    }
}
