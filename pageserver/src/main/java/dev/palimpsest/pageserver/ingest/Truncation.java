package dev.palimpsest.pageserver.ingest;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.rmgr.StorageRecord;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.key.RelTag;
import dev.palimpsest.storage.layer.memory.SerializedBatch;
import dev.palimpsest.storage.value.WalRecord;
import java.nio.ByteBuffer;
import java.util.OptionalInt;

/**
 * What cutting a relation does to its forks. Of the visibility map's last page, the bits of blocks that go are cleared; the
 * free space map's last page is emptied as a whole, since what it says is a hint, and to know of no free space does no harm.
 */
final class Truncation {
    /** Heap blocks whose bits are on one page of the visibility map. */
    static final int HEAP_BLOCKS_PER_MAP_PAGE = 32672;

    private static final int HEAP_BLOCKS_PER_BYTE = 4;
    private static final int BITS_PER_HEAP_BLOCK = 2;

    /** Heap blocks on one lowest page of the free space map, and entries on each of the pages above. */
    private static final long FREE_SPACE_SLOTS = 4069;

    private static final int MAIN = 1;
    private static final int VISIBILITY_MAP = 2;
    private static final int FREE_SPACE_MAP = 4;
    private static final ByteBuffer ZEROS = ByteBuffer.allocate(8192).asReadOnlyBuffer();

    private Truncation() {}

    static void apply(StorageRecord.Truncate truncate, ForkDirectory forks, SerializedBatch.Builder target, Lsn lsn)
            throws StorageException {
        RelFileNode relation = truncate.relation();
        int blocks = truncate.blocks();
        forks.create(fork(relation, RelTag.MAIN), lsn);
        if ((truncate.flags() & MAIN) != 0) {
            cut(fork(relation, RelTag.MAIN), blocks, forks, lsn);
        }
        if ((truncate.flags() & FREE_SPACE_MAP) != 0) {
            freeSpaceMap(fork(relation, RelTag.FREE_SPACE_MAP), blocks, forks, target, lsn);
        }
        if ((truncate.flags() & VISIBILITY_MAP) != 0) {
            visibilityMap(fork(relation, RelTag.VISIBILITY_MAP), blocks, forks, target, lsn);
        }
    }

    private static RelTag fork(RelFileNode relation, int number) {
        return new RelTag(relation.spcNode(), relation.dbNode(), relation.relNode(), number);
    }

    /** Cuts a fork that is longer. */
    private static void cut(RelTag fork, int blocks, ForkDirectory forks, Lsn lsn) throws StorageException {
        OptionalInt length = forks.length(fork);
        if (length.isPresent() && Integer.compareUnsigned(length.getAsInt(), blocks) > 0) {
            forks.setLength(fork, blocks, lsn);
        }
    }

    private static boolean has(RelTag fork, int block, ForkDirectory forks) throws StorageException {
        OptionalInt length = forks.length(fork);
        return length.isPresent() && Integer.compareUnsigned(length.getAsInt(), block) > 0;
    }

    private static void visibilityMap(
            RelTag map, int blocks, ForkDirectory forks, SerializedBatch.Builder target, Lsn lsn)
            throws StorageException {
        int page = Integer.divideUnsigned(blocks, HEAP_BLOCKS_PER_MAP_PAGE);
        int kept = Integer.remainderUnsigned(blocks, HEAP_BLOCKS_PER_MAP_PAGE);
        if (kept == 0) {
            cut(map, page, forks, lsn);
        } else if (has(map, page, forks)) {
            int bits = kept % HEAP_BLOCKS_PER_BYTE * BITS_PER_HEAP_BLOCK;
            target.put(map.blockKey(page), lsn, new WalRecord.TruncateVisibilityMap(kept / HEAP_BLOCKS_PER_BYTE, bits));
            cut(map, page + 1, forks, lsn);
        }
    }

    private static void freeSpaceMap(
            RelTag map, int blocks, ForkDirectory forks, SerializedBatch.Builder target, Lsn lsn)
            throws StorageException {
        long lowest = Integer.toUnsignedLong(blocks) / FREE_SPACE_SLOTS;
        // Each page of the two upper levels comes just before the first of those below it.
        int page = (int) (lowest + lowest / FREE_SPACE_SLOTS + 1 + lowest / (FREE_SPACE_SLOTS * FREE_SPACE_SLOTS) + 1);
        if (Integer.toUnsignedLong(blocks) % FREE_SPACE_SLOTS == 0) {
            cut(map, page, forks, lsn);
        } else if (has(map, page, forks)) {
            target.putImage(map.blockKey(page), lsn, ZEROS);
            cut(map, page + 1, forks, lsn);
        }
    }
}
