package dev.palimpsest.postgres.rmgr;

import dev.palimpsest.postgres.TransactionId;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;
import dev.palimpsest.postgres.wal.WalRecord;

/**
 * The records of resource manager CLOG. Main data by type, little-endian; a page number has 4 bytes up to PostgreSQL 16 and
 * 8 since 17:
 *
 * <pre>
 * 00 ZEROPAGE  page number
 * 10 TRUNCATE  page number; u32 oldest xid; u32 its database
 * </pre>
 */
public sealed interface ClogRecord {
    /** How many pages of the commit log there can be: 2^32 transactions, 32768 on a page. */
    int PAGES = 1 << 17;

    /** What {@code pg_waldump} would say about it. */
    @Override
    String toString();

    /** A page begins, all zeros. */
    record ZeroPage(int page) implements ClogRecord {
        @Override
        public String toString() {
            return "page " + page;
        }
    }

    /** Segments wholly before a page are deleted. */
    record Truncate(int page, int oldestXid, int oldestXidDb) implements ClogRecord {
        @Override
        public String toString() {
            return "page " + page + "; oldestXact " + TransactionId.toString(oldestXid);
        }
    }

    /**
     * Reads the main data of a record of resource manager CLOG.
     *
     * @throws MalformedRecordException if it is too short, names no page, or there is no such type
     */
    static ClogRecord decode(WalRecord record) throws MalformedRecordException {
        Payload data = record.mainData();
        int size = record.version().slruPageNumberSize();
        return switch (record.opcode()) {
            case 0x00 -> new ZeroPage(PayloadText.slruPage(data, size, PAGES));
            case 0x10 -> new Truncate(PayloadText.slruPage(data, size, PAGES), data.i32(size), data.i32(size + 4));
            default -> throw data.malformed("there is no record type " + RecordTypes.nameOf(record));
        };
    }
}
