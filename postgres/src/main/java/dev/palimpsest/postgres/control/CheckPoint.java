package dev.palimpsest.postgres.control;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.TransactionId;
import org.jspecify.annotations.Nullable;

/**
 * A checkpoint, as its WAL record and the control file hold it: 88 bytes, little-endian.
 *
 * <pre>
 * offset size
 *      0    8  redo             where recovery begins
 *      8    4  ThisTimeLineID
 *     12    4  PrevTimeLineID
 *     16    1  fullPageWrites   0 or 1
 *     20    4  wal_level        since PostgreSQL 17; before, padding
 *     24    8  nextXid          epoch in the high half
 *     32    4  nextOid
 *     36    4  nextMulti
 *     40    4  nextMultiOffset
 *     44    4  oldestXid
 *     48    4  oldestXidDB
 *     52    4  oldestMulti
 *     56    4  oldestMultiDB
 *     64    8  time             seconds since 1970
 *     72    4  oldestCommitTsXid
 *     76    4  newestCommitTsXid
 *     80    4  oldestActiveXid
 * </pre>
 *
 * @param redo where recovery begins
 * @param timeline the PostgreSQL timeline
 * @param previousTimeline the one before, when this one begins here; otherwise the same
 * @param fullPageWrites 1 if full-page writes were on, 0 if not, as stored
 * @param walLevel null before PostgreSQL 17
 * @param nextXid the next transaction id, epoch in the high half
 * @param nextOid the next object id, unsigned
 * @param nextMulti the next multixact id, unsigned
 * @param nextMultiOffset the next multixact member's place, unsigned
 * @param oldestXid the oldest transaction id in use
 * @param oldestXidDb the database that has it
 * @param oldestMulti the oldest multixact id in use
 * @param oldestMultiDb the database that has it
 * @param time when, in seconds since 1970
 * @param oldestCommitTsXid the oldest transaction with a commit timestamp, 0 if none
 * @param newestCommitTsXid the newest one, 0 if none
 * @param oldestActiveXid the oldest transaction still running; 0 in a shutdown checkpoint
 */
public record CheckPoint(
        Lsn redo,
        int timeline,
        int previousTimeline,
        int fullPageWrites,
        @Nullable WalLevel walLevel,
        long nextXid,
        int nextOid,
        int nextMulti,
        int nextMultiOffset,
        int oldestXid,
        int oldestXidDb,
        int oldestMulti,
        int oldestMultiDb,
        long time,
        int oldestCommitTsXid,
        int newestCommitTsXid,
        int oldestActiveXid) {
    /** Bytes of a checkpoint. */
    public static final int SIZE = 88;

    /**
     * Reads a checkpoint of this version.
     *
     * @param bytes hold {@link #SIZE} bytes from {@code offset}, which the caller has checked
     */
    public static CheckPoint decode(PostgresVersion version, byte[] bytes, int offset) {
        int level = LittleEndian.i32(bytes, offset + 20);
        boolean hasLevel = version.isAtLeast(PostgresVersion.V17) && WalLevel.isValid(level);
        return new CheckPoint(
                new Lsn(LittleEndian.i64(bytes, offset)),
                LittleEndian.i32(bytes, offset + 8),
                LittleEndian.i32(bytes, offset + 12),
                bytes[offset + 16],
                hasLevel ? WalLevel.of(level) : null,
                LittleEndian.i64(bytes, offset + 24),
                LittleEndian.i32(bytes, offset + 32),
                LittleEndian.i32(bytes, offset + 36),
                LittleEndian.i32(bytes, offset + 40),
                LittleEndian.i32(bytes, offset + 44),
                LittleEndian.i32(bytes, offset + 48),
                LittleEndian.i32(bytes, offset + 52),
                LittleEndian.i32(bytes, offset + 56),
                LittleEndian.i64(bytes, offset + 64),
                LittleEndian.i32(bytes, offset + 72),
                LittleEndian.i32(bytes, offset + 76),
                LittleEndian.i32(bytes, offset + 80));
    }

    /** Writes {@link #SIZE} bytes; padding, and the WAL level if it is null, as zeros. */
    public void encode(byte[] bytes, int offset) {
        LittleEndian.putI64(bytes, offset, redo.value());
        LittleEndian.putI32(bytes, offset + 8, timeline);
        LittleEndian.putI32(bytes, offset + 12, previousTimeline);
        LittleEndian.putI32(bytes, offset + 16, fullPageWrites & 0xFF);
        LittleEndian.putI32(bytes, offset + 20, walLevel == null ? 0 : walLevel.number());
        LittleEndian.putI64(bytes, offset + 24, nextXid);
        LittleEndian.putI32(bytes, offset + 32, nextOid);
        LittleEndian.putI32(bytes, offset + 36, nextMulti);
        LittleEndian.putI32(bytes, offset + 40, nextMultiOffset);
        LittleEndian.putI32(bytes, offset + 44, oldestXid);
        LittleEndian.putI32(bytes, offset + 48, oldestXidDb);
        LittleEndian.putI32(bytes, offset + 52, oldestMulti);
        LittleEndian.putI32(bytes, offset + 56, oldestMultiDb);
        LittleEndian.putI32(bytes, offset + 60, 0);
        LittleEndian.putI64(bytes, offset + 64, time);
        LittleEndian.putI32(bytes, offset + 72, oldestCommitTsXid);
        LittleEndian.putI32(bytes, offset + 76, newestCommitTsXid);
        LittleEndian.putI32(bytes, offset + 80, oldestActiveXid);
        LittleEndian.putI32(bytes, offset + 84, 0);
    }

    /** As {@code pg_waldump} prints it. */
    @Override
    public String toString() {
        return "redo " + redo + "; tli " + Integer.toUnsignedString(timeline) + "; prev tli "
                + Integer.toUnsignedString(previousTimeline) + "; fpw " + (fullPageWrites != 0)
                + (walLevel == null ? "" : "; wal_level " + walLevel) + "; xid " + (nextXid >>> 32) + ":"
                + TransactionId.toString((int) nextXid) + "; oid " + Integer.toUnsignedString(nextOid) + "; multi "
                + TransactionId.toString(nextMulti) + "; offset " + Integer.toUnsignedString(nextMultiOffset)
                + "; oldest xid " + TransactionId.toString(oldestXid) + " in DB "
                + Integer.toUnsignedString(oldestXidDb) + "; oldest multi " + TransactionId.toString(oldestMulti)
                + " in DB " + Integer.toUnsignedString(oldestMultiDb) + "; oldest/newest commit timestamp xid: "
                + TransactionId.toString(oldestCommitTsXid) + "/" + TransactionId.toString(newestCommitTsXid)
                + "; oldest running xid " + TransactionId.toString(oldestActiveXid);
    }
}
