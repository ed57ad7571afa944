package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.WalRecord;

/**
 * What the records of one resource manager do to a page. Implementations are stateless: one serves all threads.
 *
 * <p>Questions of images, of pages that are made anew and of the page's LSN are settled before {@link #redo} is called;
 * see {@link PageRedo}.
 */
interface RmgrRedo {
    /** What {@link PageRedo} is to do when {@link #redo} returns. */
    enum Outcome {
        /** The page has changed: its LSN becomes the end of the record. The rule. */
        ADVANCE_LSN,
        /** The page may have changed, but its LSN stays: only where PostgreSQL leaves it too. */
        KEEP_LSN,
        /** The record refers to the page without changing it. */
        UNCHANGED
    }

    /**
     * Makes the change to {@code block.page()}.
     *
     * <p>Does not touch the page's LSN. May throw with the page half changed, which its caller undoes, unless
     * {@link #checksFirst} says otherwise for the record.
     *
     * @param block what to do to which page; on {@link BlockRedo.Action#INITIALIZE} the page is all zeros
     * @throws PageException if the page is not as the record needs it
     * @throws MalformedRecordException if the record contradicts itself
     */
    Outcome redo(BlockRedo block) throws PageException, MalformedRecordException;

    /**
     * Whether the page is to be changed after an image was restored to it ({@link BlockRedo.Action#AFTER_IMAGE}): where
     * PostgreSQL takes the image before its last change to the page.
     */
    default boolean continuesAfterImage(WalRecord record, int blockId) {
        return false;
    }

    /**
     * Whether {@link #redo} of this record can start from a page of all zeros without the record saying so
     * ({@link BlockRedo.Action#CHANGE} with a new page): maps that are created on demand.
     */
    default boolean acceptsMissingPage(WalRecord record, int blockId) {
        return false;
    }

    /**
     * Whether {@link #redo} throws for this record only before its first change to the page. Saves copying the page;
     * only for the types that make up the bulk of the WAL, and with a test that shows it.
     */
    default boolean checksFirst(WalRecord record) {
        return false;
    }

    /**
     * Blanks out what may differ between right versions of a page, as PostgreSQL's mask function does.
     *
     * @throws PageException if the page makes no sense
     */
    void mask(Page page, int blockNumber) throws PageException;
}
