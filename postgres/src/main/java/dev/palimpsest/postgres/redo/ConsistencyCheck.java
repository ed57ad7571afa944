package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.page.PageLayout;
import dev.palimpsest.postgres.rmgr.RecordTypes;
import dev.palimpsest.postgres.wal.ImageRestorer;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.RedoException;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Compares pages with the images that PostgreSQL puts into every record under {@code wal_consistency_checking}, after
 * masking both as PostgreSQL does. Not thread-safe.
 */
public final class ConsistencyCheck implements AutoCloseable {
    private static final int SHOWN = 32;

    private final ImageRestorer images = new ImageRestorer();
    private final Page expected = new Page();
    private final Page actual = new Page();

    /** A check with scratch space of its own. */
    public ConsistencyCheck() {}

    /**
     * Whether there is something to compare: the record has an image of the block that redo does not use, and there is
     * a mask for the resource manager.
     */
    public static boolean applies(WalRecord record, int blockId) {
        return record.checksConsistency()
                && record.hasBlock(blockId)
                && record.hasImage(blockId)
                && !record.hasAppliedImage(blockId)
                && RedoRegistry.of(record.resourceManagerId()) != null;
    }

    /**
     * Compares the page, after redo of the record, with the record's image.
     *
     * @param page is not changed
     * @return null if they are the same, or if the page is newer than the record
     * @throws RedoException if the image cannot be restored, or one of the two cannot be masked
     * @throws IllegalArgumentException if not {@link #applies}
     */
    public @Nullable PageMismatch compare(Page page, WalRecord record, int blockId) throws RedoException {
        RmgrRedo masks = RedoRegistry.of(record.resourceManagerId());
        if (masks == null || !applies(record, blockId)) {
            throw new IllegalArgumentException("there is nothing to compare");
        }
        if (Long.compareUnsigned(page.lsn(), record.endLsn()) > 0) {
            return null;
        }
        try {
            images.restore(record, blockId, expected);
            actual.copyFrom(page);
            masks.mask(expected, record.blockNumber(blockId));
            masks.mask(actual, record.blockNumber(blockId));
        } catch (MalformedRecordException | PageException e) {
            throw new RedoException(
                    record, RecordTypes.nameOf(record), blockId, "it cannot be compared: " + e.getMessage(), e);
        }
        int from = Arrays.mismatch(expected.bytes(), actual.bytes());
        return from < 0 ? null : mismatch(record, blockId, from);
    }

    private PageMismatch mismatch(WalRecord record, int blockId, int from) {
        int to = PageLayout.PAGE_SIZE - 1;
        while (expected.bytes()[to] == actual.bytes()[to]) {
            to--;
        }
        int end = Math.min(to + 1, from + SHOWN);
        return new PageMismatch(
                new Lsn(record.startLsn()),
                RecordTypes.nameOf(record),
                record.blockTag(blockId),
                blockId,
                from,
                to,
                Arrays.copyOfRange(expected.bytes(), from, end),
                Arrays.copyOfRange(actual.bytes(), from, end));
    }

    /**
     * Makes the page what the record's image says it must be, so that one difference is not found again later. The LSN
     * is the record's end.
     *
     * @throws RedoException if the image cannot be restored; the page is unchanged
     */
    public void adopt(WalRecord record, int blockId, Page page) throws RedoException {
        try {
            images.restore(record, blockId, page);
        } catch (MalformedRecordException e) {
            throw new RedoException(
                    record, RecordTypes.nameOf(record), blockId, "its image is damaged: " + e.getMessage(), e);
        }
        if (!page.isNew()) {
            page.setLsn(record.endLsn());
        }
    }

    /** Frees native memory; it may not be used any more. */
    @Override
    public void close() {
        images.close();
    }
}
