package dev.palimpsest.postgres.rmgr;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;
import dev.palimpsest.postgres.wal.WalRecord;

/**
 * The records of resource manager ReplicationOrigin. Main data by type, little-endian:
 *
 * <pre>
 * 00 SET   u64 LSN at the origin; u16 origin; u8 force
 * 10 DROP  u16 origin
 * </pre>
 */
public sealed interface ReplicationOriginRecord {
    /** What {@code pg_waldump} would say about it. */
    @Override
    String toString();

    /** An origin has come this far; if {@code force}, also backwards. */
    record Set(Lsn remote, int origin, boolean force) implements ReplicationOriginRecord {
        @Override
        public String toString() {
            return "set " + origin + "; lsn " + remote + "; force: " + (force ? 1 : 0);
        }
    }

    /** An origin is gone. */
    record Drop(int origin) implements ReplicationOriginRecord {
        @Override
        public String toString() {
            return "drop " + origin;
        }
    }

    /**
     * Reads the main data of a record of resource manager ReplicationOrigin.
     *
     * @throws MalformedRecordException if it is too short, or there is no such type
     */
    static ReplicationOriginRecord decode(WalRecord record) throws MalformedRecordException {
        Payload data = record.mainData();
        return switch (record.opcode()) {
            case 0x00 -> new Set(new Lsn(data.i64(0)), data.u16(8), data.u8(10) != 0);
            case 0x10 -> new Drop(data.u16(0));
            default -> throw data.malformed("there is no record type " + RecordTypes.nameOf(record));
        };
    }
}
