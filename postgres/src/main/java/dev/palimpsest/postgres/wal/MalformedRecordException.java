package dev.palimpsest.postgres.wal;

import dev.palimpsest.postgres.Lsn;

/** Bytes that are not a WAL record, or whose parts contradict each other. Names the record and what is wrong with it. */
public final class MalformedRecordException extends WalException {
    private static final long serialVersionUID = 1L;

    private final long startLsn;

    /**
     * @param startLsn where the record begins
     * @param problem what was expected and what was found
     */
    public MalformedRecordException(long startLsn, String problem) {
        super("malformed WAL record at " + new Lsn(startLsn) + ": " + problem);
        this.startLsn = startLsn;
    }

    /** Where the record begins. */
    public Lsn startLsn() {
        return new Lsn(startLsn);
    }
}
