package dev.palimpsest.postgres.rmgr;

import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.TransactionId;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;
import dev.palimpsest.postgres.wal.PayloadReader;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * The records of resource manager Heap. Main data by type, little-endian; bit 0x80 of the type says that the page of the
 * new tuple is made anew. A line pointer's number is an offset, u16.
 *
 * <pre>
 * 00 INSERT      u16 offset; u8 flags: 1 all-visible cleared, 2 last of several, 4 speculative, 8 for logical decoding,
 *                0x10 TOAST table, 0x20 all-frozen set
 * 10 DELETE      u32 xmax; u16 offset; u8 infobits; u8 flags: 1 all-visible cleared, 2 old tuple follows, 4 old key
 *                follows, 8 takes back a speculative insert, 0x10 moved to another partition
 * 20 UPDATE      u32 old xmax; u16 old offset; u8 old infobits; u8 flags; u32 new xmax; u16 new offset; then the old
 *                tuple or key for logical decoding. Flags: 1 all-visible cleared on the old tuple's page, 2 on the new
 *                one's, 4 old tuple, 8 old key, 0x10 new tuple for logical decoding, 0x20 prefix and 0x40 suffix taken
 *                from the old tuple
 * 30 TRUNCATE    u32 database; u32 n; u8 flags: 1 cascade, 2 restart sequences; 3 unused; n × u32 relation
 * 40 HOT_UPDATE  as UPDATE
 * 50 CONFIRM     u16 offset
 * 60 LOCK        u32 xmax; u16 offset; u8 infobits; u8 flags: 1 all-frozen cleared
 * 70 INPLACE     u16 offset; since 18: 2 unused; u32 database; u32 tablespace; u8 relcache init file invalidated; 3
 *                unused; i32 n; n × 16 bytes of cache invalidations
 * </pre>
 *
 * <p>Infobits: 1 xmax is a multixact, 2 it only locks, 4 exclusive, 8 key share, 0x10 keys updated.
 */
public sealed interface HeapRecord {
    /** What {@code pg_waldump} would say about it. */
    @Override
    String toString();

    /** A tuple was added. */
    record Insert(int offset, int flags) implements HeapRecord {
        @Override
        public String toString() {
            return "off: " + offset + ", flags: " + hex(flags);
        }
    }

    /** A tuple was deleted. */
    record Delete(int xmax, int offset, int infobits, int flags) implements HeapRecord {
        @Override
        public String toString() {
            return "xmax: " + TransactionId.toString(xmax) + ", off: " + offset + ", infobits: " + bits(infobits)
                    + ", flags: " + hex(flags);
        }
    }

    /**
     * A tuple was replaced by another.
     *
     * @param hot whether no index needs to know
     */
    record Update(boolean hot, int oldXmax, int oldOffset, int oldInfobits, int flags, int newXmax, int newOffset)
            implements HeapRecord {
        @Override
        public String toString() {
            return "old_xmax: " + TransactionId.toString(oldXmax) + ", old_off: " + oldOffset + ", old_infobits: "
                    + bits(oldInfobits) + ", flags: " + hex(flags) + ", new_xmax: " + TransactionId.toString(newXmax)
                    + ", new_off: " + newOffset;
        }
    }

    /** Tables were truncated: for logical decoding, the files are another record's matter. */
    record Truncate(int database, int flags, List<Integer> relations) implements HeapRecord {
        /** Takes a copy of the list. */
        public Truncate {
            relations = List.copyOf(relations);
        }

        @Override
        public String toString() {
            List<String> set = new ArrayList<>();
            if ((flags & 1) != 0) {
                set.add("CASCADE");
            }
            if ((flags & 2) != 0) {
                set.add("RESTART_SEQS");
            }
            StringBuilder text = new StringBuilder("flags: ").append(set).append(", nrelids: ");
            text.append(relations.size()).append(", relids:");
            relations.forEach(relation -> text.append(' ').append(Integer.toUnsignedString(relation)));
            return text.toString();
        }
    }

    /** A speculative insertion is one for good. */
    record Confirm(int offset) implements HeapRecord {
        @Override
        public String toString() {
            return "off: " + offset;
        }
    }

    /** A tuple was locked. */
    record Lock(int xmax, int offset, int infobits, int flags) implements HeapRecord {
        @Override
        public String toString() {
            return lockText(xmax, offset, infobits, flags);
        }
    }

    /**
     * A tuple was overwritten where it is.
     *
     * @param database whose caches are to be invalidated; 0 before 18
     * @param tablespace its tablespace; 0 before 18
     * @param relcacheInvalidated whether the relation cache's file is to be removed; false before 18
     * @param invalidations how many cache invalidations follow; 0 before 18
     */
    record Inplace(int offset, int database, int tablespace, boolean relcacheInvalidated, int invalidations)
            implements HeapRecord {
        @Override
        public String toString() {
            return "off: " + offset + (invalidations == 0 ? "" : ", " + invalidations + " invalidations");
        }
    }

    /**
     * Reads the main data of a record of resource manager Heap.
     *
     * @throws MalformedRecordException if it is too short
     */
    static HeapRecord decode(WalRecord record) throws MalformedRecordException {
        Payload data = record.mainData();
        int type = record.opcode() & 0x70;
        return switch (type) {
            case 0x00 -> new Insert(data.u16(0), data.u8(2));
            case 0x10 -> new Delete(data.i32(0), data.u16(4), data.u8(6), data.u8(7));
            case 0x20, 0x40 ->
                new Update(type == 0x40, data.i32(0), data.u16(4), data.u8(6), data.u8(7), data.i32(8), data.u16(12));
            case 0x30 -> truncate(data);
            case 0x50 -> new Confirm(data.u16(0));
            case 0x60 -> new Lock(data.i32(0), data.u16(4), data.u8(6), data.u8(7));
            default -> inplace(record.version(), data);
        };
    }

    private static Truncate truncate(Payload data) throws MalformedRecordException {
        int count = data.i32(4);
        int flags = data.u8(8);
        if (count < 0 || count > (data.length() - 12) / 4) {
            throw data.malformed(count + " relations in " + data.length() + " bytes");
        }
        PayloadReader reader = data.readerAt(12);
        List<Integer> relations = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            relations.add(reader.i32());
        }
        return new Truncate(data.i32(0), flags, relations);
    }

    private static Inplace inplace(PostgresVersion version, Payload data) throws MalformedRecordException {
        if (!version.isAtLeast(PostgresVersion.V18)) {
            return new Inplace(data.u16(0), 0, 0, false, 0);
        }
        int count = data.i32(16);
        if (count < 0 || count > (data.length() - 20) / 16) {
            throw data.malformed(count + " cache invalidations in " + data.length() + " bytes");
        }
        return new Inplace(data.u16(0), data.i32(4), data.i32(8), data.u8(12) != 0, count);
    }

    /** The text of a lock, which Heap2 has too. */
    static String lockText(int xmax, int offset, int infobits, int flags) {
        return "xmax: " + TransactionId.toString(xmax) + ", off: " + offset + ", infobits: " + bits(infobits)
                + ", flags: " + hex(flags);
    }

    private static String hex(int flags) {
        return String.format(Locale.ROOT, "0x%02X", flags);
    }

    private static String bits(int infobits) {
        String[] names = {"IS_MULTI", "LOCK_ONLY", "EXCL_LOCK", "KEYSHR_LOCK", "KEYS_UPDATED"};
        List<String> set = new ArrayList<>();
        for (int i = 0; i < names.length; i++) {
            if ((infobits >> i & 1) != 0) {
                set.add(names[i]);
            }
        }
        return set.toString();
    }
}
