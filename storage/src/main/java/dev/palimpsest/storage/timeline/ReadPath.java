package dev.palimpsest.storage.timeline;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.Gate;
import dev.palimpsest.storage.context.ReadTrace;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.KeyCatalogue;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.Layer;
import dev.palimpsest.storage.layer.LayerKind;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layer.ReconstructState;
import dev.palimpsest.storage.layermap.RangeSearchResult;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * One read: gathers, for a set of keys at an LSN, what layers have of them, newest first, through the ancestors.
 *
 * <p>Each step asks the layer map which layer has the newest values below the LSN reached so far, reads that layer, and
 * goes on below it with the keys that need older values. An image layer answers for its whole key range: what is not in
 * it does not exist. What no layer of a timeline covers is looked for in its ancestor, at the LSN of the branch.
 */
final class ReadPath {
    private final ReconstructState state;
    private final RequestContext context;
    private final List<KeyRange> absent = new ArrayList<>();
    private final List<Searched> trail = new ArrayList<>(2);
    private int layersVisited;

    /** So many layers of a timeline were visited, as of an LSN. */
    private record Searched(int layers, TimelineId timeline, Lsn at) {
        @Override
        public String toString() {
            return layers + " layers of timeline " + timeline + " at " + at;
        }
    }

    ReadPath(ReconstructState state, RequestContext context) {
        this.state = state;
        this.context = context;
    }

    /** Gathers, on behalf of somebody who may read there; returns the keys of which nothing, or not enough, was found anywhere. */
    KeySpace collect(Timeline start, KeySpace keys, Lsn lsn) throws StorageException {
        absent.addAll(descend(start, keys, lsn).ranges());
        return KeySpace.ofUnordered(absent);
    }

    /**
     * Looks in a timeline and then, for what it does not have, in its ancestor, on behalf of somebody who is let in there. Who
     * comes in stays until the end: so when a timeline has been cut loose from its ancestor, and those who were inside have
     * gone, nobody looks into that one for its sake any more.
     */
    private KeySpace descend(Timeline timeline, KeySpace keys, Lsn at) throws StorageException {
        // Before the layers: what a timeline inherits becomes its own before it is cut loose.
        Timeline.@Nullable BranchPoint branch = timeline.branchPoint();
        int visitedBefore = layersVisited;
        KeySpace wanted = searchTimeline(timeline, keys, at);
        trail.add(new Searched(layersVisited - visitedBefore, timeline.id(), at));
        if (branch == null) {
            return wanted;
        }
        absent.addAll(wanted.intersect(KeyCatalogue.NOT_INHERITED).ranges());
        wanted = wanted.minus(KeyCatalogue.NOT_INHERITED);
        if (wanted.isEmpty()) {
            return wanted;
        }
        Timeline ancestor = branch.ancestor();
        Lsn below = Lsn.min(at, branch.lsn());
        // After a restart the ancestor may have to take in again what the branch was made from.
        ancestor.awaitLsn(below, context);
        try (Gate.Guard _ = ancestor.history().enterAnywhere()) {
            return descend(ancestor, wanted, below);
        }
    }

    /** Looks in one timeline; returns the keys that are to be looked for in its ancestor. */
    private KeySpace searchTimeline(Timeline timeline, KeySpace keys, Lsn lsn) throws StorageException {
        Fringe fringe = new Fringe();
        List<KeyRange> uncovered = new ArrayList<>();
        // The reader counts as one by now, so the layers of this epoch stay until it is done.
        long epoch = timeline.layerSet().epoch();
        plan(timeline, epoch, keys, lsn.plus(1), fringe, uncovered);
        for (Fringe.Visit visit = fringe.poll(); visit != null; visit = fringe.poll()) {
            context.checkCancelled();
            if (!visit.layer().tryAcquire()) {
                // The layer was replaced since the plan was made; the map of now has what replaced it.
                plan(timeline, epoch, visit.keys(), visit.end(), fringe, uncovered);
                continue;
            }
            KeySpace left;
            try {
                layersVisited++;
                visit(visit);
                left = state.withoutNewlyDone(visit.keys());
            } finally {
                visit.layer().release();
            }
            if (visit.layer().kind() == LayerKind.IMAGE) {
                KeySpace covered = KeySpace.of(visit.layer().keyRange());
                absent.addAll(left.intersect(covered).ranges());
                left = left.minus(covered);
            }
            plan(timeline, epoch, left, visit.floor(), fringe, uncovered);
        }
        return KeySpace.ofUnordered(uncovered);
    }

    private void visit(Fringe.Visit visit) throws StorageException {
        ReadTrace trace = context.trace();
        long begin = trace == null ? 0 : trace.begin();
        visit.layer().collect(visit.keys(), visit.floor(), visit.end(), state, context);
        if (trace != null) {
            trace.ended(step(visit.layer()), begin);
        }
    }

    private static ReadTrace.Step step(Layer layer) {
        if (layer.kind() == LayerKind.IMAGE) {
            return ReadTrace.Step.IMAGE_LAYER;
        }
        return layer instanceof PersistentLayer ? ReadTrace.Step.DELTA_LAYER : ReadTrace.Step.MEMORY_LAYER;
    }

    private void plan(Timeline timeline, long epoch, KeySpace keys, Lsn end, Fringe fringe, List<KeyRange> uncovered) {
        if (keys.isEmpty()) {
            return;
        }
        ReadTrace trace = context.trace();
        long begin = trace == null ? 0 : trace.begin();
        search(timeline, epoch, keys, end, fringe, uncovered);
        if (trace != null) {
            trace.ended(ReadTrace.Step.PLAN, begin);
        }
    }

    private void search(
            Timeline timeline, long epoch, KeySpace keys, Lsn end, Fringe fringe, List<KeyRange> uncovered) {
        state.reachCachedBelow(keys, end);
        KeySpace left = state.withoutNewlyDone(keys);
        List<KeyRange> found = new ArrayList<>(left.ranges().size());
        for (RangeSearchResult<Layer> part : timeline.layerSet().snapshot(epoch).rangeSearch(left, end)) {
            fringe.add(part.layer(), part.floor(), end, part.keys());
            found.addAll(part.keys().ranges());
        }
        // As many answers as single keys that were asked for: all are covered.
        if (found.size() != left.ranges().size() || !left.isOfSingleKeys()) {
            uncovered.addAll(left.minus(KeySpace.ofUnordered(found)).ranges());
        }
    }

    /** How many layers were visited so far. */
    int layersVisited() {
        return layersVisited;
    }

    /** What was searched, for the message about a key that was not found. */
    String searched() {
        return trail.stream().map(Searched::toString).collect(Collectors.joining(", then "));
    }
}
