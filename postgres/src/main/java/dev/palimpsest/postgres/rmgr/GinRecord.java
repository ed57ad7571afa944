package dev.palimpsest.postgres.rmgr;

import dev.palimpsest.postgres.TransactionId;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;
import dev.palimpsest.postgres.wal.PayloadReader;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The records of resource manager Gin, the same in all versions. Main data and data of the blocks by type,
 * little-endian; {@code !} marks a block that is made anew, {@code =} one that always comes as an image to be applied.
 * A {@code tid} is u16 high and u16 low half of a block number and u16 offset, a {@code bid} only the halves; tuples
 * have the size that they say, without alignment, one right after the other.
 *
 * <pre>
 * 10 CREATE_PTREE           u32 size; size bytes of segments; block 0! the posting tree's root
 * 20 INSERT                 u16 flags: 1 posting tree, 2 leaf; if not leaf: bid left child, bid right child; block 0 the
 *                           page: in the entry tree: u16 item, u8 1 if it is replaced, 1 byte anything, tuple; on a
 *                           leaf of a posting tree: recompression; above that: u16 item, bid child, tid; 1 the left
 *                           child, if not leaf
 * 30 SPLIT                  12 bytes relation; u32 right sibling; u32 left child; u32 right child; u16 flags, as above,
 *                           and 4 root; 2 bytes anything; block 0= the left page; 1= the right one; 2= the root, if
 *                           flagged; 3 the left child, if not leaf
 * 40 VACUUM_PAGE            nothing; block 0= a page of the entry tree
 * 50 DELETE_PAGE            u16 item in the parent; 2 bytes anything; u32 right sibling; u32 xid; block 0 the page; 1 its
 *                           parent; 2 its left sibling
 * 60 UPDATE_META_PAGE       12 bytes relation; 4 anything; {@link Metadata}; u32 tail until now, or none; u32 its right
 *                           sibling from now on; i32 n; 4 bytes anything; block 0! the meta page; 1 if n > 0 the tail of
 *                           the pending list: n tuples; if n is 0 the tail until now, if any
 * 70 INSERT_LISTPAGE        u32 right sibling; i32 n; block 0! the page of the pending list: n tuples
 * 80 DELETE_LISTPAGE        {@link Metadata}; i32 n; 4 bytes anything; block 0! the meta page; 1! to n! the pages
 * 90 VACUUM_DATA_LEAF_PAGE  nothing; block 0 a leaf of a posting tree: recompression
 * </pre>
 *
 * <p>A segment is a compressed list of tids: the first one as it is, u16 n, then n bytes and one more if n is odd. The
 * bytes are the distance of each further tid from the one before it, taken as block number × 2048 + offset, the lowest
 * 7 bits first, with bit 7 set where more bits follow.
 *
 * <p>A recompression is u16 n and n actions: u8 number of a segment on the page, from 0 and as it was before the record,
 * in ascending order; u8 what to do; what it needs:
 *
 * <pre>
 * 1  the segment goes
 * 2  a segment is put before it: the segment
 * 3  it is replaced: the segment
 * 4  items are added to it: u16 n, n tids
 * </pre>
 *
 * <p>A record has no data for a block that it has an image of instead.
 */
public sealed interface GinRecord {
    /** Type: a posting tree comes into being. */
    int CREATE_PTREE = 0x10;

    /** Type: something is added to a page of the entry tree or of a posting tree. */
    int INSERT = 0x20;

    /** Type: a page is split. */
    int SPLIT = 0x30;

    /** Type: vacuum deletes from a page of the entry tree. */
    int VACUUM_PAGE = 0x40;

    /** Type: a page leaves a posting tree. */
    int DELETE_PAGE = 0x50;

    /** Type: the meta page changes, with the tail of the pending list. */
    int UPDATE_META_PAGE = 0x60;

    /** Type: a page of a pending list is written. */
    int INSERT_LISTPAGE = 0x70;

    /** Type: pages leave the pending list. */
    int DELETE_LISTPAGE = 0x80;

    /** Type: vacuum deletes from a leaf of a posting tree. */
    int VACUUM_DATA_LEAF_PAGE = 0x90;

    /** In the flags of an insert or a split: the page belongs to a posting tree, not to the entry tree. */
    int IS_DATA = 0x01;

    /** In the flags of an insert or a split: the page is a leaf. */
    int IS_LEAF = 0x02;

    /** In the flags of a split: the root is split. */
    int IS_ROOT = 0x04;

    /** Bytes of {@link Metadata}. */
    int METADATA_SIZE = 56;

    /** Action on a segment: it goes. */
    int DELETE_SEGMENT = 1;

    /** Action on a segment: another one is put before it. */
    int INSERT_SEGMENT = 2;

    /** Action on a segment: another one takes its place. */
    int REPLACE_SEGMENT = 3;

    /** Action on a segment: item pointers are added to it. */
    int ADD_ITEMS = 4;

    /** What {@code pg_waldump} would say about it, and more. */
    @Override
    String toString();

    /** A posting tree was made of {@code size} bytes of segments. */
    record CreatePostingTree(int size) implements GinRecord {
        @Override
        public String toString() {
            return "size: " + size;
        }
    }

    /**
     * Something was added to a page.
     *
     * @param children the halves of the split that this finishes; null on a leaf
     * @param change null if the record has an image of the page instead
     */
    record Insert(
            boolean data,
            boolean leaf,
            @Nullable Children children,
            @Nullable Change change) implements GinRecord {
        @Override
        public String toString() {
            return "isdata: " + letter(data) + " isleaf: " + letter(leaf)
                    + (children == null
                            ? ""
                            : " children: " + Integer.toUnsignedString(children.left()) + "/"
                                    + Integer.toUnsignedString(children.right()))
                    + " " + suffix(change);
        }
    }

    /** The blocks of both halves of a split. */
    record Children(int left, int right) {}

    /** What was added to a page. */
    sealed interface Change {}

    /** A tuple of {@code size} bytes as item {@code item} of a page of the entry tree. */
    record EntryTuple(int item, boolean replaces, int size) implements Change {
        @Override
        public String toString() {
            return "isdelete: " + letter(replaces) + " off: " + item + " size: " + size;
        }
    }

    /** Item {@code item} on an inner page of a posting tree: the child, and the tid up to which it reaches. */
    record PostingItem(int item, int child, int block, int offset) implements Change {
        @Override
        public String toString() {
            return "pitem: " + Integer.toUnsignedString(child) + "-" + Integer.toUnsignedString(block) + "/" + offset
                    + " off: " + item;
        }
    }

    /** What was done to the segments of a leaf of a posting tree. */
    record Recompression(List<SegmentAction> actions) implements Change {
        /** @param actions is copied */
        public Recompression {
            actions = List.copyOf(actions);
        }

        @Override
        public String toString() {
            return actions.size() + " segments: "
                    + actions.stream().map(SegmentAction::toString).collect(Collectors.joining(" "));
        }
    }

    /**
     * What was done to one segment.
     *
     * @param segment its number on the page, from 0
     * @param action {@link #DELETE_SEGMENT}, {@link #INSERT_SEGMENT}, {@link #REPLACE_SEGMENT} or {@link #ADD_ITEMS}
     * @param size the items that were added, else the bytes of the new segment; 0 if there is none
     */
    record SegmentAction(int segment, int action, int size) {
        @Override
        public String toString() {
            return segment
                    + switch (action) {
                        case DELETE_SEGMENT -> " (delete)";
                        case INSERT_SEGMENT -> " (insert " + size + " bytes)";
                        case REPLACE_SEGMENT -> " (replace " + size + " bytes)";
                        default -> " (add " + size + " items)";
                    };
        }
    }

    /**
     * A page was split.
     *
     * @param right the sibling to the right of both halves, or the root if that was split
     * @param children the halves of the split below that this finishes; null on a leaf
     */
    record Split(
            boolean data,
            boolean leaf,
            boolean root,
            int right,
            @Nullable Children children) implements GinRecord {
        @Override
        public String toString() {
            return "isrootsplit: " + letter(root) + " isdata: " + letter(data) + " isleaf: " + letter(leaf);
        }
    }

    /** Vacuum deleted from a page of the entry tree. */
    record VacuumPage() implements GinRecord {
        @Override
        public String toString() {
            return "";
        }
    }

    /** A page left a posting tree, where it was item {@code parentItem} of its parent; scans until xid may see it. */
    record DeletePage(int parentItem, int right, int xid) implements GinRecord {
        @Override
        public String toString() {
            return "parentoff: " + parentItem + ", right: " + Integer.toUnsignedString(right) + ", deletexid: "
                    + TransactionId.toString(xid);
        }
    }

    /**
     * The meta page changed.
     *
     * @param previousTail block of the pending list's tail that got a right sibling, 0xFFFFFFFF if none
     * @param newRight that sibling
     * @param tuples how many were added to the tail that the metadata names
     */
    record UpdateMeta(Metadata metadata, int previousTail, int newRight, int tuples) implements GinRecord {
        @Override
        public String toString() {
            return "ntuples: " + tuples + "; " + metadata;
        }
    }

    /** A page of a pending list was written, with {@code tuples} tuples; {@code right} is 0xFFFFFFFF on the last one. */
    record InsertListPage(int right, int tuples) implements GinRecord {
        @Override
        public String toString() {
            return "ntuples: " + tuples;
        }
    }

    /** The first {@code deleted} pages left the pending list. */
    record DeleteListPages(Metadata metadata, int deleted) implements GinRecord {
        @Override
        public String toString() {
            return "ndeleted: " + deleted + "; " + metadata;
        }
    }

    /** Vacuum deleted from a leaf of a posting tree; null if the record has an image of the page instead. */
    record VacuumDataLeaf(@Nullable Recompression recompression) implements GinRecord {
        @Override
        public String toString() {
            return suffix(recompression);
        }
    }

    /**
     * What the meta page says; 56 bytes: u32 each, but for i64 {@code pendingTuples} at 16, i64 {@code entries} at 40
     * and i32 {@code version} at 48. Block numbers are 0xFFFFFFFF for none.
     *
     * @param head block of the pending list's first page
     * @param tail block of its last page
     * @param tailFree bytes that are free on the last page
     * @param pendingPages pages of the pending list
     * @param pendingTuples heap tuples in it
     * @param pages of the index, when it was vacuumed last, as are the others
     * @param entryPages of the entry tree
     * @param dataPages of posting trees
     * @param entries in the entry tree
     * @param version of the index's format, 2 since 9.4
     */
    record Metadata(
            int head,
            int tail,
            int tailFree,
            int pendingPages,
            long pendingTuples,
            int pages,
            int entryPages,
            int dataPages,
            long entries,
            int version) {
        private static Metadata decode(Payload data, int at) throws MalformedRecordException {
            data.check(at, METADATA_SIZE);
            return new Metadata(
                    data.i32(at),
                    data.i32(at + 4),
                    data.i32(at + 8),
                    data.i32(at + 12),
                    data.i64(at + 16),
                    data.i32(at + 24),
                    data.i32(at + 28),
                    data.i32(at + 32),
                    data.i64(at + 40),
                    data.i32(at + 48));
        }

        @Override
        public String toString() {
            return "meta: pending head " + block(head) + " tail " + block(tail) + " pages "
                    + Integer.toUnsignedString(pendingPages) + " tuples " + pendingTuples;
        }

        private static String block(int number) {
            return number == -1 ? "none" : Integer.toUnsignedString(number);
        }
    }

    /**
     * Reads the data of a record of resource manager Gin.
     *
     * @throws MalformedRecordException if it is too short, lacks a block it needs, or there is no such type or action
     */
    static GinRecord decode(WalRecord record) throws MalformedRecordException {
        Payload data = record.mainData();
        return switch (record.opcode()) {
            case CREATE_PTREE -> {
                int size = data.i32(0);
                data.check(4, size);
                yield new CreatePostingTree(size);
            }
            case INSERT -> insert(record, data);
            case SPLIT -> split(data);
            case VACUUM_PAGE -> new VacuumPage();
            case DELETE_PAGE -> new DeletePage(data.u16(0), data.i32(4), data.i32(8));
            case UPDATE_META_PAGE ->
                new UpdateMeta(Metadata.decode(data, 16), data.i32(72), data.i32(76), data.i32(80));
            case INSERT_LISTPAGE -> new InsertListPage(data.i32(0), data.i32(4));
            case DELETE_LISTPAGE -> new DeleteListPages(Metadata.decode(data, 0), data.i32(56));
            case VACUUM_DATA_LEAF_PAGE -> {
                Payload actions = target(record);
                yield new VacuumDataLeaf(actions == null ? null : recompression(actions));
            }
            default -> throw data.malformed("there is no record type " + RecordTypes.nameOf(record));
        };
    }

    private static Insert insert(WalRecord record, Payload main) throws MalformedRecordException {
        int flags = main.u16(0);
        boolean data = (flags & IS_DATA) != 0;
        boolean leaf = (flags & IS_LEAF) != 0;
        Children children = leaf ? null : new Children(blockId(main, 2), blockId(main, 6));
        Payload change = target(record);
        if (change == null) {
            return new Insert(data, leaf, children, null);
        }
        return new Insert(data, leaf, children, data ? leaf ? recompression(change) : item(change) : entry(change));
    }

    private static EntryTuple entry(Payload change) throws MalformedRecordException {
        return new EntryTuple(change.u16(0), change.u8(2) != 0, change.u16(10) & 0x1FFF);
    }

    private static PostingItem item(Payload change) throws MalformedRecordException {
        return new PostingItem(change.u16(0), blockId(change, 2), blockId(change, 6), change.u16(10));
    }

    private static Split split(Payload main) throws MalformedRecordException {
        int flags = main.u16(24);
        boolean leaf = (flags & IS_LEAF) != 0;
        return new Split(
                (flags & IS_DATA) != 0,
                leaf,
                (flags & IS_ROOT) != 0,
                main.i32(12),
                leaf ? null : new Children(main.i32(16), main.i32(20)));
    }

    /** The data of block 0, null if there is an image in its place. */
    private static @Nullable Payload target(WalRecord record) throws MalformedRecordException {
        if (!record.hasBlock(0)) {
            throw record.mainData().malformed("a record of this type needs block reference 0");
        }
        return record.data(0).length() == 0 && record.hasAppliedImage(0) ? null : record.data(0);
    }

    private static Recompression recompression(Payload change) throws MalformedRecordException {
        PayloadReader reader = change.readerAt(0);
        int count = reader.u16();
        List<SegmentAction> actions = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int segment = reader.u8();
            int action = reader.u8();
            int size = 0;
            switch (action) {
                case DELETE_SEGMENT -> {}
                case INSERT_SEGMENT, REPLACE_SEGMENT -> {
                    size = segmentSize(change, reader.position());
                    reader.take(size);
                }
                case ADD_ITEMS -> {
                    size = reader.u16();
                    reader.take(6 * size);
                }
                default -> throw change.malformed("there is no action " + action + " on a segment");
            }
            actions.add(new SegmentAction(segment, action, size));
        }
        reader.expectEnd();
        return new Recompression(actions);
    }

    /**
     * The bytes of the segment at {@code at}, its header and the byte that makes them even included.
     *
     * @throws MalformedRecordException if its header is not there
     */
    static int segmentSize(Payload data, int at) throws MalformedRecordException {
        return 8 + (data.u16(at + 6) + 1 & ~1);
    }

    /**
     * The block number at {@code at} that is stored as two halves, the high one first.
     *
     * @throws MalformedRecordException if it is not there
     */
    static int blockId(Payload data, int at) throws MalformedRecordException {
        return data.u16(at) << 16 | data.u16(at + 2);
    }

    private static char letter(boolean value) {
        return value ? 'T' : 'F';
    }

    private static String suffix(@Nullable Change change) {
        return change == null ? "(full page image)" : change.toString();
    }
}
