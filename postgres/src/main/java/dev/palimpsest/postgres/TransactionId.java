package dev.palimpsest.postgres;

/**
 * Arithmetic of transaction ids: unsigned 32-bit integers, held in an {@code int}, that wrap around past 2^32 to 3.
 * Two normal ids are compared by their distance on that circle, so which of them is older is only meaningful within
 * 2^31 of each other.
 */
public final class TransactionId {
    /** No transaction. */
    public static final int INVALID = 0;

    /** The transaction of {@code initdb}. */
    public static final int BOOTSTRAP = 1;

    /** Older than everything. */
    public static final int FROZEN = 2;

    /** The first id a transaction is given, also after wrapping around. */
    public static final int FIRST_NORMAL = 3;

    private TransactionId() {}

    /** Whether a transaction can be given this id: 3 or more, unsigned. */
    public static boolean isNormal(int xid) {
        return Integer.compareUnsigned(xid, FIRST_NORMAL) >= 0;
    }

    /** Whether {@code a} is logically older than {@code b}. */
    public static boolean precedes(int a, int b) {
        if (!isNormal(a) || !isNormal(b)) {
            return Integer.compareUnsigned(a, b) < 0;
        }
        return a - b < 0;
    }

    /** The id after {@code xid}, leaving out the special ones. */
    public static int next(int xid) {
        int next = xid + 1;
        return isNormal(next) ? next : FIRST_NORMAL;
    }

    /**
     * The 64-bit id of {@code xid}, given one that is within 2^31 of it: the one with that low half that is nearest.
     *
     * @param near a 64-bit id, epoch in the high half
     */
    public static long widen(int xid, long near) {
        if (!isNormal(xid)) {
            return Integer.toUnsignedLong(xid);
        }
        long wide = near + (xid - (int) near);
        return Math.max(wide, Integer.toUnsignedLong(xid));
    }

    /** Whether multixact id {@code a} is older than {@code b}; these have no special values in comparisons. */
    public static boolean multiPrecedes(int a, int b) {
        return a - b < 0;
    }

    /** The number without a sign, as PostgreSQL prints it. */
    public static String toString(int xid) {
        return Integer.toUnsignedString(xid);
    }
}
