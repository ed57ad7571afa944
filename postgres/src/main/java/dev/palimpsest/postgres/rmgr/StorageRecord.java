package dev.palimpsest.postgres.rmgr;

import dev.palimpsest.postgres.ForkNumber;
import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;
import dev.palimpsest.postgres.wal.WalRecord;

/**
 * The records of resource manager Storage. Main data by type, little-endian:
 *
 * <pre>
 * 10 CREATE    12 bytes relation; i32 fork
 * 20 TRUNCATE  u32 blocks; 12 bytes relation; i32 flags
 * </pre>
 */
public sealed interface StorageRecord {
    /** In the flags: the main fork is truncated. */
    int TRUNCATE_HEAP = 1;

    /** In the flags: the visibility map is truncated. */
    int TRUNCATE_VISIBILITY_MAP = 2;

    /** In the flags: the free space map is truncated. */
    int TRUNCATE_FSM = 4;

    /** The flags that there are. */
    int TRUNCATE_ALL = TRUNCATE_HEAP | TRUNCATE_VISIBILITY_MAP | TRUNCATE_FSM;

    /** What {@code pg_waldump} would say about it, in numbers instead of a path. */
    @Override
    String toString();

    /** A fork begins, empty. */
    record Create(RelFileNode relation, ForkNumber fork) implements StorageRecord {
        @Override
        public String toString() {
            return relation + (fork == ForkNumber.MAIN ? "" : " fork " + fork);
        }
    }

    /**
     * A relation is cut.
     *
     * @param relation which
     * @param blocks how many blocks of the main fork stay, unsigned
     * @param flags which forks are cut
     */
    record Truncate(RelFileNode relation, int blocks, int flags) implements StorageRecord {
        @Override
        public String toString() {
            return relation + " to " + Integer.toUnsignedString(blocks) + " blocks flags " + flags;
        }
    }

    /**
     * Reads the main data of a record of resource manager Storage.
     *
     * @throws MalformedRecordException if it is too short, names no fork, or there is no such type
     */
    static StorageRecord decode(WalRecord record) throws MalformedRecordException {
        Payload data = record.mainData();
        return switch (record.opcode()) {
            case 0x10 -> {
                int fork = data.i32(RelFileNode.SIZE);
                if (!ForkNumber.isValid(fork)) {
                    throw data.malformed("no fork has the number " + fork);
                }
                yield new Create(data.relation(0), ForkNumber.of(fork));
            }
            case 0x20 -> new Truncate(data.relation(4), data.i32(0), data.i32(16));
            default -> throw data.malformed("there is no record type " + RecordTypes.nameOf(record));
        };
    }
}
