package dev.palimpsest.storage.timeline;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.Gate;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyCatalogue;
import dev.palimpsest.storage.key.KeySpace;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/**
 * Looks for keys that a timeline does {@linkplain KeyCatalogue#NOT_INHERITED not inherit} in its ancestors too. Whoever may read
 * the timeline at an LSN may do this: where it branched off its ancestors keep what they had, also below their GC cutoffs.
 */
public final class LineageScan {
    private LineageScan() {}

    /**
     * What each of a timeline's ancestors has of some keys where the line left it, the oldest first, and last what the timeline
     * itself has as of {@code lsn}. Waits for LSNs as {@link Timeline#get} does. Small key spaces only: as big as what it finds.
     *
     * @param keys only such as are not inherited
     * @throws IllegalArgumentException if there are others
     * @throws InvalidRequestException if the timeline cannot be read at that LSN
     */
    public static List<SortedMap<Key, KeyResult>> scan(
            Timeline timeline, KeySpace keys, Lsn lsn, RequestContext context) throws StorageException {
        if (!keys.minus(KeyCatalogue.NOT_INHERITED).isEmpty()) {
            throw new IllegalArgumentException("some of the keys are inherited: " + keys);
        }
        List<SortedMap<Key, KeyResult>> found = new ArrayList<>();
        found.add(timeline.scan(keys, lsn, context));
        try (Gate.@Nullable Guard inside = timeline.history().enter(lsn)) {
            if (inside == null) {
                throw timeline.notReadable(lsn); // its cutoff was raised since
            }
            addAncestors(timeline, keys, lsn, found, context);
        }
        return found;
    }

    /** Who comes in stays until the end, so that no timeline is cut loose from its ancestor meanwhile. */
    private static void addAncestors(
            Timeline timeline, KeySpace keys, Lsn at, List<SortedMap<Key, KeyResult>> found, RequestContext context)
            throws StorageException {
        Timeline.@Nullable BranchPoint branch = timeline.branchPoint();
        if (branch == null) {
            return;
        }
        Timeline ancestor = branch.ancestor();
        Lsn below = Lsn.min(at, branch.lsn());
        try (Gate.Guard _ = ancestor.history().enterAnywhere()) {
            found.addFirst(ancestor.gatherForBranch(keys, below, context).values());
            addAncestors(ancestor, keys, below, found, context);
        }
    }
}
