package dev.palimpsest.storage.gc;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.layer.Layer;
import dev.palimpsest.storage.layer.PersistentLayer;
import java.util.List;

/**
 * Removes layers that nothing retained needs.
 *
 * <p>A read goes down layer by layer, each time looking at the layer map of now. So a read that began before the newest images
 * were there may have gone past them and need what lies below; and one that began before the cutoff was raised may be at an
 * LSN below it. Nothing is removed before all those have ended.
 *
 * <pre>
 *   (the cutoff is raised) ─ plan ─ await readers ─ remove from the layer map ─ publish the index part ─ delete files
 * </pre>
 */
public final class GarbageCollection {
    private final CollectedTimeline timeline;
    private final RequestContext context;

    /** Whether to remove anything. */
    public enum Mode {
        /** Only say what would be removed. */
        DRY_RUN,
        /** Remove. */
        REMOVE
    }

    /**
     * @param timeline nobody else compacts it or collects its garbage meanwhile
     */
    public GarbageCollection(CollectedTimeline timeline, RequestContext context) {
        this.timeline = timeline;
        this.context = context;
    }

    /**
     * Collects once. Durable on return.
     *
     * @param inputs what is retained. To {@code REMOVE}, reads and branches below its cutoff must be refused already
     * @throws IllegalStateException if they are not
     */
    public GcReport run(GcInputs inputs, Mode mode) throws StorageException {
        GcInputs bounded = inputs.notBeyond(timeline.diskConsistentLsn());
        Lsn cutoff = bounded.cutoff();
        GcPlanner.Plan<Layer> plan = GcPlanner.plan(timeline.layers(), bounded);
        List<PersistentLayer> removable =
                plan.removable().stream().map(PersistentLayer.class::cast).toList();
        if (mode == Mode.REMOVE && !removable.isEmpty()) {
            if (timeline.gcCutoffLsn().isBefore(cutoff)) {
                throw new IllegalStateException("layers below " + cutoff
                        + " would be removed though history can be read from " + timeline.gcCutoffLsn() + " on");
            }
            timeline.awaitReaders(context);
            timeline.remove(removable);
            timeline.publish(context);
        }
        return new GcReport(
                cutoff,
                removable.size(),
                removable.stream().mapToLong(PersistentLayer::size).sum(),
                plan.kept());
    }
}
