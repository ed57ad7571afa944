package dev.palimpsest.postgres.rmgr;

import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.TransactionId;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The records of resource manager Hash. Main data and data of the blocks by type, little-endian; {@code !} marks a block
 * that is made anew, {@code (lock)} one that stays as it is and only has to be locked, flags are those of a page of the
 * index, numbers u8 that are not 0 mean yes. Tuples of a block are aligned to 8 bytes among themselves.
 *
 * <pre>
 * 00 INIT_META_PAGE      f64 tuples; u32 function; u16 fill factor; block 0! the meta page
 * 10 INIT_BITMAP_PAGE    u16 bytes of the bitmap; block 0! the bitmap page; 1 the meta page
 * 20 INSERT              u16 item; block 0 the page: tuple; 1 the meta page
 * 30 ADD_OVFL_PAGE       u16 bytes of the bitmap; u8 whether a free page was found in it; block 0! the overflow page: u32
 *                        bucket; 1 the page before it; 2 the bitmap page, if one was found: u32 bit; 3! the new bitmap
 *                        page, if any; 4 the meta page: u32 first bit that may be free
 * 40 SPLIT_ALLOCATE_PAGE u32 new bucket; u16 flags of the old; u16 flags of the new; u8: 1 masks change, 2 split point
 *                        changes; block 0 the old bucket; 1! the new bucket; 2 the meta page: u32 low mask, u32 high mask
 *                        if these change; u32 split point, u32 pages up to it if these change
 * 50 SPLIT_PAGE          nothing; block 0 a page of the new bucket, as an image
 * 60 SPLIT_COMPLETE      u16 flags of the old; u16 flags of the new; block 0 the old bucket; 1 the new bucket
 * 70 MOVE_PAGE_CONTENTS  u16 n; u8 whether block 1 is the bucket page; block 0 (lock) the bucket page, if not; 1 the page
 *                        that gets the tuples: n × u16 item, n tuples; 2 the page that loses them: u16 item each
 * 80 SQUEEZE_PAGE        u32 page before the freed one; u32 page after it; u16 n; u8 whether block 1 is the bucket page;
 *                        u8 whether it is the page before; block 0 (lock) the bucket page, if not block 1; 1 the page
 *                        that gets the tuples, since 17 only if it changes or is the bucket page: n × u16 item, n tuples; 2 the
 *                        freed page; 3 the page before it, if not block 1; 4 the page after it, if any; 5 the bitmap page:
 *                        u32 bit; 6 the meta page, if the bit is the first free one now: u32 bit
 * 90 DELETE              u8 whether no dead item is left; u8 whether block 1 is the bucket page; block 0 (lock) the bucket
 *                        page, if not; 1 the page: u16 item each
 * A0 SPLIT_CLEANUP       nothing; block 0 the old bucket
 * B0 UPDATE_META_PAGE    f64 tuples; block 0 the meta page
 * C0 VACUUM_ONE_PAGE     u32 xid; 14, 15: u32 n; since 16: u16 n, u8 catalog, 1 byte anything; n × u16 item; block 0 the
 *                        page; 1 the meta page
 * </pre>
 */
public sealed interface HashRecord {
    /** Type: an index gets its meta page. */
    int INIT_META_PAGE = 0x00;

    /** Type: an index gets its first bitmap page. */
    int INIT_BITMAP_PAGE = 0x10;

    /** Type: a tuple is added. */
    int INSERT = 0x20;

    /** Type: a bucket gets one more page. */
    int ADD_OVFL_PAGE = 0x30;

    /** Type: a bucket begins to be split. */
    int SPLIT_ALLOCATE_PAGE = 0x40;

    /** Type: a page of the new bucket is full, or the last one. */
    int SPLIT_PAGE = 0x50;

    /** Type: all tuples of the new bucket are in it. */
    int SPLIT_COMPLETE = 0x60;

    /** Type: tuples move to an earlier page of their bucket. */
    int MOVE_PAGE_CONTENTS = 0x70;

    /** Type: tuples move to an earlier page of their bucket, and their page becomes free. */
    int SQUEEZE_PAGE = 0x80;

    /** Type: vacuum or the cleanup after a split deletes tuples. */
    int DELETE = 0x90;

    /** Type: the old bucket of a split is rid of the tuples of the new one. */
    int SPLIT_CLEANUP = 0xA0;

    /** Type: vacuum counted the tuples. */
    int UPDATE_META_PAGE = 0xB0;

    /** Type: dead tuples are deleted to make room. */
    int VACUUM_ONE_PAGE = 0xC0;

    /** In the flags of SPLIT_ALLOCATE_PAGE: the masks change. */
    int MASKS_CHANGE = 0x01;

    /** In the flags of SPLIT_ALLOCATE_PAGE: the split point changes. */
    int SPLIT_POINT_CHANGES = 0x02;

    /** What {@code pg_waldump} would say about it; empty if nothing. */
    @Override
    String toString();

    /** An index was made for {@code tuples} tuples, {@code fillFactor} to a bucket. */
    record InitMetaPage(double tuples, int function, int fillFactor) implements HashRecord {
        @Override
        public String toString() {
            return "num_tuples " + number(tuples) + ", fillfactor " + fillFactor;
        }
    }

    /** An index got its first bitmap of free pages. */
    record InitBitmapPage(int bitmapBytes) implements HashRecord {
        @Override
        public String toString() {
            return "bmsize " + bitmapBytes;
        }
    }

    /** A tuple was added as item {@code item}. */
    record Insert(int item) implements HashRecord {
        @Override
        public String toString() {
            return "off " + item;
        }
    }

    /** A bucket got one more page, which was free before if {@code foundInBitmap}. */
    record AddOverflowPage(int bitmapBytes, boolean foundInBitmap) implements HashRecord {
        @Override
        public String toString() {
            return "bmsize " + bitmapBytes + ", bmpage_found " + flag(foundInBitmap);
        }
    }

    /** Bucket {@code newBucket} was made, to take part of another one's tuples. */
    record SplitAllocatePage(int newBucket, int oldFlags, int newFlags, boolean masksChange, boolean splitPointChanges)
            implements HashRecord {
        @Override
        public String toString() {
            return "new_bucket " + Integer.toUnsignedString(newBucket) + ", meta_page_masks_updated "
                    + flag(masksChange) + ", issplitpoint_changed " + flag(splitPointChanges);
        }
    }

    /** A page of a new bucket was filled. */
    record SplitPage() implements HashRecord {
        @Override
        public String toString() {
            return "";
        }
    }

    /** A new bucket has all its tuples. */
    record SplitComplete(int oldFlags, int newFlags) implements HashRecord {
        @Override
        public String toString() {
            return "old_bucket_flag " + oldFlags + ", new_bucket_flag " + newFlags;
        }
    }

    /** Tuples moved, to the bucket page itself if {@code toPrimary}. */
    record MovePageContents(int tuples, boolean toPrimary) implements HashRecord {
        @Override
        public String toString() {
            return "ntups " + tuples + ", is_primary " + flag(toPrimary);
        }
    }

    /**
     * An overflow page was freed, and its tuples moved.
     *
     * @param previous the page before it in the bucket
     * @param next the page after it, 4294967295 if there is none
     * @param tuples how many moved
     * @param toPrimary whether they moved to the bucket page itself
     * @param toPrevious whether they moved to {@code previous}
     */
    record SqueezePage(int previous, int next, int tuples, boolean toPrimary, boolean toPrevious)
            implements HashRecord {
        @Override
        public String toString() {
            return "prevblkno " + Integer.toUnsignedString(previous) + ", nextblkno " + Integer.toUnsignedString(next)
                    + ", ntups " + tuples + ", is_primary " + flag(toPrimary);
        }
    }

    /** Tuples were deleted, from the bucket page itself if {@code primary}. */
    record Delete(boolean clearsDead, boolean primary) implements HashRecord {
        @Override
        public String toString() {
            return "clear_dead_marking " + flag(clearsDead) + ", is_primary " + flag(primary);
        }
    }

    /** A bucket is rid of the tuples that went to another when it was split. */
    record SplitCleanup() implements HashRecord {
        @Override
        public String toString() {
            return "";
        }
    }

    /** The index has {@code tuples} tuples. */
    record UpdateMetaPage(double tuples) implements HashRecord {
        @Override
        public String toString() {
            return "ntuples " + number(tuples);
        }
    }

    /** These items, dead to everybody, were deleted; {@code catalog} is null before 16. */
    record VacuumOnePage(
            int conflictHorizon,
            List<Integer> items,
            @Nullable Boolean catalog) implements HashRecord {
        /** @param items is copied */
        public VacuumOnePage {
            items = List.copyOf(items);
        }

        @Override
        public String toString() {
            return "ntuples " + items.size() + ", snapshotConflictHorizon " + TransactionId.toString(conflictHorizon)
                    + (catalog == null ? "" : ", isCatalogRel " + flag(catalog));
        }
    }

    /**
     * Reads the main data of a record of resource manager Hash.
     *
     * @throws MalformedRecordException if it is too short, or there is no such type
     */
    static HashRecord decode(WalRecord record) throws MalformedRecordException {
        Payload data = record.mainData();
        return switch (record.opcode()) {
            case INIT_META_PAGE -> new InitMetaPage(tuples(data), data.i32(8), data.u16(12));
            case INIT_BITMAP_PAGE -> new InitBitmapPage(data.u16(0));
            case INSERT -> new Insert(data.u16(0));
            case ADD_OVFL_PAGE -> new AddOverflowPage(data.u16(0), data.u8(2) != 0);
            case SPLIT_ALLOCATE_PAGE -> {
                int changes = data.u8(8);
                yield new SplitAllocatePage(
                        data.i32(0),
                        data.u16(4),
                        data.u16(6),
                        (changes & MASKS_CHANGE) != 0,
                        (changes & SPLIT_POINT_CHANGES) != 0);
            }
            case SPLIT_PAGE -> new SplitPage();
            case SPLIT_COMPLETE -> new SplitComplete(data.u16(0), data.u16(2));
            case MOVE_PAGE_CONTENTS -> new MovePageContents(data.u16(0), data.u8(2) != 0);
            case SQUEEZE_PAGE ->
                new SqueezePage(data.i32(0), data.i32(4), data.u16(8), data.u8(10) != 0, data.u8(11) != 0);
            case DELETE -> new Delete(data.u8(0) != 0, data.u8(1) != 0);
            case SPLIT_CLEANUP -> new SplitCleanup();
            case UPDATE_META_PAGE -> new UpdateMetaPage(tuples(data));
            case VACUUM_ONE_PAGE -> vacuumOnePage(record.version(), data);
            default -> throw data.malformed("there is no record type " + RecordTypes.nameOf(record));
        };
    }

    private static double tuples(Payload data) throws MalformedRecordException {
        return Double.longBitsToDouble(data.i64(0));
    }

    private static VacuumOnePage vacuumOnePage(PostgresVersion version, Payload data) throws MalformedRecordException {
        boolean hasCatalog = version.isAtLeast(PostgresVersion.V16);
        int count = hasCatalog ? data.u16(4) : data.i32(4);
        if (count != (data.length() - 8) / 2) {
            throw data.malformed(count + " items, where there are " + (data.length() - 8) + " bytes for them");
        }
        List<Integer> items = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            items.add(data.u16(8 + 2 * i));
        }
        return new VacuumOnePage(data.i32(0), items, hasCatalog ? Boolean.valueOf(data.u8(6) != 0) : null);
    }

    private static String number(double tuples) {
        return String.format(Locale.ROOT, "%.0f", tuples);
    }

    private static String flag(boolean value) {
        return value ? "T" : "F";
    }
}
