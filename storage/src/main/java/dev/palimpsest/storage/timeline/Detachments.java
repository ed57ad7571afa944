package dev.palimpsest.storage.timeline;

import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.Gate;
import dev.palimpsest.storage.context.Mutex;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.index.IndexPart;
import dev.palimpsest.storage.index.IndexPart.GcBlocking;
import dev.palimpsest.storage.index.IndexPart.GcBlockingReason;
import dev.palimpsest.storage.index.TimelineMetadata;
import dev.palimpsest.storage.layer.Layer;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layermap.LayerMapEditor;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Cuts timelines of a tenant loose from their ancestors, one at a time.
 *
 * <pre>
 *   block GC ─ take the layers ─ cut loose ─ move each branch of the ancestor that left it no later ─ unblock GC
 *              (may take long)   ╰────────── an index part each, under the tenant's lifecycle mutex ──────────╯
 * </pre>
 *
 * <p>What counts is the index part that cuts the timeline loose: it names all layers and no ancestor. Before it, everything is
 * as it was, and what was taken is of no use but to another attempt. After it, the branches that are still with the ancestor
 * can be read there as well as here. That GC is blocked says that this is not finished: nothing that they need goes meanwhile,
 * and whoever loads the tenant finishes it.
 */
final class Detachments {
    private static final Logger LOG = LoggerFactory.getLogger(Detachments.class);

    private final Engine engine;
    private final Map<TimelineId, Timeline> timelines;
    private final ArchivedTimelines archived;
    private final Mutex running;
    private volatile @Nullable TimelineId busy;

    /** @param timelines always those of now */
    Detachments(Engine engine, Map<TimelineId, Timeline> timelines, ArchivedTimelines archived) {
        this.engine = engine;
        this.timelines = timelines;
        this.archived = archived;
        this.running = new Mutex("cutting a timeline loose from its ancestor", engine.newSignal());
    }

    /** @throws InvalidRequestException if a timeline is being cut loose, which must not be deleted or archived meanwhile */
    void checkNotBusy(TimelineId id) throws InvalidRequestException {
        if (id.equals(busy)) {
            throw new InvalidRequestException("timeline " + id + " is being detached from its ancestor");
        }
    }

    /** As {@link TenantTimelines#detach}. */
    List<TimelineId> detach(Timeline timeline, Mutex lifecycle, RequestContext context) throws StorageException {
        try (Mutex.Held _ = running.acquire(context)) {
            busy = timeline.id();
            if (timeline.branchPoint() == null) {
                return finishOrRefuse(timeline, lifecycle, context);
            }
            if (timeline.descent().isCutLoose()) {
                // An attempt before has got that far. What it took is all there is to take: the ancestor may have lost
                // some since.
                try (Mutex.Held _ = lifecycle.acquire(context);
                        Gate.Guard _ = timeline.enter()) {
                    cutLoose(timeline, context);
                    return finish(timeline, context);
                }
            }
            boolean done = false;
            block(timeline, context);
            try (AncestorDetachment detachment = new AncestorDetachment(engine, timeline, context)) {
                List<PersistentLayer> taken = detachment.take();
                try (Mutex.Held _ = lifecycle.acquire(context);
                        Gate.Guard _ = timeline.enter()) {
                    own(timeline, taken);
                    detachment.owned();
                    done = true; // as far as GC is concerned: it is let go on when the branches have been moved
                    cutLoose(timeline, context);
                    return finish(timeline, context);
                }
            } finally {
                if (!done) {
                    unblock(timeline, context);
                }
            }
        } finally {
            busy = null;
        }
    }

    private List<TimelineId> finishOrRefuse(Timeline timeline, Mutex lifecycle, RequestContext context)
            throws StorageException {
        if (timeline.indexPart().lineage().originalAncestor() == null) {
            throw new InvalidRequestException("timeline " + timeline.id() + " has no ancestor");
        }
        try (Mutex.Held _ = lifecycle.acquire(context)) {
            return isUnfinished(timeline.indexPart()) ? finish(timeline, context) : List.of();
        }
    }

    private static boolean isUnfinished(IndexPart part) {
        GcBlocking blocking = part.state().gcBlocking();
        return blocking != null && blocking.reasons().contains(GcBlockingReason.DETACH_ANCESTOR);
    }

    /** From here on no GC of the timeline begins, and none runs. */
    private void block(Timeline timeline, RequestContext context) throws StorageException {
        Instant now = engine.environment().clock().now();
        timeline.updateState(
                state -> state.withGcBlocking(
                        GcBlocking.with(state.gcBlocking(), GcBlockingReason.DETACH_ANCESTOR, now)),
                context);
        timeline.upkeep().awaitIdle(context);
    }

    private static void own(Timeline timeline, List<PersistentLayer> taken) {
        RemoteLayers remote = timeline.publisher().remote();
        taken.forEach(layer -> remote.own(layer.fileName()));
        timeline.layerSet().update(map -> {
            LayerMapEditor<Layer> edit = map.edit();
            taken.forEach(edit::add);
            return edit.apply();
        });
    }

    /** The layers are the timeline's. */
    private void cutLoose(Timeline timeline, RequestContext context) throws StorageException {
        Timeline.@Nullable BranchPoint from = timeline.branchPoint();
        if (from == null) {
            return;
        }
        Instant now = engine.environment().clock().now();
        timeline.descent()
                .cutLoose(new IndexPart.OriginalAncestor(from.ancestor().id(), from.lsn(), now));
        timeline.publisher().publish(context);
        timeline.descent().setBranchPoint(null);
        timeline.history().awaitReaders(context);
        timeline.flushLoop().layersChanged();
        LOG.info(
                "timeline {} is independent of {} now",
                timeline.id(),
                from.ancestor().id());
    }

    /** To be called once when the tenant is loaded, before anybody uses it. */
    void finishAll(RequestContext context) throws StorageException {
        for (Timeline timeline : List.copyOf(timelines.values())) {
            if (isUnfinished(timeline.indexPart())) {
                finish(timeline, context);
            }
        }
    }

    /** Moves the branches that are to be moved, if the timeline was cut loose, and lets GC go on. */
    private List<TimelineId> finish(Timeline timeline, RequestContext context) throws StorageException {
        List<TimelineId> moved = new ArrayList<>();
        IndexPart.OriginalAncestor from = timeline.indexPart().lineage().originalAncestor();
        if (from != null && timeline.branchPoint() == null) {
            for (Timeline other : timelines.values()) {
                Timeline.@Nullable BranchPoint at = other.branchPoint();
                if (at != null
                        && at.ancestor().id().equals(from.timeline())
                        && !at.lsn().isAfter(from.lsn())) {
                    move(other, new Timeline.BranchPoint(timeline, at.lsn()), context);
                    moved.add(other.id());
                }
            }
            moveArchived(timeline, from, moved, context);
        }
        timeline.updateState(Detachments::unblocked, context);
        return moved;
    }

    private static IndexPart.State unblocked(IndexPart.State state) {
        return state.withGcBlocking(GcBlocking.without(state.gcBlocking(), GcBlockingReason.DETACH_ANCESTOR));
    }

    /** After a failure: if this fails too, GC is let go on by the next attempt, or when the tenant is loaded. */
    private static void unblock(Timeline timeline, RequestContext context) {
        try {
            timeline.updateState(Detachments::unblocked, context);
        } catch (StorageException e) {
            LOG.info("GC of timeline {} stays blocked: {}", timeline.id(), e.getMessage());
        }
    }

    private static void move(Timeline other, Timeline.BranchPoint to, RequestContext context) throws StorageException {
        other.descent().moveTo(new TimelineMetadata.Ancestor(to.ancestor().id(), to.lsn()));
        other.publisher().publish(context);
        other.descent().setBranchPoint(to);
        other.history().awaitReaders(context);
    }

    private void moveArchived(
            Timeline timeline, IndexPart.OriginalAncestor from, List<TimelineId> moved, RequestContext context)
            throws StorageException {
        for (ArchivedTimeline one : archived.on(from.timeline())) {
            TimelineMetadata.Ancestor at = one.ancestor();
            if (at != null && !at.lsn().isAfter(from.lsn())) {
                TimelineMetadata.Ancestor to = new TimelineMetadata.Ancestor(timeline.id(), at.lsn());
                archived.update(
                        one.id(),
                        part -> part.with(
                                part.layers(),
                                part.metadata().withAncestor(to),
                                part.lineage().movedAwayFrom(from.timeline())),
                        context);
                moved.add(one.id());
            }
        }
        archived.publish(context);
    }
}
