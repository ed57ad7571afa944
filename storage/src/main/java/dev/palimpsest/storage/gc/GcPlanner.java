package dev.palimpsest.storage.gc;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.compaction.RetainedHistory;
import dev.palimpsest.storage.layer.LayerExtent;
import dev.palimpsest.storage.layer.LayerKind;
import dev.palimpsest.storage.layer.LsnRange;
import dev.palimpsest.storage.layermap.LayerMap;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Decides which layers nothing retained needs any more. */
public final class GcPlanner {
    /** Why a layer is kept; the first that holds is told. */
    public enum Kept {
        /** It reaches above the space limit. */
        BY_SPACE,
        /** It reaches above the time limit. */
        BY_TIME,
        /** A read for the sake of a branch below the cutoff may come to it. */
        BY_BRANCH,
        /** A read at a leased LSN below the cutoff may come to it. */
        BY_LEASE,
        /** Above it is no image layer below the cutoff for each of its keys. */
        NOT_COVERED
    }

    /**
     * What to do.
     *
     * @param removable the layers to remove
     * @param kept how many layers are kept, and why
     */
    public record Plan<L extends LayerExtent>(List<L> removable, Map<Kept, Integer> kept) {}

    private GcPlanner() {}

    /**
     * Plans. A layer may go if a read at any LSN that is retained stops before it comes there: since all of it is below the
     * cutoff and newer images below the cutoff cover all its keys, and since for each retained LSN below the cutoff it begins
     * above that, or newer images at or below that cover all its keys. The least of these LSNs that is not below the layer's
     * start decides: whatever covers the layer there does so for all above. (Neon keeps all that begins at or below the newest
     * branch point; then where there is always some young branch, nothing ever goes.)
     */
    public static <L extends LayerExtent> Plan<L> plan(LayerMap<L> map, GcInputs inputs) {
        Lsn cutoff = inputs.cutoff();
        Lsn time = inputs.time() == null ? Lsn.INVALID : inputs.time();
        RetainedHistory branches = RetainedHistory.at(inputs.branchPoints()).and(inputs.inherited());
        RetainedHistory leases = RetainedHistory.at(inputs.leases());
        List<L> removable = new ArrayList<>();
        Map<Kept, Integer> kept = new EnumMap<>(Kept.class);
        map.historicLayers().forEach(layer -> {
            Kept reason;
            if (layer.lsnEnd().isAfter(inputs.space())) {
                reason = Kept.BY_SPACE;
            } else if (layer.lsnEnd().isAfter(time)) {
                reason = Kept.BY_TIME;
            } else if (isNeeded(map, layer, leases, cutoff)) {
                reason = Kept.BY_LEASE;
            } else if (isNeeded(map, layer, branches, cutoff)) {
                reason = Kept.BY_BRANCH;
            } else if (!isCovered(map, layer, cutoff)) {
                reason = Kept.NOT_COVERED;
            } else {
                removable.add(layer);
                return;
            }
            kept.merge(reason, 1, Integer::sum);
        });
        return new Plan<>(removable, kept);
    }

    /** Whether a read at a retained LSN below the cutoff may come to a layer. From the cutoff on all LSNs are alike. */
    private static <L extends LayerExtent> boolean isNeeded(
            LayerMap<L> map, L layer, RetainedHistory retained, Lsn cutoff) {
        Lsn first = retained.first(layer.lsnStart());
        return first != null && first.isBefore(cutoff) && !isCovered(map, layer, first.plus(1));
    }

    /**
     * Whether newer images below an LSN cover all keys of a layer. An image has everything up to its LSN, inclusive: one at
     * the last LSN of a delta is new enough (Neon, whose images are made one LSN later, asks for the next), but not one at
     * the LSN of an image, for that is the same.
     */
    private static <L extends LayerExtent> boolean isCovered(LayerMap<L> map, L layer, Lsn below) {
        Lsn from = layer.kind() == LayerKind.IMAGE
                ? layer.lsnEnd()
                : layer.lsnEnd().minus(1);
        return from.isBefore(below) && map.imageLayerExists(layer.keyRange(), new LsnRange(from, below));
    }
}
