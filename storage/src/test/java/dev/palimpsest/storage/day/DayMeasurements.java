package dev.palimpsest.storage.day;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.compaction.BackgroundCompaction;
import dev.palimpsest.storage.gc.BackgroundGc;
import dev.palimpsest.storage.index.IndexPartCodec;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.layer.Layer;
import dev.palimpsest.storage.layer.LayerKind;
import dev.palimpsest.storage.layermap.SearchResult;
import dev.palimpsest.storage.simulation.SimulatedDisk;
import dev.palimpsest.storage.simulation.SimulatedObjectStore;
import dev.palimpsest.storage.timeline.TenantTimelines;
import dev.palimpsest.storage.timeline.Timeline;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.util.ArrayList;
import java.util.List;

/** Looks at what a store takes, without changing anything. */
final class DayMeasurements {
    private static final String EPHEMERAL = "pageserver_timeline_ephemeral_bytes";
    private static final String DOWNLOADED = "pageserver_remote_ondemand_downloaded_layers";

    private final SimulatedDisk disk;
    private final SimulatedObjectStore bucket;
    private final PrometheusRegistry metrics;
    private final TenantTimelines tenant;
    private final DayWork work;
    private final BackgroundCompaction compaction;
    private final BackgroundGc gc;

    DayMeasurements(
            SimulatedDisk disk,
            SimulatedObjectStore bucket,
            PrometheusRegistry metrics,
            TenantTimelines tenant,
            DayWork work,
            BackgroundCompaction compaction,
            BackgroundGc gc) {
        this.disk = disk;
        this.bucket = bucket;
        this.metrics = metrics;
        this.tenant = tenant;
        this.work = work;
        this.compaction = compaction;
        this.gc = gc;
    }

    DaySample take() throws StorageException {
        List<Timeline> timelines = tenant.all();
        long memory = (long) value(EPHEMERAL);
        for (Timeline timeline : timelines) {
            memory += IndexPartCodec.encode(timeline.indexPart()).length;
        }
        List<Integer> depths = depths();
        return new DaySample(
                work.elapsed(),
                work.walBytes(),
                timelines.size(),
                timelines.stream().mapToLong(Timeline::residentBytes).sum(),
                disk.usedBytes(),
                bucket.usedBytes(),
                bucket.keys().size(),
                timelines.stream()
                        .mapToInt(timeline ->
                                (int) timeline.layers().historicLayers().count())
                        .sum(),
                depths.get(depths.size() / 2),
                depths.get(depths.size() * 99 / 100),
                memory,
                compaction.states().size() + gc.states().size() + metricValues());
    }

    /** How many layers were downloaded so far. */
    int downloads() {
        return (int) value(DOWNLOADED);
    }

    private double value(String name) {
        return switch (metrics.scrape(name::equals).stream().findFirst().orElse(null)) {
            case CounterSnapshot counter ->
                counter.getDataPoints().stream()
                        .mapToDouble(CounterSnapshot.CounterDataPointSnapshot::getValue)
                        .sum();
            case GaugeSnapshot gauge ->
                gauge.getDataPoints().stream()
                        .mapToDouble(GaugeSnapshot.GaugeDataPointSnapshot::getValue)
                        .sum();
            case null, default -> throw new IllegalStateException("there is no metric " + name);
        };
    }

    private int metricValues() {
        return metrics.scrape().stream()
                .mapToInt((MetricSnapshot metric) -> metric.getDataPoints().size())
                .sum();
    }

    /** For each page of each timeline, at its end, how many layers there are down to the first image, in order. */
    private List<Integer> depths() throws StorageException {
        List<Integer> depths = new ArrayList<>();
        for (DayModel model : work.models()) {
            Timeline timeline = tenant.timeline(model.id);
            Lsn last = timeline.lastRecordLsn();
            for (KeyRange range : model.keys(last).ranges()) {
                for (Key key = range.start(); key.compareTo(range.end()) < 0; key = key.next()) {
                    depths.add(depth(timeline, key, last.plus(1)));
                }
            }
        }
        depths.sort(null);
        return depths;
    }

    private static int depth(Timeline timeline, Key key, Lsn from) {
        int depth = 0;
        Timeline at = timeline;
        Lsn end = from;
        while (true) {
            SearchResult<Layer> found = at.layers().search(key, end);
            while (found != null) {
                depth++;
                if (found.layer().kind() == LayerKind.IMAGE) {
                    return depth;
                }
                found = at.layers().search(key, found.floor());
            }
            Timeline.BranchPoint point = at.branchPoint();
            if (point == null) {
                return depth;
            }
            end = Lsn.min(end, point.lsn().plus(1));
            at = point.ancestor();
        }
    }
}
