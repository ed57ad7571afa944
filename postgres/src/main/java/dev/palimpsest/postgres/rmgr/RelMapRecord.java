package dev.palimpsest.postgres.rmgr;

import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;
import dev.palimpsest.postgres.wal.WalRecord;

/**
 * The one record of resource manager RelMap, {@code UPDATE}: the whole relation map of a database. Main data: u32 database,
 * 0 for the shared map; u32 tablespace; i32 bytes; the content of {@code pg_filenode.map}, 512 bytes up to PostgreSQL 15
 * and 524 since 16.
 *
 * @param database whose map, 0 for {@code global/pg_filenode.map}
 * @param tablespace the database's tablespace
 * @param map the file's content; not to be changed
 */
public record RelMapRecord(int database, int tablespace, byte[] map) {
    /** Where the map begins in the main data. */
    public static final int MAP_OFFSET = 12;

    /** @throws MalformedRecordException if the map has not the version's size, or the record is of another type */
    public static RelMapRecord decode(WalRecord record) throws MalformedRecordException {
        Payload data = record.mainData();
        if (record.opcode() != 0) {
            throw data.malformed("there is no record type " + RecordTypes.nameOf(record));
        }
        int size = data.i32(8);
        if (size != record.version().relationMapSize()) {
            throw data.malformed("a relation map of " + size + " bytes: those of " + record.version() + " have "
                    + record.version().relationMapSize());
        }
        return new RelMapRecord(data.i32(0), data.i32(4), data.copy(MAP_OFFSET, size));
    }

    /** As {@code pg_waldump} prints it. */
    @Override
    public String toString() {
        return "database " + Integer.toUnsignedString(database) + " tablespace " + Integer.toUnsignedString(tablespace)
                + " size " + map.length;
    }
}
