package dev.palimpsest.storage.timeline;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.eviction.BackgroundEviction;
import dev.palimpsest.storage.layer.Layer;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layermap.LayerVisibility;
import java.util.List;

/**
 * The layers of a timeline, as eviction sees them.
 *
 * @param readPoints where it is read: at its end, and where branches begin
 */
record LocalLayers(Timeline timeline, List<Lsn> readPoints) implements BackgroundEviction.EvictableTimeline {
    @Override
    public TimelineId id() {
        return timeline.id();
    }

    @Override
    public LayerVisibility<PersistentLayer> persistentLayers() {
        LayerVisibility<Layer> layers = timeline.layers().visibility(readPoints);
        return new LayerVisibility<>(persistent(layers.visible()), persistent(layers.covered()));
    }

    private static List<PersistentLayer> persistent(List<Layer> layers) {
        return layers.stream().map(PersistentLayer.class::cast).toList();
    }
}
