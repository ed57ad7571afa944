package dev.palimpsest.postgres.rmgr;

import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;
import dev.palimpsest.postgres.wal.WalRecord;

/**
 * The one record of resource manager LogicalMessage, {@code MESSAGE}: bytes for logical decoding. Main data: u32 database;
 * u8 transactional, 3 unused; u64 bytes of the prefix with its NUL; u64 bytes of the message; the prefix; the message.
 *
 * @param database where it was emitted
 * @param transactional whether it counts only if its transaction commits
 * @param prefix whom it is for
 * @param message the bytes; not to be changed
 */
public record LogicalMessageRecord(int database, boolean transactional, String prefix, byte[] message) {
    private static final int HEADER = 24;

    /** @throws MalformedRecordException if the sizes do not fit, or the record is of another type */
    public static LogicalMessageRecord decode(WalRecord record) throws MalformedRecordException {
        Payload data = record.mainData();
        if (record.opcode() != 0) {
            throw data.malformed("there is no record type " + RecordTypes.nameOf(record));
        }
        long prefix = data.i64(8);
        long message = data.i64(16);
        int room = data.length() - HEADER;
        if (prefix < 1 || prefix > room || message < 0 || message > room - prefix) {
            throw data.malformed("a prefix of " + Long.toUnsignedString(prefix) + " bytes and a message of "
                    + Long.toUnsignedString(message) + " in " + room + " bytes");
        }
        return new LogicalMessageRecord(
                data.i32(0),
                data.u8(4) != 0,
                PayloadText.terminated(data, HEADER, (int) prefix),
                data.copy(HEADER + (int) prefix, (int) message));
    }

    /** As {@code pg_waldump} says it, without the message's bytes. */
    @Override
    public String toString() {
        return (transactional ? "transactional" : "non-transactional") + ", prefix \"" + prefix + "\"; payload ("
                + message.length + " bytes)";
    }
}
