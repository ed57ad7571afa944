package dev.palimpsest.postgres.wal;

import dev.palimpsest.postgres.BlockTag;
import dev.palimpsest.postgres.Lsn;

/**
 * A record could not be applied to a page: the page is not what the record was written for, the record is damaged, or
 * nothing here knows how. The page is as it was. Names the record, its type, the page and what is wrong.
 */
public final class RedoException extends WalException {
    private static final long serialVersionUID = 1L;

    private final transient Lsn startLsn;
    private final transient BlockTag block;

    /**
     * @param record the record, still valid
     * @param type the names of resource manager and record type, {@code Heap/INSERT}
     * @param blockId which of its blocks
     * @param problem what was expected and what was found, with the offset in page or record
     * @param cause what lies beneath
     */
    public RedoException(WalRecord record, String type, int blockId, String problem, Throwable cause) {
        super(message(record, type, blockId, problem), cause);
        this.startLsn = new Lsn(record.startLsn());
        this.block = record.blockTag(blockId);
    }

    /** As the other one, where nothing lies beneath. */
    public RedoException(WalRecord record, String type, int blockId, String problem) {
        super(message(record, type, blockId, problem));
        this.startLsn = new Lsn(record.startLsn());
        this.block = record.blockTag(blockId);
    }

    private static String message(WalRecord record, String type, int blockId, String problem) {
        return "cannot apply WAL record " + type + " at " + new Lsn(record.startLsn()) + " (ends at "
                + new Lsn(record.endLsn()) + ") to relation " + record.blockTag(blockId) + " (block reference "
                + blockId + "): " + problem;
    }

    /** Where the record begins. */
    public Lsn startLsn() {
        return startLsn;
    }

    /** The page. */
    public BlockTag block() {
        return block;
    }
}
