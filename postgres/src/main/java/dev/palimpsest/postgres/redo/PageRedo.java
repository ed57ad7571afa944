package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.redo.RmgrRedo.Outcome;
import dev.palimpsest.postgres.rmgr.RecordTypes;
import dev.palimpsest.postgres.wal.ImageRestorer;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.RedoException;
import dev.palimpsest.postgres.wal.WalRecord;
import org.jspecify.annotations.Nullable;

/**
 * Applies WAL records to pages, one record and one page at a time. Needs nothing else: no other page, no catalog.
 *
 * <p>What happens to the page, in this order:
 *
 * <ol>
 *   <li>The record has an image of it that is to be applied: that takes its place, whatever the page's LSN.
 *   <li>The record makes it anew ({@code WILL_INIT}): from a page of zeros, whatever the page's LSN.
 *   <li>The page is new, all zeros: there is nothing to change; {@link RedoResult#PAGE_MISSING}.
 *   <li>Its LSN is the record's end or later: it has the change; {@link RedoResult#ALREADY_APPLIED}.
 *   <li>Otherwise the change is made.
 * </ol>
 *
 * <p>After a change the page's LSN is the record's end. When an exception is thrown the page is as it was: it is copied
 * before a change whose checks do not all come first.
 *
 * <p>Keeps scratch space and, once it has met a zstd image, native memory until it is closed. Not thread-safe: each
 * thread has its own.
 */
public final class PageRedo implements AutoCloseable {
    private final ImageRestorer images = new ImageRestorer();
    private final Page before = new Page();
    private final BlockRedo block;

    /** @param hintLogging as the cluster was configured when it wrote the WAL */
    public PageRedo(HintLogging hintLogging) {
        this.block = new BlockRedo(hintLogging);
    }

    /** Whether there is redo for the records of this resource manager (0 to 255) that don't come with images. */
    public static boolean supports(int managerId) {
        return RedoRegistry.of(managerId) != null;
    }

    /**
     * Whether the record has an image of the block which is all that redo does; otherwise more may be done after the image.
     *
     * @throws IllegalArgumentException if the record does not refer to a block by that id
     */
    public static boolean imageIsAll(WalRecord record, int blockId) {
        if (!record.hasAppliedImage(blockId)) {
            return false;
        }
        RmgrRedo redo = RedoRegistry.of(record.resourceManagerId());
        return redo == null || !redo.continuesAfterImage(record, blockId);
    }

    /**
     * Applies the record to the page, as the one it refers to by {@code blockId}.
     *
     * @param page is changed in place; that it is the right one, the caller sees to
     * @throws RedoException if the page or the record is not as it must be, or there is no redo for the resource
     *     manager; the page is unchanged
     * @throws IllegalArgumentException if the record does not refer to a block by that id
     */
    public RedoResult redo(Page page, WalRecord record, int blockId) throws RedoException {
        if (record.hasAppliedImage(blockId)) {
            return restore(page, record, blockId);
        }
        RmgrRedo redo = RedoRegistry.of(record.resourceManagerId());
        if (redo == null) {
            throw failed(record, blockId, "there is no redo for this resource manager", null);
        }
        if (record.willInit(blockId)) {
            return change(page, record, blockId, redo, BlockRedo.Action.INITIALIZE);
        }
        if (page.isNew() && !redo.acceptsMissingPage(record, blockId)) {
            return RedoResult.PAGE_MISSING;
        }
        if (Long.compareUnsigned(record.endLsn(), page.lsn()) <= 0) {
            return RedoResult.ALREADY_APPLIED;
        }
        return change(page, record, blockId, redo, BlockRedo.Action.CHANGE);
    }

    private RedoResult restore(Page page, WalRecord record, int blockId) throws RedoException {
        RmgrRedo redo = RedoRegistry.of(record.resourceManagerId());
        RmgrRedo more = redo != null && redo.continuesAfterImage(record, blockId) ? redo : null;
        if (more != null) {
            before.copyFrom(page);
        }
        try {
            images.restore(record, blockId, page);
        } catch (MalformedRecordException e) {
            throw failed(record, blockId, String.valueOf(e.getMessage()), e);
        }
        if (!page.isNew()) {
            page.setLsn(record.endLsn());
        }
        if (more != null) {
            run(page, record, blockId, more, BlockRedo.Action.AFTER_IMAGE);
        }
        return RedoResult.RESTORED;
    }

    private RedoResult change(Page page, WalRecord record, int blockId, RmgrRedo redo, BlockRedo.Action action)
            throws RedoException {
        boolean keepCopy = !redo.checksFirst(record);
        if (keepCopy || action == BlockRedo.Action.INITIALIZE) {
            before.copyFrom(page);
        }
        if (action == BlockRedo.Action.INITIALIZE) {
            page.clear();
        } else if (!page.isNew() && !page.hasValidHeader()) {
            throw failed(
                    record,
                    blockId,
                    "the page header is corrupted: lower = " + page.lower() + ", upper = " + page.upper()
                            + ", special = " + page.special(),
                    null);
        }
        Outcome outcome = keepCopy || action == BlockRedo.Action.INITIALIZE
                ? run(page, record, blockId, redo, action)
                : runInPlace(page, record, blockId, redo, action);
        if (outcome == Outcome.UNCHANGED) {
            return RedoResult.UNCHANGED;
        }
        return action == BlockRedo.Action.INITIALIZE ? RedoResult.INITIALIZED : RedoResult.APPLIED;
    }

    /** Makes the change, or puts back what is in {@link #before}. */
    private Outcome run(Page page, WalRecord record, int blockId, RmgrRedo redo, BlockRedo.Action action)
            throws RedoException {
        boolean done = false;
        try {
            Outcome outcome = runInPlace(page, record, blockId, redo, action);
            done = outcome != Outcome.UNCHANGED || action == BlockRedo.Action.AFTER_IMAGE;
            return outcome;
        } finally {
            if (!done) {
                page.copyFrom(before);
            }
        }
    }

    private Outcome runInPlace(Page page, WalRecord record, int blockId, RmgrRedo redo, BlockRedo.Action action)
            throws RedoException {
        block.begin(record, blockId, page, action);
        try {
            Outcome outcome = redo.redo(block);
            if (outcome == Outcome.ADVANCE_LSN) {
                page.setLsn(record.endLsn());
            }
            return outcome;
        } catch (PageException | MalformedRecordException e) {
            throw failed(record, blockId, String.valueOf(e.getMessage()), e);
        }
    }

    private static RedoException failed(WalRecord record, int blockId, String problem, @Nullable Throwable cause) {
        String type = RecordTypes.nameOf(record);
        return cause == null
                ? new RedoException(record, type, blockId, problem)
                : new RedoException(record, type, blockId, problem, cause);
    }

    /** Frees native memory; it may not be used any more. */
    @Override
    public void close() {
        images.close();
    }
}
