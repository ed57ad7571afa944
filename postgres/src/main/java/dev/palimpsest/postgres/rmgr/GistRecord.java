package dev.palimpsest.postgres.rmgr;

import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.TransactionId;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The records of resource manager Gist. Main data and data of the blocks by type, little-endian; {@code !} marks a block
 * that is made anew. Tuples follow each other without gaps, each as long as the low 13 bits of its u16 at 6 say.
 *
 * <pre>
 * 00 PAGE_UPDATE  u16 d; u16 i; block 0 the page: d × u16 item to delete, i × tuple to add; 1 the left child whose
 *                 split this finishes, if any
 * 10 DELETE       u32 xid; u16 d; since 16: u8 catalog, 1 byte nothing; d × u16 item to delete; block 0 the leaf
 * 20 PAGE_REUSE   12 bytes relation; u32 block; u64 xid; since 16: u8 catalog; no blocks
 * 30 PAGE_SPLIT   u32 right link of the page that was split; 4 bytes nothing; u64 its NSN; u8 whether it was a leaf; 1 byte
 *                 nothing; u16 n; u8 whether the pages but the last are marked to be followed by the next; block 0 the
 *                 left child whose split this finishes, if any; 1! to n! the pages: u32 how many tuples, the tuples
 * 60 PAGE_DELETE  u64 xid; u16 item of the parent; block 0 the leaf; 1 the parent, where the item is deleted
 * 70 ASSIGN_LSN   u32 anything; no blocks
 * </pre>
 *
 * <p>A record has no data for a block that it has an image of instead, unless the block is made anew. The image of a left
 * child is of the page before its split was finished.
 */
public sealed interface GistRecord {
    /** Type: tuples of a page are deleted and others added, by an insert or by vacuum. */
    int PAGE_UPDATE = 0x00;

    /** Type: dead tuples are deleted to make room. */
    int DELETE = 0x10;

    /** Type: a page that had left the tree is used again; queries on a standby may have to be cancelled. */
    int PAGE_REUSE = 0x20;

    /** Type: a page becomes two or more. */
    int PAGE_SPLIT = 0x30;

    /** Type: an empty leaf leaves the tree. */
    int PAGE_DELETE = 0x60;

    /** Type: nothing happens; the record is there so that the next position in the WAL is another one. */
    int ASSIGN_LSN = 0x70;

    /** Much of what {@code pg_waldump} would say about it, and more where that says nothing. */
    @Override
    String toString();

    /** So many tuples were deleted, and so many added. */
    record PageUpdate(int deletedCount, int insertedCount) implements GistRecord {
        @Override
        public String toString() {
            return "ndeleted: " + deletedCount + ", ninserted: " + insertedCount;
        }
    }

    /** Dead items were deleted; {@code catalog} is null before 16. */
    record Delete(
            int conflictHorizon,
            List<Integer> deleted,
            @Nullable Boolean catalog) implements GistRecord {
        /** The list is copied. */
        public Delete {
            deleted = List.copyOf(deleted);
        }

        @Override
        public String toString() {
            return "snapshotConflictHorizon: " + TransactionId.toString(conflictHorizon) + ", nitems: " + deleted.size()
                    + ", deleted: " + deleted + suffix(catalog);
        }
    }

    /** A deleted page is used again; {@code conflictHorizon} is a 64-bit xid, {@code catalog} is null before 16. */
    record PageReuse(
            RelFileNode relation,
            int block,
            long conflictHorizon,
            @Nullable Boolean catalog) implements GistRecord {
        @Override
        public String toString() {
            return "rel: " + relation + ", blk: " + Integer.toUnsignedString(block) + ", snapshotConflictHorizon: "
                    + fullXid(conflictHorizon) + suffix(catalog);
        }
    }

    /**
     * A page became several.
     *
     * @param rightLink block of the page to its right before, -1 if there was none
     * @param nsn its node sequence number before: an LSN
     * @param leaf whether it was one
     * @param pages how many it became
     * @param followRight whether each of them but the last says that the next one has no parent yet
     */
    record PageSplit(int rightLink, long nsn, boolean leaf, int pages, boolean followRight) implements GistRecord {
        @Override
        public String toString() {
            return "splits to " + pages + " pages, leaf: " + (leaf ? "T" : "F") + ", followright: "
                    + (followRight ? "T" : "F");
        }
    }

    /** A leaf left the tree; {@code deleteXid} is the 64-bit xid from which on nobody can be on the way to it. */
    record PageDelete(long deleteXid, int downlink) implements GistRecord {
        @Override
        public String toString() {
            return "deleteXid: " + fullXid(deleteXid) + ", downlink: " + downlink;
        }
    }

    /** The position in the WAL advanced. */
    record AssignLsn() implements GistRecord {
        @Override
        public String toString() {
            return "";
        }
    }

    /**
     * Reads the main data of a record of resource manager Gist.
     *
     * @throws MalformedRecordException if it is too short, or there is no such type
     */
    static GistRecord decode(WalRecord record) throws MalformedRecordException {
        Payload data = record.mainData();
        return switch (record.opcode()) {
            case PAGE_UPDATE -> new PageUpdate(data.u16(0), data.u16(2));
            case DELETE -> new Delete(data.i32(0), deleted(record), catalog(record, 6));
            case PAGE_REUSE -> new PageReuse(data.relation(0), data.i32(12), data.i64(16), catalog(record, 24));
            case PAGE_SPLIT ->
                new PageSplit(data.i32(0), data.i64(8), data.u8(16) != 0, data.u16(18), data.u8(20) != 0);
            case PAGE_DELETE -> new PageDelete(data.i64(0), data.u16(8));
            case ASSIGN_LSN -> new AssignLsn();
            default -> throw data.malformed("there is no record type " + RecordTypes.nameOf(record));
        };
    }

    /** Where the numbers of the deleted items begin in the main data of {@link #DELETE}. */
    static int deletedItemsAt(PostgresVersion version) {
        return version.isAtLeast(PostgresVersion.V16) ? 8 : 6;
    }

    private static List<Integer> deleted(WalRecord record) throws MalformedRecordException {
        Payload data = record.mainData();
        int count = data.u16(4);
        int from = deletedItemsAt(record.version());
        data.check(from, 2 * count);
        List<Integer> numbers = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            numbers.add(data.u16(from + 2 * i));
        }
        return numbers;
    }

    private static @Nullable Boolean catalog(WalRecord record, int offset) throws MalformedRecordException {
        return record.version().isAtLeast(PostgresVersion.V16)
                ? Boolean.valueOf(record.mainData().u8(offset) != 0)
                : null;
    }

    private static String fullXid(long xid) {
        return (xid >>> 32) + ":" + Integer.toUnsignedString((int) xid);
    }

    private static String suffix(@Nullable Boolean catalog) {
        return catalog == null ? "" : ", isCatalogRel: " + (catalog ? "T" : "F");
    }
}
