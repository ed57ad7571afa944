package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageEditor;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.page.PageLayout;
import dev.palimpsest.postgres.rmgr.HashRecord;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;
import dev.palimpsest.postgres.wal.PayloadReader;
import dev.palimpsest.postgres.wal.WalRecord;

/** Hash. {@link HashRecord} has the records, {@link HashPage} and {@link HashMeta} the pages. */
final class HashRedo implements RmgrRedo {
    private static final int TUPLES = HashPage.BUCKET | HashPage.OVERFLOW;
    private static final int TUPLE_HEADER = 8;
    private static final int TUPLE_INFO = 6;
    private static final int TUPLE_SIZE = 0x1FFF;

    private static final int SQUEEZE_META_BLOCK = 6;

    @Override
    public Outcome redo(BlockRedo block) throws PageException, MalformedRecordException {
        switch (block.record().opcode()) {
            case HashRecord.INIT_META_PAGE -> initMeta(block);
            case HashRecord.INIT_BITMAP_PAGE -> initBitmap(block);
            case HashRecord.INSERT -> insert(block);
            case HashRecord.ADD_OVFL_PAGE -> addOverflowPage(block);
            case HashRecord.SPLIT_ALLOCATE_PAGE -> splitAllocate(block);
            case HashRecord.SPLIT_PAGE -> throw block.mainData().malformed("a page of a split without its image");
            case HashRecord.SPLIT_COMPLETE -> splitComplete(block);
            case HashRecord.MOVE_PAGE_CONTENTS -> {
                return movePageContents(block);
            }
            case HashRecord.SQUEEZE_PAGE -> {
                return squeeze(block);
            }
            case HashRecord.DELETE -> {
                return delete(block);
            }
            case HashRecord.SPLIT_CLEANUP -> {
                only(block);
                HashPage.checkType(block.page(), HashPage.BUCKET);
                HashPage.clearFlags(block.page(), HashPage.NEEDS_SPLIT_CLEANUP);
            }
            case HashRecord.UPDATE_META_PAGE -> {
                only(block);
                double tuples = Double.longBitsToDouble(block.mainData().i64(0));
                HashMeta.check(block.page());
                HashMeta.putTuples(block.page(), tuples);
            }
            case HashRecord.VACUUM_ONE_PAGE -> vacuumOnePage(block);
            default -> throw noSuchBlock(block);
        }
        return Outcome.ADVANCE_LSN;
    }

    /** PostgreSQL sets the flags of the buckets it splits again, also after it has restored the image of one. */
    @Override
    public boolean continuesAfterImage(WalRecord record, int blockId) {
        return switch (record.opcode()) {
            case HashRecord.SPLIT_ALLOCATE_PAGE -> blockId == 0;
            case HashRecord.SPLIT_COMPLETE -> blockId <= 1;
            default -> false;
        };
    }

    /** Inserts are the bulk of an index's WAL; they are checked in full before they change anything. */
    @Override
    public boolean checksFirst(WalRecord record) {
        return record.opcode() == HashRecord.INSERT;
    }

    @Override
    public void mask(Page page, int blockNumber) throws PageException {
        HashPage.mask(page);
    }

    private static MalformedRecordException noSuchBlock(BlockRedo block) {
        return block.mainData().malformed("a record of this type does not change block reference " + block.blockId());
    }

    private static void only(BlockRedo block) throws MalformedRecordException {
        if (block.blockId() != 0) {
            throw noSuchBlock(block);
        }
    }

    /** @throws MalformedRecordException if the record does not say that the page is made anew */
    private static Page newPage(BlockRedo block) throws MalformedRecordException {
        if (block.action() != BlockRedo.Action.INITIALIZE) {
            throw block.mainData().malformed("block reference " + block.blockId() + " is not marked as made anew");
        }
        return block.page();
    }

    private static Page meta(BlockRedo block) throws PageException {
        HashMeta.check(block.page());
        return block.page();
    }

    private static Page page(BlockRedo block, int types) throws PageException {
        HashPage.checkType(block.page(), types);
        return block.page();
    }

    private static int blockNumber(BlockRedo block, int blockId) throws MalformedRecordException {
        if (!block.record().hasBlock(blockId)) {
            throw block.mainData().malformed("a record of this type needs block reference " + blockId);
        }
        return block.record().blockNumber(blockId);
    }

    private static void initMeta(BlockRedo block) throws PageException, MalformedRecordException {
        only(block);
        Payload main = block.mainData();
        double tuples = Double.longBitsToDouble(main.i64(0));
        int fillFactor = main.u16(12);
        if (!(tuples >= 0) || fillFactor == 0) {
            throw main.malformed("an index for " + tuples + " tuples, " + fillFactor + " to a bucket");
        }
        HashMeta.initialize(newPage(block), tuples, main.i32(8), fillFactor);
    }

    private static void initBitmap(BlockRedo block) throws PageException, MalformedRecordException {
        switch (block.blockId()) {
            case 0 -> HashPage.initializeBitmap(newPage(block), block.mainData().u16(0));
            case 1 -> HashMeta.addFirstBitmap(meta(block));
            default -> throw noSuchBlock(block);
        }
    }

    private static void insert(BlockRedo block) throws PageException, MalformedRecordException {
        switch (block.blockId()) {
            case 0 -> {
                Payload tuple = block.data();
                tuple.check(0, TUPLE_HEADER);
                Page page = page(block, TUPLES);
                block.editor()
                        .addItem(
                                page,
                                tuple.array(),
                                tuple.arrayOffset(),
                                tuple.length(),
                                block.mainData().u16(0),
                                PageEditor.Placement.SHUFFLE);
            }
            case 1 -> HashMeta.addTuples(meta(block), 1);
            default -> throw noSuchBlock(block);
        }
    }

    private static void addOverflowPage(BlockRedo block) throws PageException, MalformedRecordException {
        switch (block.blockId()) {
            case 0 ->
                HashPage.initialize(
                        newPage(block),
                        blockNumber(block, 1),
                        HashPage.NONE,
                        block.data().i32(0),
                        HashPage.OVERFLOW);
            case 1 -> HashPage.putNext(page(block, TUPLES), blockNumber(block, 0));
            case 2 -> HashPage.putBit(block.page(), block.data().i32(0), true);
            case 3 -> HashPage.initializeBitmap(newPage(block), block.mainData().u16(0));
            case 4 -> {
                Page meta = meta(block);
                HashMeta.putFirstFree(meta, block.data().i32(0));
                boolean found = block.mainData().u8(2) != 0;
                if (!found) {
                    HashMeta.addOverflowPage(meta);
                    if (block.record().hasBlock(3)) {
                        HashMeta.addBitmapPage(meta, block.record().blockNumber(3));
                    }
                }
            }
            default -> throw noSuchBlock(block);
        }
    }

    private static void splitAllocate(BlockRedo block) throws PageException, MalformedRecordException {
        Payload main = block.mainData();
        int newBucket = main.i32(0);
        switch (block.blockId()) {
            case 0 -> {
                Page page = page(block, HashPage.BUCKET);
                HashPage.putFlags(page, main.u16(4));
                HashPage.putPrevious(page, newBucket);
            }
            case 1 -> HashPage.initialize(newPage(block), newBucket, HashPage.NONE, newBucket, main.u16(6));
            case 2 -> {
                Page meta = meta(block);
                int changes = main.u8(8);
                PayloadReader data = block.data().readerAt(0);
                HashMeta.putMaxBucket(meta, newBucket);
                if ((changes & HashRecord.MASKS_CHANGE) != 0) {
                    int low = data.i32();
                    HashMeta.putMasks(meta, low, data.i32());
                }
                if ((changes & HashRecord.SPLIT_POINT_CHANGES) != 0) {
                    int splitPoint = data.i32();
                    HashMeta.putSplitPoint(meta, splitPoint, data.i32());
                }
                data.expectEnd();
            }
            default -> throw noSuchBlock(block);
        }
    }

    private static void splitComplete(BlockRedo block) throws PageException, MalformedRecordException {
        int blockId = block.blockId();
        if (blockId > 1) {
            throw noSuchBlock(block);
        }
        int flags = block.mainData().u16(2 * blockId);
        HashPage.putFlags(page(block, HashPage.BUCKET), flags);
    }

    private static Outcome movePageContents(BlockRedo block) throws PageException, MalformedRecordException {
        switch (block.blockId()) {
            case 0 -> {
                return Outcome.UNCHANGED;
            }
            case 1 -> addTuples(block, block.mainData().u16(0));
            case 2 -> deleteItems(block, block.data(), 0);
            default -> throw noSuchBlock(block);
        }
        return Outcome.ADVANCE_LSN;
    }

    private static Outcome squeeze(BlockRedo block) throws PageException, MalformedRecordException {
        Payload main = block.mainData();
        int previous = main.i32(0);
        int next = main.i32(4);
        int count = main.u16(8);
        boolean toPrevious = main.u8(11) != 0;
        switch (block.blockId()) {
            case 0 -> {
                return Outcome.UNCHANGED;
            }
            case 1 -> {
                addTuples(block, count);
                if (toPrevious) {
                    HashPage.putNext(block.page(), next);
                }
                if (count == 0 && !toPrevious && block.version().isAtLeast(PostgresVersion.V17)) {
                    return Outcome.UNCHANGED;
                }
            }
            case 2 -> {
                HashPage.check(block.page());
                HashPage.initialize(block.page(), HashPage.NONE, HashPage.NONE, HashPage.NONE, HashPage.FREE);
            }
            case 3 -> HashPage.putNext(page(block, TUPLES), next);
            case 4 -> HashPage.putPrevious(page(block, TUPLES), previous);
            case 5 -> HashPage.putBit(block.page(), block.data().i32(0), false);
            case SQUEEZE_META_BLOCK ->
                HashMeta.putFirstFree(meta(block), block.data().i32(0));
            default -> throw noSuchBlock(block);
        }
        return Outcome.ADVANCE_LSN;
    }

    /** The block's data: {@code count} numbers of items, then as many tuples, which are added under these. */
    private static void addTuples(BlockRedo block, int count) throws PageException, MalformedRecordException {
        Page page = page(block, TUPLES);
        Payload data = block.data();
        PayloadReader tuples = data.readerAt(0);
        tuples.take(2 * count);
        for (int i = 0; i < count; i++) {
            int size = PageLayout.align8(data.u16(tuples.position() + TUPLE_INFO) & TUPLE_SIZE);
            if (size < TUPLE_HEADER) {
                throw data.malformed("a tuple of " + size + " bytes at offset " + tuples.position());
            }
            int tuple = tuples.take(size);
            block.editor().addItem(page, data.array(), tuple, size, data.u16(2 * i), PageEditor.Placement.SHUFFLE);
        }
        tuples.expectEnd();
    }

    private static Outcome delete(BlockRedo block) throws PageException, MalformedRecordException {
        switch (block.blockId()) {
            case 0 -> {
                return Outcome.UNCHANGED;
            }
            case 1 -> {
                boolean clearsDead = block.mainData().u8(0) != 0;
                deleteItems(block, block.data(), 0);
                if (clearsDead) {
                    HashPage.clearFlags(block.page(), HashPage.HAS_DEAD_TUPLES);
                }
            }
            default -> throw noSuchBlock(block);
        }
        return Outcome.ADVANCE_LSN;
    }

    private static void vacuumOnePage(BlockRedo block) throws PageException, MalformedRecordException {
        Payload main = block.mainData();
        int count = block.version().isAtLeast(PostgresVersion.V16) ? main.u16(4) : main.i32(4);
        if (count != (main.length() - 8) / 2) {
            throw main.malformed(count + " items, where there are " + (main.length() - 8) + " bytes for them");
        }
        switch (block.blockId()) {
            case 0 -> {
                deleteItems(block, main, 8);
                HashPage.clearFlags(block.page(), HashPage.HAS_DEAD_TUPLES);
            }
            case 1 -> HashMeta.addTuples(meta(block), -count);
            default -> throw noSuchBlock(block);
        }
    }

    /** Deletes the items whose numbers stand in {@code list}, from {@code from} to its end. */
    private static void deleteItems(BlockRedo block, Payload list, int from)
            throws PageException, MalformedRecordException {
        Page page = page(block, TUPLES);
        int bytes = list.length() - from;
        if (bytes % 2 != 0 || bytes / 2 > page.maxOffset()) {
            throw list.malformed(bytes + " bytes for the numbers of items of a page that has " + page.maxOffset());
        }
        int[] numbers = new int[bytes / 2];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = list.u16(from + 2 * i);
            if (i > 0 && numbers[i] <= numbers[i - 1]) {
                throw list.malformed("item " + numbers[i] + " is to be deleted after item " + numbers[i - 1]);
            }
        }
        if (numbers.length > 0) {
            block.editor().deleteItems(page, numbers, numbers.length);
        }
    }
}
