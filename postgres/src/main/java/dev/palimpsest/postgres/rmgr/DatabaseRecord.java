package dev.palimpsest.postgres.rmgr;

import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;
import dev.palimpsest.postgres.wal.PayloadReader;
import dev.palimpsest.postgres.wal.WalRecord;

/**
 * The records of resource manager Database. Main data by type, little-endian; PostgreSQL 14 has no type for a copy that is
 * logged page by page, so its {@code DROP} has the number that is another's since 15:
 *
 * <pre>
 * since 15  in 14
 * 00        00     CREATE_FILE_COPY (in 14 CREATE)  u32 database; u32 tablespace; u32 source database; u32 its tablespace
 * 10               CREATE_WAL_LOG                   u32 database; u32 tablespace
 * 20        10     DROP                             u32 database; i32 count; u32 tablespace each
 * </pre>
 */
public sealed interface DatabaseRecord {
    /** What {@code pg_waldump} would say about it. */
    @Override
    String toString();

    /** A database's directory in a tablespace becomes a copy of another one as it is now, all files. */
    record CreateFileCopy(int database, int tablespace, int sourceDatabase, int sourceTablespace)
            implements DatabaseRecord {
        @Override
        public String toString() {
            return "copy dir " + Integer.toUnsignedString(sourceTablespace) + "/"
                    + Integer.toUnsignedString(sourceDatabase) + " to " + Integer.toUnsignedString(tablespace) + "/"
                    + Integer.toUnsignedString(database);
        }
    }

    /** A database's directory begins, with its version file; records for every page follow. */
    record CreateWalLog(int database, int tablespace) implements DatabaseRecord {
        @Override
        public String toString() {
            return "create dir " + Integer.toUnsignedString(tablespace) + "/" + Integer.toUnsignedString(database);
        }
    }

    /** A database's directories in these tablespaces are deleted; the array is not to be changed. */
    record Drop(int database, int[] tablespaces) implements DatabaseRecord {
        @Override
        public String toString() {
            StringBuilder text = new StringBuilder("dir");
            for (int tablespace : tablespaces) {
                text.append(' ').append(Integer.toUnsignedString(tablespace));
                text.append('/').append(Integer.toUnsignedString(database));
            }
            return text.toString();
        }
    }

    /**
     * Reads the main data of a record of resource manager Database.
     *
     * @throws MalformedRecordException if it is too short, or the version has no such type
     */
    static DatabaseRecord decode(WalRecord record) throws MalformedRecordException {
        Payload data = record.mainData();
        boolean logsPages = record.version().isAtLeast(PostgresVersion.V15);
        int opcode = record.opcode();
        if (opcode == 0x00) {
            return new CreateFileCopy(data.i32(0), data.i32(4), data.i32(8), data.i32(12));
        }
        if (opcode == 0x10 && logsPages) {
            return new CreateWalLog(data.i32(0), data.i32(4));
        }
        if (opcode == (logsPages ? 0x20 : 0x10)) {
            PayloadReader reader = data.readerAt(4);
            return new Drop(data.i32(0), PayloadText.xids(reader, reader.count(4)));
        }
        throw data.malformed(record.version() + " has no record type " + RecordTypes.nameOf(record));
    }
}
