package dev.palimpsest.pageserver.pageservice;

import dev.palimpsest.pageserver.relation.RelationLengths;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.timeline.Timeline;

/**
 * A timeline to read from.
 *
 * @param readableFrom the first LSN at which it is consistent, inclusive; {@link Lsn#MAX} as long as that is not known
 * @param lengths how long its relations are
 */
public record ServedTimeline(Timeline timeline, Lsn readableFrom, RelationLengths lengths) {
    /** Whether GC may have removed what a read at an LSN needs: it is below the cutoff, and nobody has leased it. */
    public boolean isCutOff(Lsn lsn) {
        return lsn.isBefore(timeline.gcCutoffLsn()) && !timeline.heldLsns().contains(lsn);
    }

    /** Why an LSN that {@link #isCutOff is cut off} cannot be read, or leased. */
    public String whyCutOff(Lsn lsn) {
        return "timeline " + timeline.id() + " cannot be read at " + lsn + ": its history is retained from "
                + Lsn.max(readableFrom, timeline.gcCutoffLsn()) + " to " + timeline.lastRecordLsn()
                + "; older history is kept as far as the settings pitr_interval and gc_horizon say";
    }
}
