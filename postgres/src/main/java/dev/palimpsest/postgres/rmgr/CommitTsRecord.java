package dev.palimpsest.postgres.rmgr;

import dev.palimpsest.postgres.TransactionId;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;
import dev.palimpsest.postgres.wal.WalRecord;

/**
 * The records of resource manager CommitTs. Main data by type, little-endian; a page number has 4 bytes up to PostgreSQL 16
 * and 8 since 17. The timestamps themselves are in the commit records.
 *
 * <pre>
 * 00 ZEROPAGE  page number
 * 10 TRUNCATE  page number; u32 oldest xid with a timestamp
 * </pre>
 */
public sealed interface CommitTsRecord {
    /** How many pages of commit timestamps there can be: 2^32 transactions, 819 on a page. */
    int PAGES = (int) ((1L << 32) / 819) + 1;

    /** What {@code pg_waldump} would say about it. */
    @Override
    String toString();

    /** A page begins, all zeros. */
    record ZeroPage(int page) implements CommitTsRecord {
        @Override
        public String toString() {
            return "" + page;
        }
    }

    /** Segments wholly before a page are deleted. */
    record Truncate(int page, int oldestXid) implements CommitTsRecord {
        @Override
        public String toString() {
            return "pageno " + page + ", oldestXid " + TransactionId.toString(oldestXid);
        }
    }

    /**
     * Reads the main data of a record of resource manager CommitTs.
     *
     * @throws MalformedRecordException if it is too short, names no page, or there is no such type
     */
    static CommitTsRecord decode(WalRecord record) throws MalformedRecordException {
        Payload data = record.mainData();
        int size = record.version().slruPageNumberSize();
        return switch (record.opcode()) {
            case 0x00 -> new ZeroPage(PayloadText.slruPage(data, size, PAGES));
            case 0x10 -> new Truncate(PayloadText.slruPage(data, size, PAGES), data.i32(size));
            default -> throw data.malformed("there is no record type " + RecordTypes.nameOf(record));
        };
    }
}
