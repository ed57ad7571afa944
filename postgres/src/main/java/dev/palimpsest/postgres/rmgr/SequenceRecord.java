package dev.palimpsest.postgres.rmgr;

import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;
import dev.palimpsest.postgres.wal.WalRecord;

/**
 * The one record of resource manager Sequence, {@code LOG}: the whole content of a sequence. Main data: the relation, 12
 * bytes; then a heap tuple with its header.
 *
 * @param relation the sequence's file
 * @param tuple the tuple's bytes
 */
public record SequenceRecord(RelFileNode relation, byte[] tuple) {
    /** Where the tuple begins in the main data. */
    public static final int TUPLE_OFFSET = RelFileNode.SIZE;

    /** @throws MalformedRecordException if the main data is too short, or the record is of another type */
    public static SequenceRecord decode(WalRecord record) throws MalformedRecordException {
        Payload data = record.mainData();
        if (record.opcode() != 0) {
            throw data.malformed("there is no record type " + RecordTypes.nameOf(record));
        }
        return new SequenceRecord(data.relation(0), data.copy(TUPLE_OFFSET, data.length() - TUPLE_OFFSET));
    }

    /** {@code rel 1663/5/16400}. */
    @Override
    public String toString() {
        return "rel " + relation;
    }
}
