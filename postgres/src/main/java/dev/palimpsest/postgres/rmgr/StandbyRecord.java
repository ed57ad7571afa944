package dev.palimpsest.postgres.rmgr;

import dev.palimpsest.postgres.TransactionId;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;
import dev.palimpsest.postgres.wal.PayloadReader;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.ArrayList;
import java.util.List;

/**
 * The records of resource manager Standby. None changes a page. Main data by type, little-endian:
 *
 * <pre>
 * 00 LOCK           i32 count; {u32 xid, u32 database, u32 relation} each
 * 10 RUNNING_XACTS  i32 count; i32 count of subtransactions; u8 overflow, 3 unused; u32 next xid; u32 oldest running xid;
 *                   u32 latest completed xid; u32 xid each, the subtransactions last
 * 20 INVALIDATIONS  u32 database; u32 tablespace; u8 whether the relation cache's start file is void, 3 unused; i32 count;
 *                   16 bytes each ({@link InvalidationMessage})
 * </pre>
 */
public sealed interface StandbyRecord {
    /** What {@code pg_waldump} would say about it. */
    @Override
    String toString();

    /** A transaction holds an access exclusive lock on a relation (by its OID, not its file). */
    record Lock(int xid, int database, int relation) {
        /** As {@code pg_waldump} prints it. */
        @Override
        public String toString() {
            return "xid " + TransactionId.toString(xid) + " db " + Integer.toUnsignedString(database) + " rel "
                    + Integer.toUnsignedString(relation);
        }
    }

    /** Access exclusive locks that are held. */
    record Locks(List<Lock> locks) implements StandbyRecord {
        @Override
        public String toString() {
            StringBuilder text = new StringBuilder();
            for (Lock lock : locks) {
                text.append(text.isEmpty() ? "" : " ").append(lock);
            }
            return text.toString();
        }
    }

    /**
     * The transactions that are running.
     *
     * @param overflow whether subtransactions are left out because there were too many
     * @param nextXid the next id to be given
     * @param oldestRunning the oldest that runs
     * @param latestCompleted the newest that has ended
     * @param xids the top-level transactions; not to be changed
     * @param subXids the subtransactions; not to be changed
     */
    record RunningTransactions(
            boolean overflow, int nextXid, int oldestRunning, int latestCompleted, int[] xids, int[] subXids)
            implements StandbyRecord {
        @Override
        public String toString() {
            StringBuilder text = new StringBuilder("nextXid ");
            text.append(TransactionId.toString(nextXid))
                    .append(" latestCompletedXid ")
                    .append(TransactionId.toString(latestCompleted))
                    .append(" oldestRunningXid ")
                    .append(TransactionId.toString(oldestRunning));
            if (xids.length > 0) {
                text.append("; ").append(xids.length).append(" xacts:");
                PayloadText.appendXids(text, xids);
            }
            if (overflow) {
                text.append("; subxid overflowed");
            }
            if (subXids.length > 0) {
                text.append("; ").append(subXids.length).append(" subxacts:");
                PayloadText.appendXids(text, subXids);
            }
            return text.toString();
        }
    }

    /** What caches must forget without a transaction. */
    record Invalidations(int database, int tablespace, boolean initFileInvalid, List<InvalidationMessage> messages)
            implements StandbyRecord {
        @Override
        public String toString() {
            StringBuilder text = new StringBuilder();
            if (initFileInvalid) {
                text.append("relcache init file inval dbid ")
                        .append(Integer.toUnsignedString(database))
                        .append(" tsid ")
                        .append(Integer.toUnsignedString(tablespace))
                        .append("; ");
            }
            PayloadText.appendAll(text, "inval msgs:", messages);
            return text.toString();
        }
    }

    /**
     * Reads the main data of a record of resource manager Standby.
     *
     * @throws MalformedRecordException if it is too short, or there is no such type
     */
    static StandbyRecord decode(WalRecord record) throws MalformedRecordException {
        Payload data = record.mainData();
        return switch (record.opcode()) {
            case 0x00 -> locks(data);
            case 0x10 -> running(data);
            case 0x20 ->
                new Invalidations(
                        data.i32(0),
                        data.i32(4),
                        data.u8(8) != 0,
                        InvalidationMessage.readAll(data, data.readerAt(12)));
            default -> throw data.malformed("there is no record type " + RecordTypes.nameOf(record));
        };
    }

    private static Locks locks(Payload data) throws MalformedRecordException {
        PayloadReader reader = data.readerAt(0);
        int count = reader.count(12);
        List<Lock> locks = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            locks.add(new Lock(reader.i32(), reader.i32(), reader.i32()));
        }
        return new Locks(List.copyOf(locks));
    }

    private static RunningTransactions running(Payload data) throws MalformedRecordException {
        int count = data.i32(0);
        int subCount = data.i32(4);
        PayloadReader reader = data.readerAt(24);
        if ((count | subCount) < 0 || 4L * count + 4L * subCount > reader.remaining()) {
            throw data.malformed(count + " transactions and " + subCount + " subtransactions in " + reader.remaining()
                    + " bytes of 4 each");
        }
        return new RunningTransactions(
                data.u8(8) != 0,
                data.i32(12),
                data.i32(16),
                data.i32(20),
                PayloadText.xids(reader, count),
                PayloadText.xids(reader, subCount));
    }
}
