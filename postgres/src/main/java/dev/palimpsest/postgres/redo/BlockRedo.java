package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageEditor;
import dev.palimpsest.postgres.wal.Payload;
import dev.palimpsest.postgres.wal.WalRecord;

/**
 * One page and the record that is applied to it: what a {@link RmgrRedo} works on. The same object for every
 * call of one {@link PageRedo}.
 */
final class BlockRedo {
    /** In what state the page is. */
    enum Action {
        /** It is as it was before the record. */
        CHANGE,
        /** It is all zeros, and is to be made anew. */
        INITIALIZE,
        /** It was restored from the record's image. */
        AFTER_IMAGE
    }

    private final PageEditor editor = new PageEditor();
    private final Page scratch = new Page();
    private final HintLogging hintLogging;
    private WalRecord record = new WalRecord();
    private Page page = scratch;
    private int blockId;
    private Action action = Action.CHANGE;

    BlockRedo(HintLogging hintLogging) {
        this.hintLogging = hintLogging;
    }

    void begin(WalRecord nextRecord, int nextBlockId, Page nextPage, Action nextAction) {
        record = nextRecord;
        blockId = nextBlockId;
        page = nextPage;
        action = nextAction;
    }

    /** The record. */
    WalRecord record() {
        return record;
    }

    /** The version that wrote it. */
    PostgresVersion version() {
        return record.version();
    }

    /** As which of the record's blocks the page is to be changed. */
    int blockId() {
        return blockId;
    }

    /** The page's number in its fork. */
    int blockNumber() {
        return record.blockNumber(blockId);
    }

    /** The page. */
    Page page() {
        return page;
    }

    /** In what state the page is. */
    Action action() {
        return action;
    }

    /** The record's main data. */
    Payload mainData() {
        return record.mainData();
    }

    /** The record's data for this block. */
    Payload data() {
        return record.data(blockId);
    }

    /** Whether the cluster logs hints. */
    HintLogging hintLogging() {
        return hintLogging;
    }

    /** Adds, moves and removes items. */
    PageEditor editor() {
        return editor;
    }

    /** A page to build something in; what is in it, nobody knows. */
    Page scratch() {
        return scratch;
    }
}
