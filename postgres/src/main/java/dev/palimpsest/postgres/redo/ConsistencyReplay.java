package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.BlockTag;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.rmgr.RecordTypes;
import dev.palimpsest.postgres.wal.RedoException;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Replays WAL that was written with {@code wal_consistency_checking}, from nothing, and compares every page with what
 * PostgreSQL says it became. After each comparison PostgreSQL's page is the one that counts, so that one fault never
 * hides the next; a page that was last changed before the WAL begins is taken from its first image.
 *
 * <p>Keeps every page it meets in memory. Not thread-safe.
 */
public final class ConsistencyReplay implements AutoCloseable {
    private static final int KEPT_FAULTS = 100;

    /** What happened to the blocks of one type of record. */
    public static final class Counts {
        private long records;
        private long applied;
        private long compared;
        private long mismatches;
        private long failures;
        private long adopted;

        private Counts() {}

        /** Records of the type. */
        public long records() {
            return records;
        }

        /** Pages that redo changed, made or restored. */
        public long applied() {
            return applied;
        }

        /** Pages that were compared with PostgreSQL's. */
        public long compared() {
            return compared;
        }

        /** Pages that were not the same. */
        public long mismatches() {
            return mismatches;
        }

        /** Pages that redo gave up on with an exception. */
        public long failures() {
            return failures;
        }

        /** Pages that were taken as PostgreSQL has them: nothing was known of them, or there is no redo for the type. */
        public long adopted() {
            return adopted;
        }
    }

    private final Map<BlockTag, Page> pages = new HashMap<>();
    private final SortedMap<String, Counts> counts = new TreeMap<>();
    private final List<String> faults = new ArrayList<>();
    private final PageRedo redo;
    private final ConsistencyCheck check = new ConsistencyCheck();

    /** @param hintLogging as the cluster was configured when it wrote the WAL */
    public ConsistencyReplay(HintLogging hintLogging) {
        this.redo = new PageRedo(hintLogging);
    }

    /** Applies the record to all its blocks and compares them. Faults are counted, not thrown. */
    public void apply(WalRecord record) {
        Counts count = counts.computeIfAbsent(RecordTypes.nameOf(record), name -> new Counts());
        count.records++;
        for (int id = 0; id <= record.maxBlockId(); id++) {
            if (record.hasBlock(id)) {
                apply(record, id, count);
            }
        }
    }

    private void apply(WalRecord record, int id, Counts count) {
        Page page = pages.computeIfAbsent(record.blockTag(id), tag -> new Page());
        boolean comparable = ConsistencyCheck.applies(record, id);
        try {
            if (!PageRedo.supports(record.resourceManagerId()) && !record.hasAppliedImage(id)) {
                adopt(record, id, page, count);
                return;
            }
            RedoResult result = redo.redo(page, record, id);
            if (result == RedoResult.PAGE_MISSING) {
                adopt(record, id, page, count);
                return;
            }
            if (result != RedoResult.ALREADY_APPLIED && result != RedoResult.UNCHANGED) {
                count.applied++;
            }
            if (comparable) {
                count.compared++;
                PageMismatch mismatch = check.compare(page, record, id);
                if (mismatch != null) {
                    count.mismatches++;
                    fault(mismatch.toString());
                    adoptBytes(record, id, page);
                }
            }
        } catch (RedoException e) {
            count.failures++;
            fault(String.valueOf(e.getMessage()));
            adoptBytes(record, id, page);
        }
    }

    private void adopt(WalRecord record, int id, Page page, Counts count) {
        if (record.hasImage(id)) {
            count.adopted++;
            adoptBytes(record, id, page);
        }
    }

    private void adoptBytes(WalRecord record, int id, Page page) {
        if (!record.hasImage(id)) {
            return;
        }
        try {
            check.adopt(record, id, page);
        } catch (RedoException e) {
            fault(String.valueOf(e.getMessage()));
        }
    }

    private void fault(String text) {
        if (faults.size() < KEPT_FAULTS) {
            faults.add(text);
        }
    }

    /** What happened, by type of record ({@code Heap/INSERT}); a view. */
    public SortedMap<String, Counts> counts() {
        return counts;
    }

    /** The first hundred mismatches and failures, a line each; a copy. */
    public List<String> faults() {
        return List.copyOf(faults);
    }

    /** The page as it is now, null if the WAL has not touched it; not a copy. */
    public @Nullable Page page(BlockTag tag) {
        return pages.get(tag);
    }

    /** Frees native memory; it may not be used any more. */
    @Override
    public void close() {
        redo.close();
        check.close();
    }
}
