package dev.palimpsest.pageserver.pageservice;

import dev.palimpsest.pageserver.datadir.PreviousRecord;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.index.IndexPart;
import dev.palimpsest.storage.timeline.Timeline;
import org.jspecify.annotations.Nullable;

/**
 * As of when a base backup is made.
 *
 * @param previous the record before
 */
record BackupPoint(Lsn lsn, PreviousRecord previous) {
    /** @param wanted null for the newest; otherwise the timeline has reached it */
    static BackupPoint of(Timeline timeline, @Nullable Lsn wanted) {
        Lsn last;
        Lsn previous;
        do {
            last = timeline.lastRecordLsn();
            previous = timeline.prevRecordLsn();
            // The two move one after the other: a pair of which one has moved already is not one.
        } while (!last.equals(timeline.lastRecordLsn()) || (previous.isValid() && !previous.isBefore(last)));
        if (wanted == null || wanted.equals(last)) {
            return new BackupPoint(
                    last, previous.isValid() ? new PreviousRecord.At(previous) : withoutPrevious(timeline, last));
        }
        return new BackupPoint(wanted, withoutPrevious(timeline, wanted));
    }

    private static PreviousRecord withoutPrevious(Timeline timeline, Lsn lsn) {
        Timeline.BranchPoint branch = timeline.branchPoint();
        IndexPart.OriginalAncestor former = timeline.indexPart().lineage().originalAncestor();
        boolean begins = (branch != null && branch.lsn().equals(lsn))
                || (former != null && former.lsn().equals(lsn));
        return begins ? new PreviousRecord.None() : new PreviousRecord.Unknown();
    }
}
