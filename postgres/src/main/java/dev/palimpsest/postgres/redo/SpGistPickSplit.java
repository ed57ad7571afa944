package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.rmgr.SpGistRecord;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;

/** What {@link SpGistRecord#PICKSPLIT} does to each of its four pages. */
final class SpGistPickSplit {
    private static final int HEADER_SIZE = 28;
    private static final int ROOT_SPLIT = 0;
    private static final int DELETES = 2;
    private static final int INSERTS = 4;
    private static final int NEW_SOURCE = 6;
    private static final int NEW_DESTINATION = 7;
    private static final int INNER_ITEM = 8;
    private static final int NEW_INNER = 10;
    private static final int NULLS = 11;
    private static final int INNER_IS_PARENT = 12;
    private static final int PARENT_ITEM = 14;
    private static final int NODE = 16;
    private static final int XID = 20;
    private static final int BUILDING = 24;

    private static final int INNER_BLOCK = 2;

    private SpGistPickSplit() {}

    static void redo(BlockRedo block) throws PageException, MalformedRecordException {
        Payload main = block.mainData();
        boolean rootSplit = main.u8(ROOT_SPLIT) != 0;
        boolean innerIsParent = main.u8(INNER_IS_PARENT) != 0;
        switch (block.blockId()) {
            case 0 -> {
                if (rootSplit) {
                    throw SpGistRedo.noSuchBlock(block);
                }
                Page page = SpGistRedo.page(block, NEW_SOURCE, SpGistRedo.leafFlags(block, NULLS));
                if (block.action() != BlockRedo.Action.INITIALIZE) {
                    delete(block, page);
                }
                addLeafs(block, page);
            }
            case 1 -> addLeafs(block, SpGistRedo.page(block, NEW_DESTINATION, SpGistRedo.leafFlags(block, NULLS)));
            case INNER_BLOCK -> {
                int flags = main.u8(NULLS) != 0 ? SpGistPage.NULLS : 0;
                Page page = SpGistRedo.page(block, NEW_INNER, flags);
                int at = innerAt(main);
                int size = SpGistTuple.innerSize(main, at);
                SpGistTuple.addOrReplace(block.editor(), page, main, at, size, main.u16(INNER_ITEM));
                if (innerIsParent) {
                    link(block, page);
                }
            }
            case 3 -> {
                if (innerIsParent) {
                    throw SpGistRedo.noSuchBlock(block);
                }
                link(block, SpGistRedo.oldPage(block, false));
            }
            default -> throw SpGistRedo.noSuchBlock(block);
        }
    }

    private static void delete(BlockRedo block, Page page) throws PageException, MalformedRecordException {
        Payload main = block.mainData();
        int state = main.u8(BUILDING) != 0 ? SpGistTuple.PLACEHOLDER : SpGistTuple.REDIRECT;
        int[] numbers = SpGistRedo.numbers(main, HEADER_SIZE, main.u16(DELETES));
        SpGistTuple.bury(
                block.editor(),
                page,
                numbers,
                state,
                SpGistTuple.PLACEHOLDER,
                SpGistRedo.numberOf(block, INNER_BLOCK),
                main.u16(INNER_ITEM),
                main.i32(XID));
    }

    /** Where the inner tuple begins, after the lists. */
    private static int innerAt(Payload main) throws MalformedRecordException {
        return HEADER_SIZE + 2 * main.u16(DELETES) + 3 * main.u16(INSERTS);
    }

    /** Adds those of the leaf tuples that belong on this page. */
    private static void addLeafs(BlockRedo block, Page page) throws PageException, MalformedRecordException {
        Payload main = block.mainData();
        int inserts = main.u16(INSERTS);
        int items = HEADER_SIZE + 2 * main.u16(DELETES);
        int selectors = items + 2 * inserts;
        int at = innerAt(main);
        at += SpGistTuple.innerSize(main, at);
        for (int i = 0; i < inserts; i++) {
            int size = SpGistTuple.leafSize(main, at);
            boolean here = (main.u8(selectors + i) != 0 ? 1 : 0) == block.blockId();
            if (here) {
                SpGistTuple.addOrReplace(block.editor(), page, main, at, size, main.u16(items + 2 * i));
            }
            at += size;
        }
        SpGistRedo.expectEnd(main, at);
    }

    private static void link(BlockRedo block, Page page) throws PageException, MalformedRecordException {
        Payload main = block.mainData();
        int inner = SpGistRedo.numberOf(block, INNER_BLOCK);
        SpGistTuple.link(page, main.u16(PARENT_ITEM), main.u16(NODE), inner, main.u16(INNER_ITEM));
    }
}
