package dev.palimpsest.postgres.rmgr;

import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.PayloadReader;
import java.util.ArrayList;
import java.util.List;

/**
 * Cumulative statistics that end with a transaction, since PostgreSQL 15: i32 kind; u32 database; and the object, up to 17
 * as u32, since 18 as u64 in two halves, the low one first.
 *
 * @param kind what they are of: 2 a relation, 3 a function, and so on
 * @param database the database, 0 if shared
 * @param object its id
 */
public record DroppedStatistics(int kind, int database, long object) {
    /** Bytes of an entry in this version. */
    static int size(PostgresVersion version) {
        return version.isAtLeast(PostgresVersion.V18) ? 16 : 12;
    }

    /** Reads {@code count} entries, which the payload must hold. */
    static List<DroppedStatistics> read(PostgresVersion version, PayloadReader reader, int count)
            throws MalformedRecordException {
        List<DroppedStatistics> entries = new ArrayList<>(count);
        boolean wide = version.isAtLeast(PostgresVersion.V18);
        for (int i = 0; i < count; i++) {
            entries.add(new DroppedStatistics(
                    reader.i32(), reader.i32(), wide ? reader.i64() : Integer.toUnsignedLong(reader.i32())));
        }
        return List.copyOf(entries);
    }

    /** {@code 2/5/16384}. */
    @Override
    public String toString() {
        return kind + "/" + Integer.toUnsignedString(database) + "/" + Long.toUnsignedString(object);
    }
}
