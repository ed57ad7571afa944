package dev.palimpsest.storage.compaction;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.layer.Layer;
import dev.palimpsest.storage.layer.LsnRange;
import dev.palimpsest.storage.layer.MergeIterator;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layermap.LayerMap;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Replaces the oldest L0 layers of a timeline by L1 layers that have the same values. Every version is kept.
 *
 * <p>A crash at any moment leaves the index part with either the old layers or the new ones, all of them, and both have their
 * files; the next start deletes the files of those that are not named.
 */
public final class L0Compaction {
    private static final int VALUES_BETWEEN_CHECKS = 1024;

    private final CompactedTimeline timeline;
    private final CompactionSettings settings;
    private final RequestContext context;

    /**
     * @param timeline nobody else compacts it or collects its garbage meanwhile
     */
    public L0Compaction(CompactedTimeline timeline, CompactionSettings settings, RequestContext context) {
        this.timeline = timeline;
        this.settings = settings;
        this.context = context;
    }

    /**
     * What came of it.
     *
     * @param longChains keys with more records upon their last image than allowed, and an LSN after which an image would help
     */
    public record Result(CompactionReport report, SortedMap<Key, Lsn> longChains) {}

    /** Compacts once. Durable on return. If it throws, all that was readable still is. */
    public Result run(L0Planner.Trigger trigger) throws StorageException {
        return run(trigger, Lsn.MAX);
    }

    /** As the other one, but only what has nothing above an LSN. */
    Result run(L0Planner.Trigger trigger, Lsn upTo) throws StorageException {
        Lsn durableEnd = Lsn.min(timeline.diskConsistentLsn(), upTo).plus(1);
        LayerMap<Layer> map = timeline.layers();
        List<PersistentLayer> candidates = new ArrayList<>();
        for (Layer layer : map.l0Layers()) {
            // A layer that the index part does not name yet would be replaced by layers that it must not name either.
            if (!layer.lsnEnd().isAfter(durableEnd)) {
                candidates.add((PersistentLayer) layer);
            }
        }
        L0Planner.Plan<PersistentLayer> plan = L0Planner.plan(candidates, PersistentLayer::size, settings, trigger);
        if (plan.inputs().isEmpty()) {
            return new Result(CompactionReport.NOTHING, Collections.emptySortedMap());
        }
        LsnRange lsns = new LsnRange(
                plan.inputs().getFirst().lsnStart(), plan.inputs().getLast().lsnEnd());
        HoleFinder<Layer> holes = new HoleFinder<>(
                map,
                timeline.diskConsistentLsn(),
                settings.targetLayerBytes(),
                plan.inputs().size());
        return replace(plan, new L1Writer(timeline, settings, lsns, holes, _ -> false));
    }

    private Result replace(L0Planner.Plan<PersistentLayer> plan, L1Writer output) throws StorageException {
        boolean swapped = false;
        try (output) {
            merge(plan.inputs(), output);
            timeline.syncDirectory();
            timeline.checkRunning(context);
            timeline.swap(output.finished(), plan.inputs());
            swapped = true;
        } finally {
            if (!swapped) {
                output.finished().forEach(PersistentLayer::drop);
            }
        }
        timeline.publish(context);
        CompactionReport report = new CompactionReport(
                plan.moreLeft() ? CompactionReport.Outcome.MORE_TO_DO : CompactionReport.Outcome.DONE,
                plan.inputs().size(),
                plan.inputs().stream().mapToLong(PersistentLayer::size).sum(),
                output.finished().size(),
                output.finished().stream().mapToLong(PersistentLayer::size).sum(),
                output.values());
        return new Result(report, new TreeMap<>(output.longChains()));
    }

    private void merge(List<PersistentLayer> inputs, L1Writer output) throws StorageException {
        List<PersistentLayer> held = new ArrayList<>();
        try {
            List<MergeIterator.Input> opened = new ArrayList<>();
            for (PersistentLayer input : inputs) {
                if (!input.tryAcquire()) {
                    throw new IllegalStateException("layer " + input.name() + " of timeline " + timeline.id()
                            + " was removed while it is compacted");
                }
                held.add(input);
                opened.add(input.input(context));
            }
            try (MergeIterator values = new MergeIterator(opened)) {
                for (long i = 0; values.next(); i++) {
                    if (i % VALUES_BETWEEN_CHECKS == 0) {
                        timeline.checkRunning(context);
                    }
                    output.put(values.key(), values.lsn(), values.value(), values.willInit());
                }
            }
            output.finish();
        } finally {
            held.forEach(PersistentLayer::release);
        }
    }
}
