package dev.palimpsest.postgres.rmgr;

import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.TransactionId;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;
import dev.palimpsest.postgres.wal.PayloadReader;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The records of resource manager SPGist. All is in the main data, little-endian; no block has data. {@code !} marks a
 * block that is made anew if the record says so. Tuples follow each other without gaps: a leaf tuple has its size in
 * bits 2-31 of its first 4 bytes, an inner one in its u16 at 4. {@code state} is u32 xid, u8 whether the index is being
 * built, 3 bytes nothing. An item numbered 0 is none.
 *
 * <pre>
 * 10 ADD_LEAF         u8 new page; u8 nulls; u16 item; u16 head of its chain; u16 item of the parent; u16 node of it;
 *                     leaf tuple; block 0! the leaf; 1 the parent, if its node changes
 * 20 MOVE_LEAFS       u16 n; u8 new page; u8 whether the only tuple there was dead; u8 nulls; 1 byte nothing; u16 item of
 *                     the parent; u16 node of it; 2 bytes nothing; state; n × u16 item to delete; m × u16 item to add, m
 *                     being 1 if the tuple was dead, else n + 1; m × leaf tuple; block 0 the page they leave; 1! the
 *                     page they go to; 2 the parent
 * 30 ADD_NODE         u16 item; u16 its new item, if it moves; u8 new page; i8 block reference of the parent, -1 for none;
 *                     u16 item of the parent; u16 node of it; 2 bytes nothing; state; inner tuple; block 0 the page; 1!
 *                     the page it moves to, if it does; 2 the parent, if on neither
 * 40 SPLIT_TUPLE      u16 item of the prefix; u16 item of the postfix; u8 new page; u8 whether both are on one page;
 *                     inner tuple of the prefix; inner tuple of the postfix; block 0 the prefix's page; 1! the postfix's
 * 50 PICKSPLIT        u8 split of the root; 1 byte nothing; u16 d; u16 i; u8 source is new; u8 destination is new; u16 item
 *                     of the inner tuple; u8 its page is new; u8 nulls; u8 whether its parent is on the same page; 1 byte
 *                     nothing; u16 item of the parent; u16 node of it; 2 bytes nothing; state; d × u16 item to delete;
 *                     i × u16 item to add; i × u8 whether at the destination; inner tuple; i × leaf tuple; block 0! the
 *                     source, unless it is the root; 1! the destination, if any; 2! the inner tuple's page; 3 the
 *                     parent, if elsewhere
 * 60 VACUUM_LEAF      u16 dead; u16 placeholders; u16 moves; u16 chains; state; dead × u16 item; placeholders × u16 item;
 *                     moves × u16 from; moves × u16 to; chains × u16 item; chains × u16 the next in its chain; block 0
 * 70 VACUUM_ROOT      u16 n; 2 bytes nothing; state; n × u16 item; block 0 the root, a leaf
 * 80 VACUUM_REDIRECT  u16 n; u16 the first of the placeholders to be cut off; u32 xid; since 16: u8 catalog, 1 byte
 *                     nothing; n × u16 item; block 0
 * </pre>
 */
public sealed interface SpGistRecord {
    /** Type: a leaf tuple is added to a page. */
    int ADD_LEAF = 0x10;

    /** Type: a chain of leaf tuples moves to another page, and a new one is added to it. */
    int MOVE_LEAFS = 0x20;

    /** Type: an inner tuple gets another node, and moves if there is no room for it. */
    int ADD_NODE = 0x30;

    /** Type: an inner tuple becomes two, one above the other. */
    int SPLIT_TUPLE = 0x40;

    /** Type: a chain of leaf tuples becomes several below a new inner tuple. */
    int PICKSPLIT = 0x50;

    /** Type: vacuum deletes leaf tuples and mends their chains. */
    int VACUUM_LEAF = 0x60;

    /** Type: vacuum deletes leaf tuples of the root. */
    int VACUUM_ROOT = 0x70;

    /** Type: vacuum gives up redirections, and cuts off placeholders at the end of a page. */
    int VACUUM_REDIRECT = 0x80;

    /** Much of what {@code pg_waldump} would say about it. */
    @Override
    String toString();

    /** A leaf tuple was added; the parent's item is 0 if the parent stays as it is. */
    record AddLeaf(boolean newPage, boolean nulls, int item, int head, int parentItem, int node)
            implements SpGistRecord {
        @Override
        public String toString() {
            return "off: " + item + ", headoff: " + head + ", parentoff: " + parentItem + ", nodeI: " + node
                    + flag(newPage, "newpage") + flag(nulls, "nulls");
        }
    }

    /** A chain of {@code moved} leaf tuples moved; {@code xid} and {@code building} are the writer's. */
    record MoveLeafs(
            int moved,
            boolean newPage,
            boolean replacesDead,
            boolean nulls,
            int parentItem,
            int node,
            int xid,
            boolean building)
            implements SpGistRecord {
        @Override
        public String toString() {
            return "nmoves: " + moved + ", parentoff: " + parentItem + ", nodeI: " + node + flag(newPage, "newpage")
                    + flag(replacesDead, "replacedead") + flag(nulls, "nulls") + flag(building, "isbuild");
        }
    }

    /** An inner tuple got a node; {@code parentBlockId} is -1 if it has no parent that changes. */
    record AddNode(
            int item,
            int newItem,
            boolean newPage,
            int parentBlockId,
            int parentItem,
            int node,
            int xid,
            boolean building)
            implements SpGistRecord {
        @Override
        public String toString() {
            return "off: " + item + ", newoff: " + newItem + ", parentblk: " + parentBlockId + ", parentoff: "
                    + parentItem + ", nodeI: " + node + flag(newPage, "newpage") + flag(building, "isbuild");
        }
    }

    /** An inner tuple became two. */
    record SplitTuple(int prefixItem, int postfixItem, boolean newPage, boolean samePage) implements SpGistRecord {
        @Override
        public String toString() {
            return "prefixoff: " + prefixItem + ", postfixoff: " + postfixItem + flag(newPage, "newpage")
                    + flag(samePage, "same");
        }
    }

    /** Leaf tuples went below a new inner tuple, {@code innerItem}. */
    record PickSplit(
            boolean rootSplit,
            int deleted,
            int inserted,
            boolean newSource,
            boolean newDestination,
            int innerItem,
            boolean newInner,
            boolean nulls,
            boolean innerIsParent,
            int parentItem,
            int node,
            int xid,
            boolean building)
            implements SpGistRecord {
        @Override
        public String toString() {
            return "ndelete: " + deleted + ", ninsert: " + inserted + ", inneroff: " + innerItem + ", parentoff: "
                    + parentItem + ", nodeI: " + node + flag(rootSplit, "rootsplit") + flag(newSource, "newsource")
                    + flag(newDestination, "newdest") + flag(newInner, "newinner") + flag(nulls, "nulls")
                    + flag(innerIsParent, "innerIsParent") + flag(building, "isbuild");
        }
    }

    /** Vacuum changed a page of leaf tuples: so many became dead or placeholders, moved, or got another next one. */
    record VacuumLeaf(int dead, int placeholders, int moved, int chained, int xid, boolean building)
            implements SpGistRecord {
        @Override
        public String toString() {
            return "ndead: " + dead + ", nplaceholder: " + placeholders + ", nmove: " + moved + ", nchain: " + chained;
        }
    }

    /** Vacuum deleted leaf tuples of the root. */
    record VacuumRoot(List<Integer> deleted, int xid, boolean building) implements SpGistRecord {
        /** The list is copied. */
        public VacuumRoot {
            deleted = List.copyOf(deleted);
        }

        @Override
        public String toString() {
            return "ndelete: " + deleted.size() + ", deleted: " + deleted;
        }
    }

    /** Redirections became placeholders, and those from {@code firstPlaceholder} on went; catalog is null before 16. */
    record VacuumRedirect(
            List<Integer> redirects,
            int firstPlaceholder,
            int conflictHorizon,
            @Nullable Boolean catalog) implements SpGistRecord {
        /** The list is copied. */
        public VacuumRedirect {
            redirects = List.copyOf(redirects);
        }

        @Override
        public String toString() {
            return "ntoplaceholder: " + redirects.size() + ", firstplaceholder: " + firstPlaceholder
                    + ", snapshotConflictHorizon: " + TransactionId.toString(conflictHorizon)
                    + (catalog == null ? "" : ", isCatalogRel: " + (catalog ? "T" : "F")) + ", redirects: "
                    + redirects;
        }
    }

    /**
     * Reads the main data of a record of resource manager SPGist, up to its tuples.
     *
     * @throws MalformedRecordException if it is too short, or there is no such type
     */
    static SpGistRecord decode(WalRecord record) throws MalformedRecordException {
        Payload data = record.mainData();
        return switch (record.opcode()) {
            case ADD_LEAF -> new AddLeaf(is(data, 0), is(data, 1), data.u16(2), data.u16(4), data.u16(6), data.u16(8));
            case MOVE_LEAFS ->
                new MoveLeafs(
                        data.u16(0),
                        is(data, 2),
                        is(data, 3),
                        is(data, 4),
                        data.u16(6),
                        data.u16(8),
                        data.i32(12),
                        is(data, 16));
            case ADD_NODE ->
                new AddNode(
                        data.u16(0),
                        data.u16(2),
                        is(data, 4),
                        (byte) data.u8(5),
                        data.u16(6),
                        data.u16(8),
                        data.i32(12),
                        is(data, 16));
            case SPLIT_TUPLE -> new SplitTuple(data.u16(0), data.u16(2), is(data, 4), is(data, 5));
            case PICKSPLIT -> pickSplit(data);
            case VACUUM_LEAF ->
                new VacuumLeaf(data.u16(0), data.u16(2), data.u16(4), data.u16(6), data.i32(8), is(data, 12));
            case VACUUM_ROOT -> new VacuumRoot(numbers(data, 12), data.i32(4), is(data, 8));
            case VACUUM_REDIRECT -> vacuumRedirect(record);
            default -> throw data.malformed("there is no record type " + RecordTypes.nameOf(record));
        };
    }

    /** Where the numbers of the redirections begin in the main data of {@link #VACUUM_REDIRECT}. */
    static int redirectsAt(PostgresVersion version) {
        return version.isAtLeast(PostgresVersion.V16) ? 10 : 8;
    }

    private static PickSplit pickSplit(Payload data) throws MalformedRecordException {
        return new PickSplit(
                is(data, 0),
                data.u16(2),
                data.u16(4),
                is(data, 6),
                is(data, 7),
                data.u16(8),
                is(data, 10),
                is(data, 11),
                is(data, 12),
                data.u16(14),
                data.u16(16),
                data.i32(20),
                is(data, 24));
    }

    private static VacuumRedirect vacuumRedirect(WalRecord record) throws MalformedRecordException {
        Payload data = record.mainData();
        boolean since16 = record.version().isAtLeast(PostgresVersion.V16);
        return new VacuumRedirect(
                numbers(data, redirectsAt(record.version())),
                data.u16(2),
                data.i32(4),
                since16 ? Boolean.valueOf(is(data, 8)) : null);
    }

    private static boolean is(Payload data, int offset) throws MalformedRecordException {
        return data.u8(offset) != 0;
    }

    /** As many as the record's first two bytes say. */
    private static List<Integer> numbers(Payload data, int from) throws MalformedRecordException {
        int count = data.u16(0);
        data.check(from, 2 * count);
        List<Integer> numbers = new ArrayList<>(count);
        PayloadReader reader = data.readerAt(from);
        for (int i = 0; i < count; i++) {
            numbers.add(reader.u16());
        }
        return numbers;
    }

    private static String flag(boolean set, String name) {
        return set ? " (" + name + ")" : "";
    }
}
