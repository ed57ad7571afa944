package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.BlockTag;
import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.page.LinePointer;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageEditor;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.page.PageLayout;
import dev.palimpsest.postgres.page.PageMask;
import dev.palimpsest.postgres.rmgr.GinRecord;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;
import dev.palimpsest.postgres.wal.WalRecord;

/** Gin. {@link GinRecord} has the records, {@link GinPage} the pages. */
final class GinRedo implements RmgrRedo {
    private static final int TUPLE_HEADER = 8;
    private static final int TUPLE_SIZE_BITS = 0x1FFF;
    private static final int SPLIT_CHILD_BLOCK = 3;

    @Override
    public Outcome redo(BlockRedo block) throws PageException, MalformedRecordException {
        switch (block.record().opcode()) {
            case GinRecord.CREATE_PTREE -> createPostingTree(only(block));
            case GinRecord.INSERT -> insert(block);
            case GinRecord.SPLIT -> split(block);
            case GinRecord.VACUUM_PAGE -> throw imageMissing(only(block));
            case GinRecord.DELETE_PAGE -> deletePage(block);
            case GinRecord.UPDATE_META_PAGE -> updateMeta(block);
            case GinRecord.INSERT_LISTPAGE -> insertListPage(only(block));
            case GinRecord.DELETE_LISTPAGE -> deleteListPages(block);
            case GinRecord.VACUUM_DATA_LEAF_PAGE -> GinRecompression.apply(only(block));
            default -> throw noSuchBlock(block);
        }
        return Outcome.ADVANCE_LSN;
    }

    /** True of every type; nothing that follows the first change can fail. */
    @Override
    public boolean checksFirst(WalRecord record) {
        return true;
    }

    @Override
    public void mask(Page page, int blockNumber) throws PageException {
        PageMask.lsnAndChecksum(page);
        PageMask.headerHints(page);
        if ((GinPage.flags(page) & GinPage.DELETED) != 0) {
            PageMask.content(page);
        } else if (page.lower() > PageLayout.HEADER_SIZE) {
            PageMask.unusedSpace(page);
        }
    }

    private static MalformedRecordException noSuchBlock(BlockRedo block) {
        return block.mainData().malformed("a record of this type does not change block reference " + block.blockId());
    }

    private static MalformedRecordException imageMissing(BlockRedo block) {
        return block.mainData().malformed("block reference " + block.blockId() + " has no image to be applied");
    }

    private static BlockRedo only(BlockRedo block) throws MalformedRecordException {
        if (block.blockId() != 0) {
            throw noSuchBlock(block);
        }
        return block;
    }

    /** @throws MalformedRecordException if the record does not say that the page is made anew */
    private static Page newPage(BlockRedo block) throws MalformedRecordException {
        if (block.action() != BlockRedo.Action.INITIALIZE) {
            throw block.mainData().malformed("block reference " + block.blockId() + " is not marked as made anew");
        }
        return block.page();
    }

    private static void createPostingTree(BlockRedo block) throws PageException, MalformedRecordException {
        Page page = newPage(block);
        Payload main = block.mainData();
        int size = main.i32(0);
        if (size < 0 || size != main.length() - 4) {
            throw main.malformed("segments of " + Integer.toUnsignedString(size) + " bytes, where "
                    + (main.length() - 4) + " bytes follow");
        }
        GinPage.initialize(page, GinPage.DATA | GinPage.LEAF | GinPage.COMPRESSED);
        if (size > page.upper() - GinPage.CONTENT) {
            throw new PageException("segments of " + size + " bytes do not fit on a page");
        }
        page.put(GinPage.CONTENT, main.array(), main.arrayOffset() + 4, size);
        page.setLower(GinPage.CONTENT + size);
    }

    private static void insert(BlockRedo block) throws PageException, MalformedRecordException {
        Payload main = block.mainData();
        int flags = main.u16(0);
        boolean leaf = (flags & GinRecord.IS_LEAF) != 0;
        if (block.blockId() == 1 && !leaf) {
            GinPage.finishSplit(block.page());
            return;
        }
        int right = leaf ? BlockTag.INVALID_BLOCK : GinRecord.blockId(main, 6);
        if ((flags & GinRecord.IS_DATA) == 0) {
            insertEntry(only(block), leaf, right);
        } else if (leaf) {
            GinRecompression.apply(only(block));
        } else {
            Payload data = only(block).data();
            data.check(0, 12);
            GinPage.insertPostingItem(block.page(), data.u16(0), data.array(), data.arrayOffset() + 2, right);
        }
    }

    /**
     * Adds a tuple to a page of the entry tree. On a leaf it may take the place of another one; above that, it leads to
     * the left half of a page that was split, and the tuple that led there until now to the right half.
     */
    private static void insertEntry(BlockRedo block, boolean leaf, int right)
            throws PageException, MalformedRecordException {
        Page page = block.page();
        Payload data = block.data();
        int number = data.u16(0);
        boolean replaces = data.u8(2) != 0;
        int size = tupleSize(data, 4);
        if (size != data.length() - 4) {
            throw data.malformed("a tuple of " + size + " bytes, where " + (data.length() - 4) + " are left");
        }
        if (replaces && !leaf) {
            throw data.malformed("a tuple above the leaves is to be replaced");
        }
        GinPage.check(page, leaf ? GinPage.LEAF : 0);
        int from = data.arrayOffset() + 4;
        if (!leaf) {
            int sibling = page.normalItem(number, TUPLE_HEADER);
            block.editor().addItem(page, data.array(), from, size, number, PageEditor.Placement.SHUFFLE);
            page.putTid(sibling, right, 0);
            return;
        }
        if (replaces) {
            int freed = PageLayout.align8(LinePointer.length(page.linePointer(number)));
            if (PageLayout.align8(size) > page.exactFreeSpace() + freed) {
                throw new PageException("there is no room to replace item " + number + " of " + freed
                        + " bytes by one of " + size + ": " + page.exactFreeSpace() + " bytes are free");
            }
            block.editor().deleteItem(page, number);
        }
        block.editor().addItem(page, data.array(), from, size, number, PageEditor.Placement.SHUFFLE);
    }

    /** The size of the tuple at {@code at}, as it says itself, after checking that it is there. */
    private static int tupleSize(Payload data, int at) throws MalformedRecordException {
        int size = data.u16(at + 6) & TUPLE_SIZE_BITS;
        if (size < TUPLE_HEADER) {
            throw data.malformed("a tuple of " + size + " bytes at offset " + at);
        }
        data.check(at, size);
        return size;
    }

    private static void split(BlockRedo block) throws PageException, MalformedRecordException {
        int flags = block.mainData().u16(24);
        int id = block.blockId();
        if (id == SPLIT_CHILD_BLOCK && (flags & GinRecord.IS_LEAF) == 0) {
            GinPage.finishSplit(block.page());
        } else if (id < 2 || (id == 2 && (flags & GinRecord.IS_ROOT) != 0)) {
            throw imageMissing(block);
        } else {
            throw noSuchBlock(block);
        }
    }

    private static void deletePage(BlockRedo block) throws PageException, MalformedRecordException {
        Page page = block.page();
        Payload main = block.mainData();
        main.check(0, 12);
        switch (block.blockId()) {
            case 0 -> {
                GinPage.checkData(page);
                GinPage.putFlags(page, GinPage.flags(page) | GinPage.DELETED);
                page.setPruneXid(main.i32(8));
            }
            case 1 -> GinPage.deletePostingItem(page, main.u16(0));
            case 2 -> {
                GinPage.checkData(page);
                GinPage.putRight(page, main.i32(4));
            }
            default -> throw noSuchBlock(block);
        }
    }

    private static void restoreMeta(BlockRedo block, int metadata) throws PageException, MalformedRecordException {
        Page page = newPage(block);
        Payload main = block.mainData();
        main.check(metadata, GinRecord.METADATA_SIZE);
        GinPage.initializeMeta(page, main.array(), main.arrayOffset() + metadata);
    }

    private static void updateMeta(BlockRedo block) throws PageException, MalformedRecordException {
        Payload main = block.mainData();
        int previousTail = main.i32(72);
        int right = main.i32(76);
        int tuples = main.i32(80);
        Page page = block.page();
        if (block.blockId() == 0) {
            restoreMeta(block, 16);
        } else if (block.blockId() == 1 && tuples > 0) {
            GinPage.check(page, GinPage.LIST);
            addTuples(block, tuples);
            GinPage.putMaxOffset(page, GinPage.maxOffset(page) + 1);
        } else if (block.blockId() == 1 && previousTail != BlockTag.INVALID_BLOCK) {
            GinPage.check(page, GinPage.LIST);
            GinPage.putRight(page, right);
        } else {
            throw noSuchBlock(block);
        }
    }

    private static void insertListPage(BlockRedo block) throws PageException, MalformedRecordException {
        Page page = newPage(block);
        Payload main = block.mainData();
        int right = main.i32(0);
        int tuples = main.i32(4);
        boolean last = right == BlockTag.INVALID_BLOCK;
        GinPage.initialize(page, last ? GinPage.LIST | GinPage.LIST_FULL_ROW : GinPage.LIST);
        GinPage.putRight(page, right);
        GinPage.putMaxOffset(page, last ? 1 : 0);
        addTuples(block, tuples);
    }

    /** Adds the tuples in the block's data to the end of a page of the pending list. */
    private static void addTuples(BlockRedo block, int tuples) throws PageException, MalformedRecordException {
        Page page = block.page();
        Payload data = block.data();
        page.checkHeader();
        int space = 0;
        int count = 0;
        for (int at = 0; at < data.length(); count++) {
            int size = tupleSize(data, at);
            at += size;
            space += PageLayout.LINE_POINTER_SIZE + PageLayout.align8(size);
        }
        if (count != tuples) {
            throw data.malformed(count + " tuples, where there are to be " + tuples);
        }
        int number = page.maxOffset() + 1;
        if (space > page.exactFreeSpace()) {
            throw new PageException("there is no room for " + count + " tuples, which take " + space + " bytes: "
                    + page.exactFreeSpace() + " bytes are free");
        }
        for (int at = 0; at < data.length(); number++) {
            int size = LittleEndian.u16(data.array(), data.arrayOffset() + at + 6) & TUPLE_SIZE_BITS;
            int from = data.arrayOffset() + at;
            block.editor().addItem(page, data.array(), from, size, number, PageEditor.Placement.SHUFFLE);
            at += size;
        }
    }

    private static void deleteListPages(BlockRedo block) throws PageException, MalformedRecordException {
        int deleted = block.mainData().i32(56);
        if (block.blockId() == 0) {
            restoreMeta(block, 0);
        } else if (block.blockId() <= deleted) {
            GinPage.initialize(newPage(block), GinPage.DELETED);
        } else {
            throw noSuchBlock(block);
        }
    }
}
