package dev.palimpsest.storage.timeline;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.compaction.RetainedHistory;
import dev.palimpsest.storage.compaction.RetainedHistory.Span;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.gc.GarbageCollection;
import dev.palimpsest.storage.gc.GcInputs;
import dev.palimpsest.storage.index.TimelineMetadata;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * At which LSNs below its cutoff a timeline may be read: by itself, where somebody leased or holds one; and for the sake of those
 * that descend from it, at any depth, each of which can read from its own cutoff on up to where its line left the timeline.
 *
 * <p>What a descendant's index part says of its cutoff counts: a crash takes it back there.
 */
record RetainedReads(
        Map<TimelineId, Timeline> timelines,
        ArchivedTimelines archived,
        Map<TimelineId, Timeline.BranchPoint> doubtful) {
    private static final Logger LOG = LoggerFactory.getLogger(RetainedReads.class);

    /**
     * One that may descend from the timeline.
     *
     * @param ancestor where it branched off; null if nowhere
     * @param readableFrom it can be read from here on
     * @param single and at these
     */
    record Descendant(TimelineMetadata.@Nullable Ancestor ancestor, Lsn readableFrom, Collection<Lsn> single) {}

    /** Has the descendants' index parts name the cutoffs that apply, so that no more is retained for them than need be. */
    void publishCutoffs(Timeline timeline, RequestContext context) throws StorageException {
        Map<TimelineId, List<Descendant>> descendants = descendants();
        for (Timeline other : List.copyOf(timelines.values())) {
            Lsn upTo = entry(timeline.id(), branchOf(other), descendants);
            Lsn durable = other.indexPart().metadata().latestGcCutoffLsn();
            if (upTo != null && durable.isBefore(upTo) && durable.isBefore(other.gcCutoffLsn())) {
                try {
                    other.publisher().publish(context);
                } catch (StorageException e) {
                    context.checkCancelled();
                    LOG.info("more is kept for timeline {} than need be: {}", other.id(), e.getMessage());
                }
            }
        }
    }

    /**
     * Prepares GC of a timeline.
     *
     * @param own what else is retained
     * @return what is retained in all; to be asked when no other GC or compaction runs, and no timeline that moves here is on
     *     its way
     */
    Supplier<GcInputs> beside(Timeline timeline, GcInputs own, GarbageCollection.Mode mode, RequestContext context)
            throws StorageException {
        if (mode == GarbageCollection.Mode.DRY_RUN) {
            return () -> own.withInherited(of(timeline));
        }
        publishCutoffs(timeline, context);
        RetainedHistory before = of(timeline);
        awaitDescendants(timeline, context);
        // What becomes unreadable between the two is still being read.
        return () -> own.withInherited(before.and(of(timeline)));
    }

    /**
     * Waits for all who began to read descendants before the call: at an LSN that was theirs to read then, and may not be any
     * more, they may still be on their way into the timeline.
     */
    void awaitDescendants(Timeline timeline, RequestContext context) throws StorageException {
        Map<TimelineId, List<Descendant>> descendants = descendants();
        for (Timeline other : List.copyOf(timelines.values())) {
            if (entry(timeline.id(), branchOf(other), descendants) != null) {
                other.history().awaitReaders(context);
            }
        }
    }

    /** To be asked when no timeline is on its way to become a branch of this one. */
    RetainedHistory of(Timeline timeline) {
        return of(timeline.id(), timeline.history().singles(), descendants());
    }

    static RetainedHistory of(TimelineId timeline, Collection<Lsn> own, Map<TimelineId, List<Descendant>> others) {
        List<Span> spans = new ArrayList<>();
        own.forEach(lsn -> add(spans, lsn, Lsn.MAX));
        for (List<Descendant> states : others.values()) {
            for (Descendant other : states) {
                Lsn upTo = entry(timeline, other.ancestor, others);
                if (upTo != null) {
                    spans.add(new Span(Lsn.min(other.readableFrom, upTo), upTo));
                    other.single.forEach(lsn -> add(spans, lsn, upTo));
                }
            }
        }
        return RetainedHistory.of(spans);
    }

    /** A branch may begin at an LSN that is held, rounded up to where a record can end. */
    private static void add(List<Span> spans, Lsn lsn, Lsn upTo) {
        Lsn rounded = lsn.isAligned() ? lsn : lsn.plus(Lsn.RECORD_ALIGNMENT - lsn.value() % Lsn.RECORD_ALIGNMENT);
        spans.add(new Span(Lsn.min(lsn, upTo), Lsn.min(rounded, upTo)));
    }

    /** At which LSN one comes to a timeline through its ancestors, as of its end; null if it does not. */
    private static @Nullable Lsn entry(
            TimelineId timeline, TimelineMetadata.@Nullable Ancestor from, Map<TimelineId, List<Descendant>> others) {
        if (from == null) {
            return null;
        }
        if (from.timeline().equals(timeline)) {
            return from.lsn();
        }
        Lsn highest = null;
        for (Descendant between : others.getOrDefault(from.timeline(), List.of())) {
            Lsn upTo = entry(timeline, between.ancestor, others);
            if (upTo != null) {
                Lsn here = Lsn.min(upTo, from.lsn());
                highest = highest == null ? here : Lsn.max(highest, here);
            }
        }
        return highest;
    }

    private static TimelineMetadata.@Nullable Ancestor branchOf(Timeline timeline) {
        return ancestor(timeline.branchPoint());
    }

    private static TimelineMetadata.@Nullable Ancestor ancestor(Timeline.@Nullable BranchPoint point) {
        return point == null
                ? null
                : new TimelineMetadata.Ancestor(point.ancestor().id(), point.lsn());
    }

    /** All that there are; one that is being archived or taken back may be there in both states. */
    private Map<TimelineId, List<Descendant>> descendants() {
        Map<TimelineId, List<Descendant>> all = new TreeMap<>();
        doubtful.forEach((id, point) -> note(all, id, new Descendant(ancestor(point), Lsn.INVALID, Set.of())));
        noteTimelines(all);
        for (ArchivedTimeline one : archived.all()) {
            note(all, one.id(), new Descendant(one.ancestor(), one.gcCutoffLsn(), Set.of()));
        }
        noteTimelines(all);
        return all;
    }

    private void noteTimelines(Map<TimelineId, List<Descendant>> all) {
        for (Timeline one : timelines.values()) {
            note(
                    all,
                    one.id(),
                    new Descendant(
                            branchOf(one),
                            one.indexPart().metadata().latestGcCutoffLsn(),
                            one.history().singles()));
        }
    }

    private static void note(Map<TimelineId, List<Descendant>> all, TimelineId id, Descendant one) {
        all.computeIfAbsent(id, _ -> new ArrayList<>()).add(one);
    }
}
