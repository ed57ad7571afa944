package dev.palimpsest.storage.timeline;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.eviction.BackgroundEviction;
import dev.palimpsest.storage.index.TimelineMetadata;
import dev.palimpsest.storage.layer.Layer;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layermap.LayerVisibility;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * The layers of a timeline, as eviction sees them.
 *
 * @param readPoints where it is read: at its end, and where branches begin
 */
record LocalLayers(Timeline timeline, List<Lsn> readPoints) implements BackgroundEviction.EvictableTimeline {
    /**
     * Those of the timelines that have any.
     *
     * @param timelines all of a tenant that are not archived
     * @param doubtful where branches may begin of which it is not known whether they are there
     * @param archived the others of the tenant
     */
    static List<BackgroundEviction.EvictableTimeline> of(
            Collection<Timeline> timelines,
            Collection<Timeline.BranchPoint> doubtful,
            Collection<ArchivedTimeline> archived) {
        Map<TimelineId, SortedSet<Lsn>> readPoints = new HashMap<>();
        doubtful.forEach(point -> add(readPoints, point.ancestor().id(), point.lsn()));
        for (ArchivedTimeline one : archived) {
            TimelineMetadata.Ancestor point = one.ancestor();
            if (point != null) {
                add(readPoints, point.timeline(), point.lsn());
            }
        }
        for (Timeline timeline : timelines) {
            Timeline.BranchPoint point = timeline.branchPoint();
            if (point != null) {
                add(readPoints, point.ancestor().id(), point.lsn());
            }
        }
        List<BackgroundEviction.EvictableTimeline> all = new ArrayList<>();
        for (Timeline timeline : timelines) {
            if (timeline.layers().hasHistoricLayers()) {
                SortedSet<Lsn> points = readPoints.computeIfAbsent(timeline.id(), _ -> new TreeSet<>());
                points.add(timeline.lastRecordLsn());
                all.add(new LocalLayers(timeline, List.copyOf(points)));
            }
        }
        return all;
    }

    private static void add(Map<TimelineId, SortedSet<Lsn>> readPoints, TimelineId timeline, Lsn lsn) {
        readPoints.computeIfAbsent(timeline, _ -> new TreeSet<>()).add(lsn);
    }

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
