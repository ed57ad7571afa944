package dev.palimpsest.storage.check;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.index.TimelineMetadata;
import dev.palimpsest.storage.layer.LayerKind;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;

/** Which timeline of a tenant has branched off from which. */
record Lineage(SortedMap<TimelineId, TimelineMetadata> metadata) {
    /** Who reads a layer, and for what. */
    String consequence(LayerRef layer) {
        Lsn from = layer.name().lsnStart();
        String lsns = layer.name().kind() == LayerKind.IMAGE
                ? "at " + from + " and above"
                : "from " + from + " (in the layer up to " + layer.name().lsnEnd() + ", exclusive)";
        return "keys " + layer.name().keyRange() + " of timeline " + layer.timeline() + branches(layer.timeline(), from)
                + " cannot be read " + lsns + ", until a newer image of them covers it";
    }

    private String branches(TimelineId timeline, Lsn from) {
        List<TimelineId> found = new ArrayList<>();
        addBranches(timeline, from, found);
        return found.isEmpty() ? "" : " and of its branches " + found;
    }

    /** Adds the timelines that see what the ancestor has at an LSN. */
    private void addBranches(TimelineId ancestor, Lsn from, List<TimelineId> found) {
        for (Map.Entry<TimelineId, TimelineMetadata> entry : metadata.entrySet()) {
            TimelineMetadata.Ancestor point = entry.getValue().ancestor();
            if (point != null
                    && point.timeline().equals(ancestor)
                    && !point.lsn().isBefore(from)
                    && !found.contains(entry.getKey())) {
                found.add(entry.getKey());
                addBranches(entry.getKey(), from, found);
            }
        }
    }

    boolean isItsOwnAncestor(TimelineId timeline) {
        List<TimelineId> seen = new ArrayList<>();
        TimelineMetadata at = metadata.get(timeline);
        while (at != null && at.ancestor() != null) {
            TimelineId ancestor = at.ancestor().timeline();
            if (ancestor.equals(timeline)) {
                return true;
            }
            if (seen.contains(ancestor)) {
                return false; // a circle further up, which is told of those in it
            }
            seen.add(ancestor);
            at = metadata.get(ancestor);
        }
        return false;
    }
}
