package dev.palimpsest.storage.key;

/**
 * The keys of prepared transactions: what PostgreSQL keeps in {@code pg_twophase}.
 *
 * <pre>
 * key         f1  f2  f3  f4           f5                   f6
 * directory   02  0   0   0            0                    0
 * state file  02  0   0   xid &gt;&gt; 40    (xid &gt;&gt; 32) &amp; FF     xid &amp; FFFFFFFF
 * </pre>
 *
 * <p>A transaction id has 64 bits, as in the file names of PostgreSQL 17 and later; before that the upper half is 0. Id 0 is
 * PostgreSQL's {@code InvalidTransactionId}, so the directory can have its place.
 */
public final class TwoPhaseKeys {
    /** Which transactions are prepared. */
    public static final Key DIRECTORY = Key.of(2, 0, 0, 0, 0, 0);

    /** The state files of all transactions. */
    public static final KeyRange STATE_FILES = stateFiles(1, -1);

    private static final int KIND = 2;

    private TwoPhaseKeys() {}

    /**
     * The state file of a prepared transaction.
     *
     * @param xid unsigned, not 0
     */
    public static Key stateFile(long xid) {
        if (xid == 0) {
            throw new IllegalArgumentException("transaction 0 cannot be prepared");
        }
        return Key.of(KIND, 0, 0, (int) (xid >>> 40), (int) (xid >>> 32), (int) xid);
    }

    /**
     * The state files of the transactions from {@code first} to {@code last}, both inclusive.
     *
     * @param first unsigned, not 0
     * @param last unsigned, not less than {@code first}
     */
    public static KeyRange stateFiles(long first, long last) {
        Key end = last == -1 ? Key.of(KIND, 0, 1, 0, 0, 0) : stateFile(last + 1);
        return new KeyRange(stateFile(first), end);
    }

    /** Whether it is the state file of a prepared transaction. */
    public static boolean isStateFile(Key key) {
        return STATE_FILES.contains(key) && key.field4() >>> 24 == 0;
    }

    /**
     * The transaction that a state file belongs to, unsigned.
     *
     * @throws IllegalArgumentException if {@code key} is no state file
     */
    public static long xid(Key key) {
        if (!isStateFile(key)) {
            throw new IllegalArgumentException("key " + key + " is not the state of a prepared transaction");
        }
        return (long) key.field4() << 40 | (long) key.field5() << 32 | Integer.toUnsignedLong(key.field6());
    }
}
