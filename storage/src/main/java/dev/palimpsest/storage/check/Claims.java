package dev.palimpsest.storage.check;

import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.TimelineId;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/**
 * Who has had a tenant, and what counts.
 *
 * @param first where the row of claimed generations begins
 * @param last the newest claimed one; {@link Generation#NONE} if there is none
 * @param published the generation of the manifest in force; {@link Generation#NONE} if there is none
 * @param manifests how many there are
 * @param inForce which index part of each timeline counts; null if no manifest says it, and the newest of each counts that is listed
 */
record Claims(
        Generation first,
        Generation last,
        Generation published,
        long manifests,
        @Nullable SortedMap<TimelineId, Generation> inForce) {

    /** Whose an object of this generation is, that nobody names. */
    Orphans.Reason reason(Generation generation) {
        if (generation.compareTo(first) < 0) {
            return Orphans.Reason.BEFORE_CLAIMS;
        }
        if (generation.compareTo(last) > 0) {
            return Orphans.Reason.UNCLAIMED;
        }
        // While the newest one is only claimed, the life before it may still be writing.
        return generation.compareTo(published) >= 0 ? Orphans.Reason.NEWEST_LIFE : Orphans.Reason.OLDER_LIFE;
    }
}
