package dev.palimpsest.pageserver.branch;

import dev.palimpsest.pageserver.retention.RetentionOverride;
import dev.palimpsest.postgres.Lsn;
import java.time.Instant;

/**
 * The upkeep of branches, where a user asks for it: what is done by itself too, in its time. Safe for use by many threads; every
 * method may take as long as its work does. What it says of a branch that is not there is {@link
 * BranchException.Kind#NOT_FOUND}.
 */
public interface UpkeepService {
    /**
     * Removes what of a branch's history is not kept.
     *
     * @param other what this time counts instead of the branch's own settings
     * @param dryRun only say what would be removed
     * @throws BranchException UNAVAILABLE in the first minutes of the server, in which leases that are older than it may be
     *     asked for again
     */
    GcView gc(String name, RetentionOverride other, boolean dryRun) throws BranchException;

    /**
     * Compacts a branch's L0 layers, all there are to compact.
     *
     * @param images whether to make image layers too, where they are due
     * @param force whether to do both where the thresholds are not reached
     */
    CompactionView compact(String name, boolean images, boolean force) throws BranchException;

    /**
     * Rewrites what a branch has below what the last GC has left readable, so that its layers have what other branches, leases and
     * holds need there, and nothing else.
     */
    HistoryCompactionView compactHistory(String name) throws BranchException;

    /** Writes what was taken in so far to layer files, and waits until the object store has them. */
    FlushView flush(String name) throws BranchException;

    /** What there is of a branch's history. Looks up commit times, so it reads some pages. */
    HistoryView history(String name) throws BranchException;

    /**
     * Keeps an LSN readable for the server's {@code lsn_lease_length}, or for so long from now on if it is leased already. In
     * memory only.
     *
     * @return until when
     */
    Instant lease(String name, Lsn lsn) throws BranchException;

    /** Has a branch keep other than the server's branches do, in what {@code retention} says. Durable on return. */
    void retain(String name, RetentionOverride retention) throws BranchException;

    /** Has a branch keep what the server's branches do. Durable on return. */
    void retainAsServer(String name) throws BranchException;
}
