package dev.palimpsest.storage.compaction;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.layer.Layer;
import dev.palimpsest.storage.layer.LayerName;
import dev.palimpsest.storage.layer.PersistentLayer;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Compacts the history of a timeline once, piece by piece from its first key to its last. Used by one task
 * at a time. */
public final class HistoryRun {
    private final HistoryTimeline timeline;
    private final Set<LayerName> kept = new HashSet<>();
    private Key next = Key.MIN;
    /** Every key from here up to the next one was rewritten. */
    private Key doneFrom = Key.MIN;

    private Lsn upTo = Lsn.MAX;

    /** Begins nothing yet. */
    public HistoryRun(HistoryTimeline timeline) {
        this.timeline = timeline;
    }

    /** Whether all keys were done. */
    public boolean isDone() {
        return next.equals(Key.MAX);
    }

    /** Up to where history was compacted, of all keys; 0/0 if nothing was. */
    public Lsn upTo() {
        return upTo.equals(Lsn.MAX) ? Lsn.INVALID : upTo;
    }

    /**
     * Does the next piece, and what else can be done at or below the cutoff for it: L0 layers there become L1 layers first. While
     * it runs nobody else compacts the timeline or collects its garbage; between two pieces they may. Durable on return.
     *
     * @param cutoff what is above it is left alone; reads below it are refused, but for what is retained. Not beyond {@code
     *     disk_consistent_lsn}
     * @param retained at which LSNs below the cutoff the timeline is read, or may come to be
     */
    public HistoryReport next(
            CompactionSettings compaction,
            HistorySettings settings,
            Lsn cutoff,
            RetainedHistory retained,
            RequestContext context)
            throws StorageException {
        if (next.equals(Key.MIN)) {
            new L0Compaction(timeline, compaction, context).run(L0Planner.Trigger.ALWAYS, cutoff);
        }
        HistoryPlanner.Job<Layer> job = HistoryPlanner.next(
                timeline.layers(), layer -> ((PersistentLayer) layer).size(), next, cutoff, settings);
        if (job == null) {
            next = Key.MAX;
            return HistoryReport.NOTHING;
        }
        if (!job.range().start().equals(next)) {
            doneFrom = job.range().start();
        }
        HistoryReport report = new HistoryCompaction(timeline, compaction, settings.maxChain(), doneFrom, kept, context)
                .run(
                        new HistoryPlanner.Job<>(
                                job.range(), job.upTo(), persistent(job.deltas()), persistent(job.images())),
                        retained);
        if (report.jobs() == 0) {
            doneFrom = job.range().end();
        }
        upTo = Lsn.min(upTo, job.upTo());
        next = job.range().end();
        return report;
    }

    private static List<PersistentLayer> persistent(List<Layer> layers) {
        return layers.stream().map(PersistentLayer.class::cast).toList();
    }
}
