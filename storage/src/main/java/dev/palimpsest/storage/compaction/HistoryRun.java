package dev.palimpsest.storage.compaction;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
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
    /** Image layers that reach beyond what is done and were an input of each piece that they have keys of. */
    private final Set<LayerName> carried = new HashSet<>();

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
            carried.clear();
        }
        List<PersistentLayer> images = persistent(job.images());
        HistoryReport report = new HistoryCompaction(timeline, compaction, settings.maxChain(), carried, kept, context)
                .run(new HistoryPlanner.Job<>(job.range(), job.upTo(), persistent(job.deltas()), images), retained);
        carry(images, job.range(), report.jobs() > 0);
        upTo = Lsn.min(upTo, job.upTo());
        next = job.range().end();
        return report;
    }

    /**
     * Layers were removed between two pieces, maybe because an image layer covers them of which these had all that it has: it stays
     * then, for the next run.
     */
    public void layersRemoved() {
        carried.clear();
    }

    private void carry(List<PersistentLayer> images, KeyRange done, boolean rewritten) {
        Set<LayerName> before = Set.copyOf(carried);
        carried.clear();
        for (PersistentLayer image : images) {
            boolean isInput = image.keyRange().start().compareTo(done.start()) >= 0 || before.contains(image.name());
            if (rewritten && isInput && image.keyRange().end().compareTo(done.end()) > 0) {
                carried.add(image.name());
            }
        }
    }

    private static List<PersistentLayer> persistent(List<Layer> layers) {
        return layers.stream().map(PersistentLayer.class::cast).toList();
    }
}
