package dev.palimpsest.postgres.rmgr;

import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;
import dev.palimpsest.postgres.wal.WalRecord;

/**
 * The records of resource manager Tablespace. Main data by type, little-endian:
 *
 * <pre>
 * 00 CREATE  u32 OID; the directory's path, NUL-terminated
 * 10 DROP    u32 OID
 * </pre>
 */
public sealed interface TablespaceRecord {
    /** What {@code pg_waldump} would say about it. */
    @Override
    String toString();

    /** A tablespace begins in this directory. */
    record Create(int oid, String path) implements TablespaceRecord {
        @Override
        public String toString() {
            return Integer.toUnsignedString(oid) + " \"" + path + "\"";
        }
    }

    /** A tablespace is gone. */
    record Drop(int oid) implements TablespaceRecord {
        @Override
        public String toString() {
            return Integer.toUnsignedString(oid);
        }
    }

    /**
     * Reads the main data of a record of resource manager Tablespace.
     *
     * @throws MalformedRecordException if it is too short, the path has no end, or there is no such type
     */
    static TablespaceRecord decode(WalRecord record) throws MalformedRecordException {
        Payload data = record.mainData();
        return switch (record.opcode()) {
            case 0x00 -> new Create(data.i32(0), PayloadText.terminated(data, 4, data.length() - 4));
            case 0x10 -> new Drop(data.i32(0));
            default -> throw data.malformed("there is no record type " + RecordTypes.nameOf(record));
        };
    }
}
