package dev.palimpsest.postgres.protocol;

/**
 * The messages inside the CopyData of a replication stream. Integers are big-endian; times are microseconds since 2000-01-01
 * UTC.
 *
 * <pre>
 * w  XLogData, from the server         u8 'w', i64 start LSN, i64 end of the server's WAL, i64 time, then the WAL
 * k  keepalive, from the server        u8 'k', i64 end of the server's WAL, i64 time, u8 1 if it wants a status at once
 * r  standby status, from the client   u8 'r', i64 write, i64 flush, i64 apply LSN, i64 time, u8 1 if it wants a keepalive
 * </pre>
 */
public final class ReplicationMessage {
    /** The first byte of XLogData. */
    public static final byte XLOG_DATA = 'w';
    /** Bytes of XLogData before the WAL. */
    public static final int XLOG_DATA_HEADER_SIZE = 25;
    /** Where in XLogData the start LSN is. */
    public static final int XLOG_DATA_START = 1;
    /** Where in XLogData the end of the server's WAL is. */
    public static final int XLOG_DATA_SERVER_END = 9;
    /** Where in XLogData the time is. */
    public static final int XLOG_DATA_TIME = 17;

    /** The first byte of a keepalive. */
    public static final byte KEEPALIVE = 'k';
    /** Bytes of a keepalive. */
    public static final int KEEPALIVE_SIZE = 18;
    /** Where in a keepalive the end of the server's WAL is. */
    public static final int KEEPALIVE_SERVER_END = 1;
    /** Where in a keepalive the time is. */
    public static final int KEEPALIVE_TIME = 9;
    /** Where in a keepalive the wish for a status is. */
    public static final int KEEPALIVE_REPLY_REQUESTED = 17;

    /** Bytes of a CopyData message with a standby status in it. */
    public static final int STANDBY_STATUS_MESSAGE_SIZE = BackendMessage.HEADER_SIZE + 34;

    private static final byte STANDBY_STATUS = 'r';

    private ReplicationMessage() {}

    /**
     * Writes a CopyData message with a standby status, {@link #STANDBY_STATUS_MESSAGE_SIZE} bytes, to the start of
     * {@code target}.
     */
    public static void putStandbyStatus(
            byte[] target, long writeLsn, long flushLsn, long applyLsn, long timeMicros, boolean replyWanted) {
        target[0] = BackendMessage.COPY_DATA;
        BigEndian.putInt32(target, 1, STANDBY_STATUS_MESSAGE_SIZE - 1);
        target[5] = STANDBY_STATUS;
        BigEndian.putInt64(target, 6, writeLsn);
        BigEndian.putInt64(target, 14, flushLsn);
        BigEndian.putInt64(target, 22, applyLsn);
        BigEndian.putInt64(target, 30, timeMicros);
        target[38] = (byte) (replyWanted ? 1 : 0);
    }
}
