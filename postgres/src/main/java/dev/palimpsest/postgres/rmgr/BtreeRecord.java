package dev.palimpsest.postgres.rmgr;

import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.TransactionId;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;
import dev.palimpsest.postgres.wal.PayloadReader;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The records of resource manager Btree. Main data and data of the blocks by type, little-endian; {@code !} marks a
 * block that is made anew, tuples are aligned to 8 bytes, and without data of a block it is only changed in its special
 * area:
 *
 * <pre>
 * 00 INSERT_LEAF         u16 item; block 0 the leaf: tuple
 * 10 INSERT_UPPER        u16 item; block 0 the page: tuple; 1 the child that was split
 * 20 INSERT_META         as INSERT_UPPER; block 2! the meta page: {@link Metadata}
 * 30 SPLIT_L, 40 SPLIT_R u32 level; u16 first item on the right; u16 new item; u16 its position in the posting list before
 *                        it, or 0; block 0 the left: new tuple if on the left (SPLIT_L) or position is not 0, high key;
 *                        1! the right: its tuples, the last one first; 2 the page to the right of it, if any; 3 the
 *                        child that was split, unless level is 0
 * 50 INSERT_POST         u16 item; block 0 the leaf: u16 position in the posting list before it, tuple
 * 60 DEDUP               u16 n; block 0 the leaf: n × u16 first item, u16 how many items become one
 * 70 DELETE              u32 xid; u16 d; u16 u; since 16: u8 catalog; block 0 the leaf: as VACUUM
 * 80 UNLINK_PAGE         u32 left sibling; u32 right sibling; u32 level; 4 bytes nothing; u64 xid; u32 left sibling, u32
 *                        right sibling, u32 top parent, all of the leaf; block 0! the page; 1 its left sibling, if any; 2
 *                        its right sibling; 3! the leaf, if the page is not the leaf
 * 90 UNLINK_PAGE_META    as UNLINK_PAGE; block 4! the meta page: {@link Metadata}
 * A0 NEWROOT             u32 root; u32 level; block 0! the root: its tuples, the last one first, unless level is 0; 1 the
 *                        left child, unless level is 0; 2! the meta page: {@link Metadata}
 * B0 MARK_PAGE_HALFDEAD  u16 item; 2 bytes nothing; u32 leaf; u32 left sibling; u32 right sibling; u32 top parent; block
 *                        0! the leaf; 1 the parent, where the item takes the child of the next one, which goes
 * C0 VACUUM              u16 d; u16 u; block 0 the leaf: d × u16 item to delete; u × u16 item to change; for each of
 *                        these: u16 n, n × u16 position in its posting list, from 0, to delete
 * D0 REUSE_PAGE          12 bytes relation; u32 block; u64 xid; since 16: u8 catalog; no blocks
 * E0 META_CLEANUP        nothing; block 0! the meta page: {@link Metadata}
 * </pre>
 *
 * <p>A record has no data for a block that it has an image of instead, unless the block is made anew.
 */
public sealed interface BtreeRecord {
    /** Type: a tuple is added to a leaf. */
    int INSERT_LEAF = 0x00;

    /** Type: a tuple is added to an inner page. */
    int INSERT_UPPER = 0x10;

    /** Type: a tuple is added to an inner page, and the fast root changes. */
    int INSERT_META = 0x20;

    /** Type: a page is split, and the new tuple is on the left. */
    int SPLIT_L = 0x30;

    /** Type: a page is split, and the new tuple is on the right. */
    int SPLIT_R = 0x40;

    /** Type: a tuple is added that belongs into a posting list. */
    int INSERT_POST = 0x50;

    /** Type: tuples with the same key become one with a posting list. */
    int DEDUP = 0x60;

    /** Type: dead tuples are deleted to make room. */
    int DELETE = 0x70;

    /** Type: a page leaves the tree. */
    int UNLINK_PAGE = 0x80;

    /** Type: a page leaves the tree, and the fast root changes. */
    int UNLINK_PAGE_META = 0x90;

    /** Type: the tree has a new root. */
    int NEWROOT = 0xA0;

    /** Type: an empty leaf loses its parent. */
    int MARK_PAGE_HALFDEAD = 0xB0;

    /** Type: vacuum deletes tuples. */
    int VACUUM = 0xC0;

    /** Type: a page that had left the tree is used again; queries on a standby may have to be cancelled. */
    int REUSE_PAGE = 0xD0;

    /** Type: vacuum notes in the meta page what it did. */
    int META_CLEANUP = 0xE0;

    /** What {@code pg_waldump} would say about it. */
    @Override
    String toString();

    /** A tuple was added as item {@code item}; the metadata only if the meta page was changed too. */
    record Insert(int item, @Nullable Metadata metadata) implements BtreeRecord {
        @Override
        public String toString() {
            return "off: " + item + suffix(metadata);
        }
    }

    /** A tuple was added as item {@code item}, and swapped a heap tuple with the posting list before it. */
    record InsertPosting(int item) implements BtreeRecord {
        @Override
        public String toString() {
            return "off: " + item;
        }
    }

    /**
     * A page was split.
     *
     * @param level of both halves, 0 for leaves
     * @param firstRight number of the first item that went to the right
     * @param newItem number of the new item, before the split
     * @param postingPosition where in the posting list of the item before it the new one belongs; 0 if in none
     */
    record Split(int level, int firstRight, int newItem, int postingPosition) implements BtreeRecord {
        @Override
        public String toString() {
            return "level: " + Integer.toUnsignedString(level) + ", firstrightoff: " + firstRight + ", newitemoff: "
                    + newItem + ", postingoff: " + postingPosition;
        }
    }

    /** Items of a leaf were merged, {@code intervals} times. */
    record Deduplicate(int intervals) implements BtreeRecord {
        @Override
        public String toString() {
            return "nintervals: " + intervals;
        }
    }

    /** From the posting list of item {@code item}, these positions (from 0) were deleted. */
    record PostingUpdate(int item, List<Integer> deleted) {
        /** @param deleted is copied */
        public PostingUpdate {
            deleted = List.copyOf(deleted);
        }

        @Override
        public String toString() {
            return "{ off: " + item + ", nptids: " + deleted.size() + ", ptids: " + deleted + " }";
        }
    }

    /**
     * What was deleted from a leaf.
     *
     * @param deletedCount how many items
     * @param updatedCount from how many items' posting lists
     * @param deleted the items' numbers; empty if the record has an image of the leaf instead
     * @param updated the changes to posting lists; empty if the record has an image of the leaf instead
     */
    record Deletions(int deletedCount, int updatedCount, List<Integer> deleted, List<PostingUpdate> updated) {
        /** The lists are copied. */
        public Deletions {
            deleted = List.copyOf(deleted);
            updated = List.copyOf(updated);
        }

        @Override
        public String toString() {
            return "ndeleted: " + deletedCount + ", nupdated: " + updatedCount
                    + (deleted.isEmpty() ? "" : ", deleted: " + deleted)
                    + (updated.isEmpty() ? "" : ", updated: " + updated);
        }
    }

    /** Dead items were deleted; {@code catalog} is null before 16. */
    record Delete(
            int conflictHorizon,
            Deletions deletions,
            @Nullable Boolean catalog) implements BtreeRecord {
        @Override
        public String toString() {
            return "snapshotConflictHorizon: " + TransactionId.toString(conflictHorizon) + ", " + deletions
                    + suffix(catalog);
        }
    }

    /** Vacuum deleted items. */
    record Vacuum(Deletions deletions) implements BtreeRecord {
        @Override
        public String toString() {
            return deletions.toString();
        }
    }

    /** An empty leaf lost its parent, where it was item {@code parentItem}; all others are block numbers. */
    record MarkHalfDead(int parentItem, int leaf, int left, int right, int topParent) implements BtreeRecord {
        @Override
        public String toString() {
            return "topparent: " + Integer.toUnsignedString(topParent) + ", leaf: " + Integer.toUnsignedString(leaf)
                    + ", left: " + Integer.toUnsignedString(left) + ", right: " + Integer.toUnsignedString(right);
        }
    }

    /**
     * A page left the tree. Block numbers are 0 for none.
     *
     * @param left the page's left sibling
     * @param right its right sibling
     * @param level its level
     * @param safeXid 64-bit xid from which on nobody can be on the way to it any more
     * @param leafLeft the left sibling of the leaf for which it was deleted
     * @param leafRight the leaf's right sibling
     * @param leafTopParent the next page to be deleted for it
     * @param metadata only if the meta page was changed too
     */
    record Unlink(
            int left,
            int right,
            int level,
            long safeXid,
            int leafLeft,
            int leafRight,
            int leafTopParent,
            @Nullable Metadata metadata)
            implements BtreeRecord {
        @Override
        public String toString() {
            return "left: " + Integer.toUnsignedString(left) + ", right: " + Integer.toUnsignedString(right)
                    + ", level: " + Integer.toUnsignedString(level) + ", safexid: " + fullXid(safeXid) + ", leafleft: "
                    + Integer.toUnsignedString(leafLeft) + ", leafright: " + Integer.toUnsignedString(leafRight)
                    + ", leaftopparent: " + Integer.toUnsignedString(leafTopParent) + suffix(metadata);
        }
    }

    /** Block {@code root} is the root now. */
    record NewRoot(int root, int level, Metadata metadata) implements BtreeRecord {
        @Override
        public String toString() {
            return "root: " + Integer.toUnsignedString(root) + ", level: " + Integer.toUnsignedString(level)
                    + suffix(metadata);
        }
    }

    /** A deleted page is used again; {@code conflictHorizon} is a 64-bit xid, {@code catalog} is null before 16. */
    record ReusePage(
            RelFileNode relation,
            int block,
            long conflictHorizon,
            @Nullable Boolean catalog) implements BtreeRecord {
        @Override
        public String toString() {
            return "rel: " + relation + ", blk: " + Integer.toUnsignedString(block) + ", snapshotConflictHorizon: "
                    + fullXid(conflictHorizon) + suffix(catalog);
        }
    }

    /** Vacuum wrote the meta page. */
    record MetaCleanup(Metadata metadata) implements BtreeRecord {
        @Override
        public String toString() {
            return "last_cleanup_num_delpages: " + Integer.toUnsignedString(metadata.deletedPages());
        }
    }

    /**
     * What the meta page says, as unsigned integers; 28 bytes: u32 each, then u8 {@code equalImage}, 3 bytes anything.
     *
     * @param version of the index's format
     * @param root the root's block, 0 if there is none
     * @param level the root's level
     * @param fastRoot the block of the lowest page that is alone on its level
     * @param fastLevel its level
     * @param deletedPages that the last vacuum left to be used again
     * @param equalImage whether equal keys have the same bytes, so that they can be merged
     */
    record Metadata(
            int version, int root, int level, int fastRoot, int fastLevel, int deletedPages, boolean equalImage) {
        private static Metadata decode(WalRecord record, int blockId) throws MalformedRecordException {
            Payload data = block(record, blockId);
            return new Metadata(
                    data.i32(0), data.i32(4), data.i32(8), data.i32(12), data.i32(16), data.i32(20), data.u8(24) != 0);
        }

        @Override
        public String toString() {
            return "root " + Integer.toUnsignedString(root) + " level " + Integer.toUnsignedString(level)
                    + " fastroot " + Integer.toUnsignedString(fastRoot) + " fastlevel "
                    + Integer.toUnsignedString(fastLevel);
        }
    }

    /**
     * Reads the data of a record of resource manager Btree.
     *
     * @throws MalformedRecordException if it is too short, lacks a block it needs, or there is no such type
     */
    static BtreeRecord decode(WalRecord record) throws MalformedRecordException {
        Payload data = record.mainData();
        int opcode = record.opcode();
        return switch (opcode) {
            case INSERT_LEAF, INSERT_UPPER -> new Insert(data.u16(0), null);
            case INSERT_META -> new Insert(data.u16(0), Metadata.decode(record, 2));
            case SPLIT_L, SPLIT_R -> new Split(data.i32(0), data.u16(4), data.u16(6), data.u16(8));
            case INSERT_POST -> new InsertPosting(data.u16(0));
            case DEDUP -> new Deduplicate(data.u16(0));
            case DELETE -> new Delete(data.i32(0), deletions(record, 4), catalog(record, 8));
            case UNLINK_PAGE, UNLINK_PAGE_META ->
                new Unlink(
                        data.i32(0),
                        data.i32(4),
                        data.i32(8),
                        data.i64(16),
                        data.i32(24),
                        data.i32(28),
                        data.i32(32),
                        opcode == UNLINK_PAGE_META ? Metadata.decode(record, 4) : null);
            case NEWROOT -> new NewRoot(data.i32(0), data.i32(4), Metadata.decode(record, 2));
            case MARK_PAGE_HALFDEAD ->
                new MarkHalfDead(data.u16(0), data.i32(4), data.i32(8), data.i32(12), data.i32(16));
            case VACUUM -> new Vacuum(deletions(record, 0));
            case REUSE_PAGE -> new ReusePage(data.relation(0), data.i32(12), data.i64(16), catalog(record, 24));
            case META_CLEANUP -> new MetaCleanup(Metadata.decode(record, 0));
            default -> throw data.malformed("there is no record type " + RecordTypes.nameOf(record));
        };
    }

    private static Payload block(WalRecord record, int blockId) throws MalformedRecordException {
        if (!record.hasBlock(blockId)) {
            throw record.mainData().malformed("a record of this type needs block reference " + blockId);
        }
        return record.data(blockId);
    }

    private static @Nullable Boolean catalog(WalRecord record, int offset) throws MalformedRecordException {
        return record.version().isAtLeast(PostgresVersion.V16)
                ? Boolean.valueOf(record.mainData().u8(offset) != 0)
                : null;
    }

    private static Deletions deletions(WalRecord record, int offset) throws MalformedRecordException {
        int deletedCount = record.mainData().u16(offset);
        int updatedCount = record.mainData().u16(offset + 2);
        Payload data = block(record, 0);
        if (data.length() == 0 && record.hasAppliedImage(0)) {
            return new Deletions(deletedCount, updatedCount, List.of(), List.of());
        }
        PayloadReader reader = data.readerAt(0);
        List<Integer> deleted = numbers(reader, deletedCount);
        List<PostingUpdate> updated = new ArrayList<>();
        for (int item : numbers(reader, updatedCount)) {
            updated.add(new PostingUpdate(item, numbers(reader, reader.u16())));
        }
        return new Deletions(deletedCount, updatedCount, deleted, updated);
    }

    private static List<Integer> numbers(PayloadReader reader, int count) throws MalformedRecordException {
        List<Integer> numbers = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            numbers.add(reader.u16());
        }
        return numbers;
    }

    private static String fullXid(long xid) {
        return (xid >>> 32) + ":" + Integer.toUnsignedString((int) xid);
    }

    private static String suffix(@Nullable Metadata metadata) {
        return metadata == null ? "" : "; meta: " + metadata;
    }

    private static String suffix(@Nullable Boolean catalog) {
        return catalog == null ? "" : ", isCatalogRel: " + (catalog ? "T" : "F");
    }
}
