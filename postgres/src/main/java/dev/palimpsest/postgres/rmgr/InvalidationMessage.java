package dev.palimpsest.postgres.rmgr;

import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;
import dev.palimpsest.postgres.wal.PayloadReader;
import java.util.ArrayList;
import java.util.List;

/**
 * What other servers' caches must forget, 16 bytes:
 *
 * <pre>
 * offset size
 *      0    1  kind: 0 and more a catalog cache; -1 a whole catalog, -2 a relation's cache, -3 a relation's file,
 *              -4 a relation map, -5 a catalog's snapshots, -6 what is published of a relation
 *      4    4  a database, 0 for shared ones; of kind -3 the tablespace
 *      8    4  a hash value, a catalog, or a relation; of kind -3 the database
 *     12    4  of kind -3 the file
 * </pre>
 *
 * @param kind what is forgotten
 * @param database the field at offset 4, unsigned
 * @param object the field at offset 8, unsigned
 * @param file the field at offset 12, unsigned; only of kind -3
 */
public record InvalidationMessage(int kind, int database, int object, int file) {
    /** Bytes of a message. */
    public static final int SIZE = 16;

    /** Reads a count and as many messages. */
    static List<InvalidationMessage> readAll(Payload data, PayloadReader reader) throws MalformedRecordException {
        return read(data, reader, reader.count(SIZE));
    }

    /** Reads {@code count} messages, which the payload must hold. */
    static List<InvalidationMessage> read(Payload data, PayloadReader reader, int count)
            throws MalformedRecordException {
        List<InvalidationMessage> messages = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            int at = reader.position();
            reader.take(SIZE);
            messages.add(
                    new InvalidationMessage((byte) data.u8(at), data.i32(at + 4), data.i32(at + 8), data.i32(at + 12)));
        }
        return List.copyOf(messages);
    }

    /** As {@code pg_waldump} says it. */
    @Override
    public String toString() {
        return switch (kind) {
            case -1 -> "catalog " + Integer.toUnsignedString(object);
            case -2 -> "relcache " + Integer.toUnsignedString(object);
            case -3 -> "smgr";
            case -4 -> "relmap db " + Integer.toUnsignedString(database);
            case -5 -> "snapshot " + Integer.toUnsignedString(object);
            case -6 -> "relsync " + Integer.toUnsignedString(object);
            default -> kind >= 0 ? "catcache " + kind : "unrecognized id " + kind;
        };
    }
}
