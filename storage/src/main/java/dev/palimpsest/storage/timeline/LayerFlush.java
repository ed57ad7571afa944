package dev.palimpsest.storage.timeline;

import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.compaction.FlushPlanner;
import dev.palimpsest.storage.compaction.FlushSettings;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.layer.LsnRange;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layer.memory.FrozenKeys;
import dev.palimpsest.storage.layer.memory.InMemoryLayer;
import java.util.List;

/**
 * Replaces one frozen layer, the oldest, by files: an L0 layer, or L1 layers if the {@link FlushPlanner} says so. Readers see all
 * of them at once, and so does the index part: all end at the same LSN, up to which it names layers or does not.
 */
final class LayerFlush implements InMemoryLayer.Division {
    private final Timeline timeline;
    private final InMemoryLayer frozen;
    private FlushPlanner.Plan plan = FlushPlanner.Plan.L0;

    LayerFlush(Timeline timeline, InMemoryLayer frozen) {
        this.timeline = timeline;
        this.frozen = frozen;
    }

    /** Writes the files and swaps them in. They and their names are durable on return. May be done anew after it failed. */
    void run(TimelineFiles files, RequestContext context) throws StorageException {
        List<PersistentLayer> written = files.write(frozen, this, context);
        timeline.layerSet()
                .update(map -> map.edit().replaceFrozen(frozen, written).apply());
        written.forEach(timeline.publisher()::added);
        timeline.upkeep().remember(plan.longChains());
        frozen.close();
    }

    @Override
    public List<KeyRange> divide(FrozenKeys keys) {
        FlushSettings settings = timeline.config().l1Flush().orElse(null);
        if (settings != null) {
            LsnRange lsns = new LsnRange(frozen.lsnStart(), frozen.lsnEnd());
            plan = FlushPlanner.plan(
                    keys,
                    frozen.size(),
                    lsns,
                    timeline.layerSet().snapshot(),
                    layer -> ((PersistentLayer) layer).size(),
                    settings);
        }
        return plan.ranges();
    }
}
