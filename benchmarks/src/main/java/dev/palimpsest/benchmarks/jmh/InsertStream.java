package dev.palimpsest.benchmarks.jmh;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.redo.HintLogging;
import dev.palimpsest.postgres.redo.PageRedo;
import dev.palimpsest.postgres.wal.RecordDecoder;
import dev.palimpsest.postgres.wal.RedoException;
import dev.palimpsest.postgres.wal.WalPageHeader;
import dev.palimpsest.postgres.wal.WalRecord;
import dev.palimpsest.postgres.wal.WalStreamDecoder;
import java.util.Arrays;

/**
 * The WAL of an insert of many rows of one integer, 226 on a page, as PostgreSQL 15 writes it, and the pages of the table.
 * Not thread-safe.
 */
final class InsertStream implements AutoCloseable {
    private static final PostgresVersion VERSION = PostgresVersion.V15;
    private static final int SEGMENT = 16 << 20;
    private static final int TIMELINE = 1;
    private static final long START = SEGMENT;
    private static final long SYSTEM_ID = 7;
    private static final int ROWS_PER_PAGE = 226;
    private static final int PIECE = 1 << 16;
    private static final int ALIGNMENT_MASK = 7;

    private final byte[] wal;
    private final Page[] pages;
    private final PageRedo redo = new PageRedo(HintLogging.OFF);

    /** @param rows how many records there are; all of them must fit a segment of 16 MiB */
    InsertStream(int rows) {
        pages = new Page[(rows - 1) / ROWS_PER_PAGE + 1];
        Arrays.setAll(pages, block -> new Page());
        byte[] bytes = new byte[SEGMENT];
        RecordDecoder decoder = new RecordDecoder();
        long previous = 0;
        int at = 0;
        for (int row = 0; row < rows; row++) {
            byte[] record = HeapRecords.insert(1 + row / ROWS_PER_PAGE, 1 + row % ROWS_PER_PAGE);
            LittleEndian.putI64(record, 8, previous);
            LittleEndian.putI32(record, 20, decoder.crc(record, 0, record.length));
            if (at % WalPageHeader.PAGE_SIZE == 0) {
                at = pageHeader(bytes, at, 0);
            }
            previous = START + at;
            at = append(bytes, at, record);
        }
        wal = Arrays.copyOf(bytes, at);
    }

    private static int append(byte[] bytes, int from, byte[] record) {
        int at = from;
        for (int written = 0; written < record.length; ) {
            if (at % WalPageHeader.PAGE_SIZE == 0) {
                at = pageHeader(bytes, at, record.length - written);
            }
            int part = Math.min(record.length - written, WalPageHeader.PAGE_SIZE - at % WalPageHeader.PAGE_SIZE);
            System.arraycopy(record, written, bytes, at, part);
            written += part;
            at += part;
        }
        return at + ALIGNMENT_MASK & ~ALIGNMENT_MASK;
    }

    private static int pageHeader(byte[] bytes, int at, int remaining) {
        boolean first = at == 0;
        WalPageHeader header = new WalPageHeader(
                VERSION.walMagic(),
                (first ? WalPageHeader.LONG_HEADER : 0) | (remaining > 0 ? WalPageHeader.FIRST_IS_CONTRECORD : 0),
                TIMELINE,
                START + at,
                remaining,
                first ? SYSTEM_ID : 0,
                first ? SEGMENT : 0,
                first ? WalPageHeader.PAGE_SIZE : 0);
        header.encode(bytes, at);
        return at + header.size();
    }

    /** Decodes all records, checksums included; returns how many there are. */
    int decode() {
        int records = 0;
        WalStreamDecoder decoder = new WalStreamDecoder(VERSION, SEGMENT, TIMELINE, new Lsn(START));
        for (int at = 0; at < wal.length; at += PIECE) {
            decoder.feed(wal, at, Math.min(PIECE, wal.length - at));
            while (decoder.next()) {
                records++;
            }
        }
        return records;
    }

    /** Decodes all records and redoes them; returns how many changed a page. */
    int redo() throws RedoException {
        int changed = 0;
        WalStreamDecoder decoder = new WalStreamDecoder(VERSION, SEGMENT, TIMELINE, new Lsn(START));
        WalRecord record = decoder.record();
        for (int at = 0; at < wal.length; at += PIECE) {
            decoder.feed(wal, at, Math.min(PIECE, wal.length - at));
            while (decoder.next()) {
                changed += switch (redo.redo(pages[record.blockNumber(0) - 1], record, 0)) {
                    case APPLIED, INITIALIZED -> 1;
                    default -> 0;
                };
            }
        }
        return changed;
    }

    @Override
    public void close() {
        redo.close();
    }
}
