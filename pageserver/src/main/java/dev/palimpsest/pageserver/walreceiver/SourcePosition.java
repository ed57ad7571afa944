package dev.palimpsest.pageserver.walreceiver;

import dev.palimpsest.pageserver.upstream.TimelineHistory;
import dev.palimpsest.postgres.Lsn;
import java.util.List;

/**
 * Which PostgreSQL timeline to ask a source for: where our WAL ends, on the timeline we last followed, must lie on the
 * source's own way to where it is. Pure.
 */
final class SourcePosition {
    private SourcePosition() {}

    /** What to do. */
    sealed interface Decision {
        /** Ask for this timeline. */
        record Follow(int timeline) implements Decision {}

        /** The source's history is not ours. */
        record Diverged(String why) implements Decision {}
    }

    /**
     * @param ours the timeline we last followed, unsigned
     * @param end where our WAL ends
     * @param current the source's timeline, unsigned
     * @param ancestors where its earlier ones ended, the oldest first
     */
    static Decision decide(int ours, Lsn end, int current, List<TimelineHistory.Ancestor> ancestors) {
        boolean known = ours == current;
        for (TimelineHistory.Ancestor ancestor : ancestors) {
            if (ancestor.timeline() == ours) {
                known = true;
                if (end.isAfter(ancestor.switchLsn())) {
                    return new Decision.Diverged("the source left timeline " + Integer.toUnsignedString(ours) + " at "
                            + ancestor.switchLsn() + " for timeline " + Integer.toUnsignedString(current)
                            + ", but we have WAL of timeline " + Integer.toUnsignedString(ours) + " up to " + end
                            + ": attach it anew, under another name");
                }
            }
        }
        if (!known) {
            return new Decision.Diverged("the source is on timeline " + Integer.toUnsignedString(current)
                    + ", which does not come from timeline " + Integer.toUnsignedString(ours)
                    + " that we followed up to " + end);
        }
        for (TimelineHistory.Ancestor ancestor : ancestors) {
            if (end.isBefore(ancestor.switchLsn())) {
                return new Decision.Follow(ancestor.timeline());
            }
        }
        return new Decision.Follow(current);
    }
}
