package dev.palimpsest.postgres.rmgr;

import dev.palimpsest.postgres.TransactionId;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;
import dev.palimpsest.postgres.wal.PayloadReader;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.Arrays;

/**
 * The records of resource manager MultiXact. Main data by type, little-endian; a page number has 4 bytes up to PostgreSQL
 * 16 and 8 since 17:
 *
 * <pre>
 * 00 ZERO_OFF_PAGE  page number
 * 10 ZERO_MEM_PAGE  page number
 * 20 CREATE_ID      u32 multixact id; u32 offset of the first member; i32 members; {u32 xid, i32 status} each
 * 30 TRUNCATE_ID    u32 database of the oldest; u32 multixact ids from, to; u32 member offsets from, to
 * </pre>
 */
public sealed interface MultiXactRecord {
    /** How many pages of offsets there can be: 2^32 multixacts, 2048 on a page. */
    int OFFSET_PAGES = 1 << 21;

    /** How many pages of members there can be: 2^32 members, 1636 on a page. */
    int MEMBER_PAGES = (int) ((1L << 32) / 1636) + 1;

    /** What {@code pg_waldump} would say about it. */
    @Override
    String toString();

    /** What a member does with the row; the order is that of PostgreSQL's numbers, from 0. */
    enum MemberStatus {
        /** {@code FOR KEY SHARE}. */
        FOR_KEY_SHARE("keysh"),
        /** {@code FOR SHARE}. */
        FOR_SHARE("sh"),
        /** {@code FOR NO KEY UPDATE}. */
        FOR_NO_KEY_UPDATE("fornokeyupd"),
        /** {@code FOR UPDATE}. */
        FOR_UPDATE("forupd"),
        /** An update that leaves the key columns. */
        NO_KEY_UPDATE("nokeyupd"),
        /** Another update, or a delete. */
        UPDATE("upd");

        private static final MemberStatus[] ALL = values();

        private final String label;

        MemberStatus(String label) {
            this.label = label;
        }

        /** PostgreSQL's number, 0 to 5. */
        public int number() {
            return ordinal();
        }

        /** Whether it changed the row, and not only locked it. */
        public boolean isUpdate() {
            return this == NO_KEY_UPDATE || this == UPDATE;
        }

        private static MemberStatus of(int number, Payload data) throws MalformedRecordException {
            if (number < 0 || number >= ALL.length) {
                throw data.malformed("no member has the status " + number);
            }
            return ALL[number];
        }

        /** As {@code pg_waldump} prints it. */
        @Override
        public String toString() {
            return label;
        }
    }

    /** A page of offsets begins, all zeros. */
    record ZeroOffsetsPage(int page) implements MultiXactRecord {
        @Override
        public String toString() {
            return "" + page;
        }
    }

    /** A page of members begins, all zeros. */
    record ZeroMembersPage(int page) implements MultiXactRecord {
        @Override
        public String toString() {
            return "" + page;
        }
    }

    /**
     * A multixact begins.
     *
     * @param multi its id, unsigned
     * @param offset the place of its first member, unsigned; those of the others follow
     * @param xids the members; not to be changed
     * @param statuses what each does; not to be changed
     */
    record Create(int multi, int offset, int[] xids, MemberStatus[] statuses) implements MultiXactRecord {
        @Override
        public String toString() {
            StringBuilder text = new StringBuilder();
            text.append(TransactionId.toString(multi))
                    .append(" offset ")
                    .append(Integer.toUnsignedString(offset))
                    .append(" nmembers ")
                    .append(xids.length)
                    .append(':');
            for (int i = 0; i < xids.length; i++) {
                text.append(' ').append(TransactionId.toString(xids[i]));
                text.append(" (").append(statuses[i]).append(')');
            }
            return text.toString();
        }
    }

    /**
     * Multixacts and members up to here are deleted, by whole segments.
     *
     * @param oldestMultiDb the database with the oldest multixact
     * @param fromMulti the oldest multixact before, unsigned
     * @param toMulti the oldest one from now on, unsigned
     * @param fromMember the place of the oldest member before, unsigned
     * @param toMember the place of the oldest one from now on, unsigned
     */
    record Truncate(int oldestMultiDb, int fromMulti, int toMulti, int fromMember, int toMember)
            implements MultiXactRecord {
        @Override
        public String toString() {
            return "offsets [" + Integer.toUnsignedString(fromMulti) + ", " + Integer.toUnsignedString(toMulti)
                    + "), members [" + Integer.toUnsignedString(fromMember) + ", "
                    + Integer.toUnsignedString(toMember) + ")";
        }
    }

    /**
     * Reads the main data of a record of resource manager MultiXact.
     *
     * @throws MalformedRecordException if it is too short, has an impossible value, or there is no such type
     */
    static MultiXactRecord decode(WalRecord record) throws MalformedRecordException {
        Payload data = record.mainData();
        int size = record.version().slruPageNumberSize();
        return switch (record.opcode()) {
            case 0x00 -> new ZeroOffsetsPage(PayloadText.slruPage(data, size, OFFSET_PAGES));
            case 0x10 -> new ZeroMembersPage(PayloadText.slruPage(data, size, MEMBER_PAGES));
            case 0x20 -> create(data);
            case 0x30 -> new Truncate(data.i32(0), data.i32(4), data.i32(8), data.i32(12), data.i32(16));
            default -> throw data.malformed("there is no record type " + RecordTypes.nameOf(record));
        };
    }

    private static Create create(Payload data) throws MalformedRecordException {
        PayloadReader reader = data.readerAt(8);
        int count = reader.count(8);
        int[] xids = new int[count];
        MemberStatus[] statuses = new MemberStatus[count];
        Arrays.fill(statuses, MemberStatus.FOR_KEY_SHARE);
        for (int i = 0; i < count; i++) {
            xids[i] = reader.i32();
            statuses[i] = MemberStatus.of(reader.i32(), data);
        }
        if (data.i32(0) == 0) {
            throw data.malformed("no multixact has the id 0");
        }
        return new Create(data.i32(0), data.i32(4), xids, statuses);
    }
}
