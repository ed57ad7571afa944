package dev.palimpsest.postgres.slru;

import dev.palimpsest.postgres.LittleEndian;

/**
 * A page of multixact members: 409 groups of 20 bytes, each with one byte of status for each of four members and then the
 * u32 transaction id of each; 12 bytes at the end are unused. Members are counted from offset 0 on. All methods take the
 * 8192 bytes of the page that has the member.
 */
public final class MultiXactMembersPage {
    private static final int PER_GROUP = 4;
    private static final int GROUP_SIZE = 20;

    private MultiXactMembersPage() {}

    /** The transaction at this offset. */
    public static int xid(byte[] page, int offset) {
        return LittleEndian.i32(page, xidAt(offset));
    }

    /** What it does, 0 to 5: a number of {@code MultiXactRecord.MemberStatus}. */
    public static int status(byte[] page, int offset) {
        return page[statusAt(offset)] & 0xFF;
    }

    /** Writes a member. */
    public static void set(byte[] page, int offset, int xid, int status) {
        LittleEndian.putI32(page, xidAt(offset), xid);
        page[statusAt(offset)] = (byte) status;
    }

    private static int statusAt(int offset) {
        int index = SlruKind.MULTIXACT_MEMBERS.indexOf(offset);
        return index / PER_GROUP * GROUP_SIZE + index % PER_GROUP;
    }

    private static int xidAt(int offset) {
        int index = SlruKind.MULTIXACT_MEMBERS.indexOf(offset);
        return index / PER_GROUP * GROUP_SIZE + PER_GROUP + 4 * (index % PER_GROUP);
    }
}
