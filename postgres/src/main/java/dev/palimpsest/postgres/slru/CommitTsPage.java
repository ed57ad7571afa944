package dev.palimpsest.postgres.slru;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.TimestampTz;

/**
 * A page of commit timestamps: for each of 819 transactions i64 microseconds since 2000 and u16 replication origin; 2 bytes
 * at the end are unused. All methods take the 8192 bytes of the page that has the transaction.
 */
public final class CommitTsPage {
    private static final int ENTRY_SIZE = 10;

    private CommitTsPage() {}

    /** When it committed: 2000-01-01 if that was not noted. */
    public static TimestampTz time(byte[] page, int xid) {
        return new TimestampTz(LittleEndian.i64(page, at(xid)));
    }

    /** The replication origin it came through, 0 if none. */
    public static int origin(byte[] page, int xid) {
        return LittleEndian.u16(page, at(xid) + 8);
    }

    /** Notes when it committed and through which origin. */
    public static void set(byte[] page, int xid, TimestampTz time, int origin) {
        LittleEndian.putI64(page, at(xid), time.micros());
        LittleEndian.putU16(page, at(xid) + 8, origin);
    }

    private static int at(int xid) {
        return ENTRY_SIZE * SlruKind.COMMIT_TS.indexOf(xid);
    }
}
