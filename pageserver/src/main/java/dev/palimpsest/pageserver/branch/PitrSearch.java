package dev.palimpsest.pageserver.branch;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Finds where a branch was at a time that moves on, and remembers from which time to which the answer stays the same: a search
 * reads the pages of {@code pg_xact} at some thirty LSNs, and most are in vain, since nothing is as old as the PITR interval
 * yet. Used by one thread at a time.
 */
final class PitrSearch {
    /**
     * @param lsn the answer; null if no commit is known that is so old
     * @param from for times from here, inclusive
     * @param until to here, exclusive
     */
    private record Answer(@Nullable Lsn lsn, Instant from, Instant until) {}

    /** What can be asked of a history. */
    interface Commits {
        /** The time of the latest commit up to an LSN; null if none is known. */
        @Nullable
        Instant latestCommit(Lsn lsn) throws StorageException;

        /** As {@link CommitTimes#lastBefore}. */
        @Nullable
        Lsn lastBefore(Instant time, Lsn from, Lsn to) throws StorageException;
    }

    private @Nullable Answer remembered;

    /**
     * The last LSN from {@code first} to {@code last}, both inclusive, before the first commit after {@code time}; null if no
     * commit is known that is not after it, for then it is not known how old what comes before is.
     */
    @Nullable
    Lsn find(Instant time, Commits commits, Lsn first, Lsn last) throws StorageException {
        Answer known = remembered;
        if (known != null && !time.isBefore(known.from) && time.isBefore(known.until)) {
            return known.lsn == null ? null : Lsn.max(first, known.lsn);
        }
        Instant newest = commits.latestCommit(last);
        if (newest == null || !newest.isAfter(time)) {
            return newest == null ? null : last;
        }
        Lsn found = commits.lastBefore(time, first, last);
        Instant before = found == null ? null : commits.latestCommit(found);
        Instant after = commits.latestCommit(found == null ? first : Lsn.min(last, found.plus(Lsn.RECORD_ALIGNMENT)));
        Lsn answer = before == null ? null : found;
        if (after != null && after.isAfter(time)) {
            remembered = new Answer(answer, before == null ? Instant.MIN : before, after);
        }
        return answer;
    }
}
