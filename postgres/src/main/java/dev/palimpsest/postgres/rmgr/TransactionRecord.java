package dev.palimpsest.postgres.rmgr;

import dev.palimpsest.postgres.TransactionId;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;
import dev.palimpsest.postgres.wal.PayloadReader;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.List;

/**
 * The records of resource manager Transaction. The type is in bits 0x70 of the info; 0x80 says that a completion has
 * {@code xinfo}. Main data by type, little-endian:
 *
 * <pre>
 * 00 COMMIT           {@link Completion}
 * 10 PREPARE          {@link Prepare}
 * 20 ABORT            {@link Completion}; also of a subtransaction
 * 30 COMMIT_PREPARED  {@link Completion}
 * 40 ABORT_PREPARED   {@link Completion}
 * 50 ASSIGNMENT       u32 top-level xid; i32 count; u32 xid each
 * 60 INVALIDATION     i32 count; 16 bytes each ({@link InvalidationMessage})
 * </pre>
 */
public sealed interface TransactionRecord
        permits Completion, Prepare, TransactionRecord.Assignment, TransactionRecord.Invalidations {
    /** The bits of the info that are the type. */
    int TYPE = 0x70;

    /** The bit of the info that says that {@code xinfo} follows the time. */
    int HAS_INFO = 0x80;

    /** What {@code pg_waldump} would say about it. */
    @Override
    String toString();

    /** These subtransactions belong to this transaction; only for standbys. */
    record Assignment(int topLevelXid, int[] subXids) implements TransactionRecord {
        @Override
        public String toString() {
            StringBuilder text = new StringBuilder("xtop ");
            text.append(TransactionId.toString(topLevelXid)).append(": subxacts:");
            PayloadText.appendXids(text, subXids);
            return text.toString();
        }
    }

    /** What caches must forget in the middle of a transaction; only for logical decoding. */
    record Invalidations(List<InvalidationMessage> messages) implements TransactionRecord {
        @Override
        public String toString() {
            StringBuilder text = new StringBuilder();
            PayloadText.appendAll(text, "inval msgs:", messages);
            return text.toString();
        }
    }

    /**
     * Reads the main data of a record of resource manager Transaction.
     *
     * @throws MalformedRecordException if it is too short, has an impossible value, or there is no such type
     */
    static TransactionRecord decode(WalRecord record) throws MalformedRecordException {
        Payload data = record.mainData();
        return switch (record.info() & TYPE) {
            case 0x00 -> completion(record, Completion.Kind.COMMIT);
            case 0x10 -> Prepare.decode(record);
            case 0x20 -> completion(record, Completion.Kind.ABORT);
            case 0x30 -> completion(record, Completion.Kind.COMMIT_PREPARED);
            case 0x40 -> completion(record, Completion.Kind.ABORT_PREPARED);
            case 0x50 -> {
                PayloadReader reader = data.readerAt(4);
                yield new Assignment(data.i32(0), PayloadText.xids(reader, reader.count(4)));
            }
            case 0x60 -> new Invalidations(InvalidationMessage.readAll(data, data.readerAt(0)));
            default -> throw data.malformed("there is no record type " + RecordTypes.nameOf(record));
        };
    }

    private static Completion completion(WalRecord record, Completion.Kind kind) throws MalformedRecordException {
        return new CompletionReader(record, kind).read();
    }
}
