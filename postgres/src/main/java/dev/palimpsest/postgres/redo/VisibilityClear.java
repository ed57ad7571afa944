package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.BlockTag;
import dev.palimpsest.postgres.ForkNumber;
import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.rmgr.Rmgr;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.List;

/**
 * Bits of the visibility map that a record clears without referring to the map's page: what whoever stores WAL by page
 * has to know besides the record's blocks.
 *
 * <p>PostgreSQL 14 to 16 never refer to that page, nor do 17 before 17.11 and 18 before 18.6. Later ones do, unless the
 * bits were clear already, and then {@link PageRedo} makes the change; both kinds may follow each other in one cluster,
 * so the record decides, not the version.
 *
 * <p>The change is due whatever became of the heap page: it may be newer, restored from an image, or missing. It leaves
 * the map page's LSN, so that LSN does not say whether it was made: what does is the position of the record in the WAL.
 * Making it twice does no harm unless a later record has set the bits again.
 *
 * @param relation the heap
 * @param heapBlock the page of the heap, unsigned
 * @param bits which of its bits are cleared: 3 both, or 2 only all-frozen
 */
public record VisibilityClear(RelFileNode relation, int heapBlock, int bits) {
    private static final int ALL_VISIBLE_CLEARED = 0x01;
    private static final int NEW_ALL_VISIBLE_CLEARED = 0x02;

    /**
     * What the record clears without referring to the map: at most two, and empty for most records. Does not look at
     * data of blocks. Safe for use by several threads at once, as far as the record is.
     *
     * @throws MalformedRecordException if the main data of a heap record is too short, or it has no block 0
     */
    public static List<VisibilityClear> of(WalRecord record) throws MalformedRecordException {
        int manager = record.resourceManagerId();
        int type = record.opcode() & HeapRedo.TYPE;
        if (manager == Rmgr.HEAP.id()) {
            return switch (type) {
                case HeapRedo.INSERT -> one(record, 2, VisibilityMap.ALL_BITS);
                case HeapRedo.DELETE -> one(record, 7, VisibilityMap.ALL_BITS);
                case HeapRedo.UPDATE, HeapRedo.HOT_UPDATE -> update(record);
                case HeapRedo.LOCK -> one(record, 7, VisibilityMap.ALL_FROZEN);
                default -> List.of();
            };
        }
        if (manager == Rmgr.HEAP2.id()) {
            return switch (type) {
                case Heap2Redo.MULTI_INSERT -> one(record, 0, VisibilityMap.ALL_BITS);
                case Heap2Redo.LOCK_UPDATED -> one(record, 7, VisibilityMap.ALL_FROZEN);
                default -> List.of();
            };
        }
        return List.of();
    }

    private static List<VisibilityClear> one(WalRecord record, int flagsAt, int bits) throws MalformedRecordException {
        if ((record.mainData().u8(flagsAt) & ALL_VISIBLE_CLEARED) == 0 || record.hasBlock(HeapRedo.MAP_BLOCK)) {
            return List.of();
        }
        return List.of(clear(record, 0, bits));
    }

    private static List<VisibilityClear> update(WalRecord record) throws MalformedRecordException {
        int flags = record.mainData().u8(7);
        boolean onOld = (flags & ALL_VISIBLE_CLEARED) != 0;
        boolean onNew = (flags & NEW_ALL_VISIBLE_CLEARED) != 0;
        if ((!onOld && !onNew) || record.hasBlock(HeapRedo.NEW_MAP_BLOCK) || record.hasBlock(HeapRedo.OLD_MAP_BLOCK)) {
            return List.of();
        }
        VisibilityClear newPage = clear(record, 0, VisibilityMap.ALL_BITS);
        if (!record.hasBlock(HeapRedo.OLD_PAGE)) {
            return List.of(newPage);
        }
        VisibilityClear oldPage = clear(record, HeapRedo.OLD_PAGE, VisibilityMap.ALL_BITS);
        if (onOld && onNew) {
            return List.of(oldPage, newPage);
        }
        return List.of(onOld ? oldPage : newPage);
    }

    private static VisibilityClear clear(WalRecord record, int blockId, int bits) throws MalformedRecordException {
        if (!record.hasBlock(blockId)) {
            throw record.mainData().malformed("a heap record without block reference " + blockId);
        }
        return new VisibilityClear(record.relation(blockId), record.blockNumber(blockId), bits);
    }

    /** The map's page with the bits. */
    public BlockTag mapPage() {
        return new BlockTag(relation, ForkNumber.VISIBILITY_MAP, VisibilityMap.pageOf(heapBlock));
    }

    /**
     * Clears the bits. A page of zeros, which is one that does not exist yet, becomes an empty page of the map; the LSN
     * stays.
     *
     * @param page the content of {@link #mapPage}
     * @return whether a bit was set before
     */
    public boolean applyTo(Page page) {
        if (page.isNew()) {
            page.initialize(0);
        }
        try {
            return VisibilityMap.clear(page, heapBlock, bits);
        } catch (PageException e) {
            throw new IllegalStateException("the map's bytes are inside the page", e);
        }
    }
}
