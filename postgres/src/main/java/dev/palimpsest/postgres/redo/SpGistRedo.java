package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.page.PageLayout;
import dev.palimpsest.postgres.page.PageMask;
import dev.palimpsest.postgres.rmgr.SpGistRecord;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;

/**
 * SPGist. {@link SpGistRecord} has the records, {@link SpGistPage} the pages, {@link SpGistTuple} the tuples,
 * {@link SpGistPickSplit} the record that has the most to do.
 */
final class SpGistRedo implements RmgrRedo {
    private static final int ADD_LEAF_SIZE = 10;
    private static final int MOVE_LEAFS_SIZE = 20;
    private static final int ADD_NODE_SIZE = 20;
    private static final int SPLIT_TUPLE_SIZE = 6;
    private static final int VACUUM_LEAF_SIZE = 16;
    private static final int VACUUM_ROOT_SIZE = 12;

    @Override
    public Outcome redo(BlockRedo block) throws PageException, MalformedRecordException {
        switch (block.record().opcode()) {
            case SpGistRecord.ADD_LEAF -> addLeaf(block);
            case SpGistRecord.MOVE_LEAFS -> moveLeafs(block);
            case SpGistRecord.ADD_NODE -> addNode(block);
            case SpGistRecord.SPLIT_TUPLE -> splitTuple(block);
            case SpGistRecord.PICKSPLIT -> SpGistPickSplit.redo(block);
            case SpGistRecord.VACUUM_LEAF -> vacuumLeaf(only(block));
            case SpGistRecord.VACUUM_ROOT -> vacuumRoot(only(block));
            case SpGistRecord.VACUUM_REDIRECT -> vacuumRedirect(only(block));
            default -> throw noSuchBlock(block);
        }
        return Outcome.ADVANCE_LSN;
    }

    @Override
    public void mask(Page page, int blockNumber) throws PageException {
        PageMask.lsnAndChecksum(page);
        PageMask.headerHints(page);
        if (page.lower() >= PageLayout.HEADER_SIZE) {
            PageMask.unusedSpace(page);
        }
    }

    static MalformedRecordException noSuchBlock(BlockRedo block) {
        return block.mainData().malformed("a record of this type does not change block reference " + block.blockId());
    }

    private static BlockRedo only(BlockRedo block) throws MalformedRecordException {
        if (block.blockId() != 0) {
            throw noSuchBlock(block);
        }
        return block;
    }

    /**
     * The page, made anew if the record says so in its main data.
     *
     * @param isNew where in the main data
     * @param flags of the page: whether it is a leaf, and whether it has nulls
     * @throws MalformedRecordException if the block reference says something else
     */
    static Page page(BlockRedo block, int isNew, int flags) throws PageException, MalformedRecordException {
        boolean anew = block.mainData().u8(isNew) != 0;
        if (anew != (block.action() == BlockRedo.Action.INITIALIZE)) {
            throw block.mainData()
                    .malformed("block reference " + block.blockId() + " is "
                            + (anew ? "not marked as made anew" : "marked as made anew, but is not"));
        }
        Page page = block.page();
        if (anew) {
            SpGistPage.initialize(page, flags);
        } else {
            SpGistPage.checkLevel(page, (flags & SpGistPage.LEAF) != 0);
        }
        return page;
    }

    /** As {@link #page}, of a page that is not made anew. */
    static Page oldPage(BlockRedo block, boolean leaf) throws PageException, MalformedRecordException {
        if (block.action() == BlockRedo.Action.INITIALIZE) {
            throw block.mainData().malformed("block reference " + block.blockId() + " is marked as made anew");
        }
        SpGistPage.checkLevel(block.page(), leaf);
        return block.page();
    }

    /** @param nulls where the main data says whether the page has nulls */
    static int leafFlags(BlockRedo block, int nulls) throws MalformedRecordException {
        return SpGistPage.LEAF | (block.mainData().u8(nulls) != 0 ? SpGistPage.NULLS : 0);
    }

    /** The number of the block that the record refers to by this id. */
    static int numberOf(BlockRedo block, int blockId) throws MalformedRecordException {
        if (!block.record().hasBlock(blockId)) {
            throw block.mainData().malformed("a record of this type needs block reference " + blockId);
        }
        return block.record().blockNumber(blockId);
    }

    static int[] numbers(Payload main, int from, int count) throws MalformedRecordException {
        main.check(from, 2 * count);
        int[] numbers = new int[count];
        for (int i = 0; i < count; i++) {
            numbers[i] = main.u16(from + 2 * i);
        }
        return numbers;
    }

    static void expectEnd(Payload main, int end) throws MalformedRecordException {
        if (end != main.length()) {
            throw main.malformed((main.length() - end) + " bytes are left over at offset " + end);
        }
    }

    private static void addLeaf(BlockRedo block) throws PageException, MalformedRecordException {
        Payload main = block.mainData();
        int item = main.u16(2);
        int head = main.u16(4);
        if (block.blockId() == 0) {
            int size = SpGistTuple.leafSize(main, ADD_LEAF_SIZE);
            expectEnd(main, ADD_LEAF_SIZE + size);
            Page page = page(block, 0, leafFlags(block, 1));
            if (item == head) {
                SpGistTuple.replace(block.editor(), page, main, ADD_LEAF_SIZE, size, item);
                return;
            }
            SpGistTuple.addOrReplace(block.editor(), page, main, ADD_LEAF_SIZE, size, item);
            if (head != 0) {
                SpGistTuple.putNext(page, head, item);
            }
        } else if (block.blockId() == 1 && main.u16(6) != 0) {
            SpGistTuple.link(oldPage(block, false), main.u16(6), main.u16(8), numberOf(block, 0), item);
        } else {
            throw noSuchBlock(block);
        }
    }

    private static void moveLeafs(BlockRedo block) throws PageException, MalformedRecordException {
        Payload main = block.mainData();
        int moves = main.u16(0);
        int inserts = main.u8(3) != 0 ? 1 : moves + 1;
        int target = main.u16(MOVE_LEAFS_SIZE + 2 * (moves + inserts - 1));
        switch (block.blockId()) {
            case 0 -> {
                Page page = oldPage(block, true);
                int state = main.u8(16) != 0 ? SpGistTuple.PLACEHOLDER : SpGistTuple.REDIRECT;
                SpGistTuple.bury(
                        block.editor(),
                        page,
                        numbers(main, MOVE_LEAFS_SIZE, moves),
                        state,
                        SpGistTuple.PLACEHOLDER,
                        numberOf(block, 1),
                        target,
                        main.i32(12));
            }
            case 1 -> {
                Page page = page(block, 2, leafFlags(block, 4));
                int[] items = numbers(main, MOVE_LEAFS_SIZE + 2 * moves, inserts);
                int at = MOVE_LEAFS_SIZE + 2 * (moves + inserts);
                for (int item : items) {
                    int size = SpGistTuple.leafSize(main, at);
                    SpGistTuple.addOrReplace(block.editor(), page, main, at, size, item);
                    at += size;
                }
                expectEnd(main, at);
            }
            case 2 -> SpGistTuple.link(oldPage(block, false), main.u16(6), main.u16(8), numberOf(block, 1), target);
            default -> throw noSuchBlock(block);
        }
    }

    private static void addNode(BlockRedo block) throws PageException, MalformedRecordException {
        Payload main = block.mainData();
        int item = main.u16(0);
        int newItem = main.u16(2);
        int size = SpGistTuple.innerSize(main, ADD_NODE_SIZE);
        expectEnd(main, ADD_NODE_SIZE + size);
        boolean moves = block.record().hasBlock(1);
        switch (block.blockId()) {
            case 0 -> {
                Page page = oldPage(block, false);
                if (moves) {
                    int state = main.u8(16) != 0 ? SpGistTuple.PLACEHOLDER : SpGistTuple.REDIRECT;
                    int target = numberOf(block, 1);
                    SpGistTuple.bury(block.editor(), page, item, state, target, newItem, main.i32(12));
                } else {
                    SpGistTuple.replace(block.editor(), page, main, ADD_NODE_SIZE, size, item);
                }
            }
            case 1 -> {
                Page page = page(block, 4, 0);
                SpGistTuple.addOrReplace(block.editor(), page, main, ADD_NODE_SIZE, size, newItem);
            }
            case 2 -> oldPage(block, false);
            default -> throw noSuchBlock(block);
        }
        if (moves && main.u8(5) == block.blockId()) {
            SpGistTuple.link(block.page(), main.u16(6), main.u16(8), numberOf(block, 1), newItem);
        } else if (block.blockId() == 2) {
            throw noSuchBlock(block);
        }
    }

    private static void splitTuple(BlockRedo block) throws PageException, MalformedRecordException {
        Payload main = block.mainData();
        int prefixSize = SpGistTuple.innerSize(main, SPLIT_TUPLE_SIZE);
        int postfix = SPLIT_TUPLE_SIZE + prefixSize;
        int postfixSize = SpGistTuple.innerSize(main, postfix);
        expectEnd(main, postfix + postfixSize);
        boolean samePage = main.u8(5) != 0;
        Page page;
        if (block.blockId() == 0) {
            page = oldPage(block, false);
            SpGistTuple.replace(block.editor(), page, main, SPLIT_TUPLE_SIZE, prefixSize, main.u16(0));
        } else if (block.blockId() == 1 && !samePage) {
            page = page(block, 4, 0);
        } else {
            throw noSuchBlock(block);
        }
        if (samePage || block.blockId() == 1) {
            SpGistTuple.addOrReplace(block.editor(), page, main, postfix, postfixSize, main.u16(2));
        }
    }

    private static void vacuumLeaf(BlockRedo block) throws PageException, MalformedRecordException {
        Payload main = block.mainData();
        Page page = oldPage(block, true);
        int dead = main.u16(0);
        int placeholders = main.u16(2);
        int moves = main.u16(4);
        int chains = main.u16(6);
        int at = VACUUM_LEAF_SIZE;
        expectEnd(main, at + 2 * (dead + placeholders + 2 * moves + 2 * chains));
        bury(block, numbers(main, at, dead), SpGistTuple.DEAD);
        at += 2 * dead;
        bury(block, numbers(main, at, placeholders), SpGistTuple.PLACEHOLDER);
        at += 2 * placeholders;
        int[] sources = numbers(main, at, moves);
        for (int i = 0; i < moves; i++) {
            SpGistTuple.swap(page, sources[i], main.u16(at + 2 * (moves + i)));
        }
        bury(block, sources, SpGistTuple.PLACEHOLDER);
        at += 4 * moves;
        for (int i = 0; i < chains; i++) {
            SpGistTuple.putNext(page, main.u16(at + 2 * i), main.u16(at + 2 * (chains + i)));
        }
    }

    private static void bury(BlockRedo block, int[] numbers, int state) throws PageException {
        SpGistTuple.bury(block.editor(), block.page(), numbers, state, state, 0, 0, 0);
    }

    private static void vacuumRoot(BlockRedo block) throws PageException, MalformedRecordException {
        Payload main = block.mainData();
        Page page = oldPage(block, true);
        int count = main.u16(0);
        int[] numbers = numbers(main, VACUUM_ROOT_SIZE, count);
        block.editor().deleteItems(page, numbers, count);
    }

    private static void vacuumRedirect(BlockRedo block) throws PageException, MalformedRecordException {
        Payload main = block.mainData();
        Page page = block.page();
        SpGistPage.check(page);
        int count = main.u16(0);
        int first = main.u16(2);
        for (int number : numbers(main, SpGistRecord.redirectsAt(block.version()), count)) {
            SpGistTuple.giveUpRedirection(page, number);
        }
        SpGistPage.addRedirections(page, -count);
        SpGistPage.addPlaceholders(page, count);
        if (first != 0) {
            int cut = page.maxOffset() - first + 1;
            if (cut < 1) {
                throw new PageException("placeholders are to be cut off from number " + first + " on, but the last is "
                        + page.maxOffset());
            }
            int[] numbers = new int[cut];
            for (int i = 0; i < cut; i++) {
                numbers[i] = first + i;
            }
            SpGistTuple.checkPlaceholders(page, numbers);
            SpGistPage.addPlaceholders(page, -cut);
            block.editor().deleteItems(page, numbers, cut);
        }
    }
}
