package dev.palimpsest.postgres.slru;

/**
 * A page of the commit log: two bits for each of 32768 transactions, four to a byte from the lowest bits on; the number is
 * that of {@link TransactionStatus}. All methods take the 8192 bytes of the page that has the transaction.
 */
public final class ClogPage {
    private ClogPage() {}

    /** How a transaction ended. */
    public static TransactionStatus status(byte[] page, int xid) {
        return TransactionStatus.of(page[byteOf(xid)] >> shiftOf(xid));
    }

    /** Notes how a transaction ended; but what is committed does not become sub-committed. */
    public static void setStatus(byte[] page, int xid, TransactionStatus status) {
        int at = byteOf(xid);
        int shift = shiftOf(xid);
        if (status == TransactionStatus.SUB_COMMITTED
                && TransactionStatus.of(page[at] >> shift) == TransactionStatus.COMMITTED) {
            return;
        }
        page[at] = (byte) ((page[at] & ~(3 << shift)) | status.number() << shift);
    }

    private static int byteOf(int xid) {
        return SlruKind.CLOG.indexOf(xid) / 4;
    }

    private static int shiftOf(int xid) {
        return 2 * (xid & 3);
    }
}
