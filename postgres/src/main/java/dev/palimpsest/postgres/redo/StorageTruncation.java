package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.BlockTag;
import dev.palimpsest.postgres.ForkNumber;
import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.page.FreeSpaceMapPage;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.rmgr.StorageRecord;
import java.util.ArrayList;
import java.util.List;

/**
 * What {@code Storage/TRUNCATE} does to a relation: forks become shorter, and pages of its maps that stay in part lose what
 * they say about pages that are gone.
 *
 * <p>A length is the most that a fork keeps: one that is shorter stays so. Pages that are gone must not be the base of
 * later changes: when the relation grows again they begin as zeros. The edits leave the LSN of the map's pages, and are not
 * due where the page does not exist. Making one twice does no harm unless a later record has set bits again.
 *
 * @param relation which relation
 * @param blocks how many blocks of the main fork stay, unsigned
 * @param flags which forks are cut, of {@link StorageRecord}'s {@code TRUNCATE_…}
 */
public record StorageTruncation(RelFileNode relation, int blocks, int flags) {
    /** A fork that the truncation leaves alone. */
    public static final long NOT_CUT = -1;

    /**
     * A page of a map that stays in part.
     *
     * @param page which
     * @param kept how many of its entries stay: heap pages in the visibility map, slots in the free space map
     */
    public record Edit(BlockTag page, int kept) {
        /**
         * Clears what comes after the entries that stay. A page of zeros stays one.
         *
         * @param content the content of {@link #page}
         * @return whether there was something to clear
         */
        public boolean applyTo(Page content) {
            if (content.isNew()) {
                return false;
            }
            try {
                return page.fork() == ForkNumber.VISIBILITY_MAP
                        ? VisibilityMap.clearFrom(content, kept)
                        : FreeSpaceMapPage.clearFrom(content, kept);
            } catch (PageException e) {
                throw new IllegalStateException("the map's bytes are inside the page", e);
            }
        }
    }

    /** What this record does. */
    public static StorageTruncation of(StorageRecord.Truncate record) {
        return new StorageTruncation(record.relation(), record.blocks(), record.flags());
    }

    /**
     * How many blocks of a fork stay at most: 0 to 2^32, or {@link #NOT_CUT}. The init fork is never cut.
     */
    public long length(ForkNumber fork) {
        return switch (fork) {
            case MAIN -> cuts(StorageRecord.TRUNCATE_HEAP) ? heapBlocks() : NOT_CUT;
            case VISIBILITY_MAP -> cuts(StorageRecord.TRUNCATE_VISIBILITY_MAP) ? mapLength() : NOT_CUT;
            case FSM -> cuts(StorageRecord.TRUNCATE_FSM) ? freeSpaceMapLength() : NOT_CUT;
            case INIT -> NOT_CUT;
        };
    }

    /**
     * The pages of the two maps that stay in part: one of the visibility map at most, and up to three of the free space
     * map, one on each level. On upper levels the slot of a page that stays in part keeps its value, which may now be too
     * great: whoever searches there finds out.
     */
    public List<Edit> edits() {
        List<Edit> edits = new ArrayList<>(4);
        if (cuts(StorageRecord.TRUNCATE_VISIBILITY_MAP)) {
            int kept = (int) (heapBlocks() % VisibilityMap.HEAP_BLOCKS_PER_PAGE);
            if (kept > 0) {
                edits.add(edit(ForkNumber.VISIBILITY_MAP, VisibilityMap.pageOf(blocks), kept));
            }
        }
        if (cuts(StorageRecord.TRUNCATE_FSM)) {
            long entries = heapBlocks();
            long length = freeSpaceMapLength();
            for (int level = 0; level < FreeSpaceMapPage.LEVELS; level++) {
                int number = (int) (entries / FreeSpaceMapPage.SLOTS);
                int kept = (int) (entries % FreeSpaceMapPage.SLOTS);
                int block = FreeSpaceMapPage.blockOf(level, number);
                if (block < length) {
                    edits.add(edit(ForkNumber.FSM, block, kept));
                }
                entries = kept > 0 ? number + 1L : number;
            }
        }
        return edits;
    }

    private Edit edit(ForkNumber fork, int block, int kept) {
        return new Edit(new BlockTag(relation, fork, block), kept);
    }

    private boolean cuts(int flag) {
        return (flags & flag) != 0;
    }

    private long heapBlocks() {
        return Integer.toUnsignedLong(blocks);
    }

    private long mapLength() {
        long page = heapBlocks() / VisibilityMap.HEAP_BLOCKS_PER_PAGE;
        return heapBlocks() % VisibilityMap.HEAP_BLOCKS_PER_PAGE == 0 ? page : page + 1;
    }

    private long freeSpaceMapLength() {
        int page = FreeSpaceMapPage.blockOf(0, (int) (heapBlocks() / FreeSpaceMapPage.SLOTS));
        return heapBlocks() % FreeSpaceMapPage.SLOTS == 0 ? page : page + 1;
    }
}
