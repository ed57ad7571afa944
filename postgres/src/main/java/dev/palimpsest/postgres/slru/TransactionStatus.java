package dev.palimpsest.postgres.slru;

/** How a transaction ended, as the commit log says it; the order is that of PostgreSQL's numbers, from 0. */
public enum TransactionStatus {
    /** It has not ended, or a crash ended it. */
    IN_PROGRESS,
    /** It committed. */
    COMMITTED,
    /** It aborted. */
    ABORTED,
    /** A subtransaction whose top-level transaction is about to commit: only while that is being noted on several pages. */
    SUB_COMMITTED;

    private static final TransactionStatus[] ALL = values();

    /** The one with this number, of which the two low bits count. */
    static TransactionStatus of(int bits) {
        return ALL[bits & 3];
    }

    /** PostgreSQL's number, 0 to 3. */
    public int number() {
        return ordinal();
    }
}
