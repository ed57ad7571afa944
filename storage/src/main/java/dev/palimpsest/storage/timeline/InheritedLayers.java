package dev.palimpsest.storage.timeline;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.layer.DeltaLayerName;
import dev.palimpsest.storage.layer.LayerName;
import dev.palimpsest.storage.layer.LsnRange;
import dev.palimpsest.storage.layer.PersistentLayer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Plans how a timeline gets layers of its own for what it sees of its ancestors: a pure function.
 *
 * <p>Of an ancestor it sees what is at or below an LSN: its branch point there, or a lesser one that lies between. A layer that
 * begins beyond that is left where it is. A delta layer that begins at or below and ends beyond is written anew, with what is
 * at or below. All others are taken as they are.
 */
final class InheritedLayers {
    private InheritedLayers() {}

    /**
     * What is seen of one ancestor.
     *
     * @param owner the ancestor
     * @param upTo the last LSN that is seen, inclusive
     * @param layers of the ancestor, all of them
     */
    record Level(TimelineId owner, Lsn upTo, List<PersistentLayer> layers) {}

    /**
     * A layer to be taken.
     *
     * @param owner whose it is
     * @param as its name with the timeline
     */
    record Step(TimelineId owner, PersistentLayer layer, LayerName as) {
        /** Whether all of the layer is at or below the LSN that is seen. */
        boolean isWhole() {
            return as.equals(layer.name());
        }
    }

    /**
     * The layers to take. Where an ancestor and the timeline, or two ancestors, have layers of one name, they are images as of a
     * branch point, and have the same: the nearest is enough.
     *
     * @param own the names that the timeline has already
     * @param levels the ancestors, the nearest first
     */
    static List<Step> plan(Set<LayerName> own, List<Level> levels) {
        Set<LayerName> names = new HashSet<>(own);
        List<Step> steps = new ArrayList<>();
        for (Level level : levels) {
            for (PersistentLayer layer : level.layers()) {
                if (layer.lsnStart().isAfter(level.upTo())) {
                    continue;
                }
                LayerName as = layer.name();
                Lsn end = level.upTo().plus(1);
                if (as.lsnEnd().isAfter(end)) {
                    as = new DeltaLayerName(as.keyRange(), new LsnRange(as.lsnStart(), end));
                }
                if (names.add(as)) {
                    steps.add(new Step(level.owner(), layer, as));
                }
            }
        }
        return steps;
    }
}
