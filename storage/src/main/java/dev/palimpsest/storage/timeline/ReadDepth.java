package dev.palimpsest.storage.timeline;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyCatalogue;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.Layer;
import dev.palimpsest.storage.layer.LayerKind;
import dev.palimpsest.storage.layermap.LayerMap;
import dev.palimpsest.storage.layermap.SearchResult;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How many layers lie above one another where a read at the end of a timeline looks: from the newest down to the first image
 * layer, through the ancestors. It is what a read visits at most: one stops earlier where a value needs nothing older.
 * Computed from the layer maps alone, for the first keys of layers, where the depth may change.
 *
 * @param keys for how many keys
 * @param mean over these
 * @param max over these
 */
public record ReadDepth(int keys, double mean, int max) {
    /** That there is nothing to read. */
    public static final ReadDepth NONE = new ReadDepth(0, 0, 0);

    /**
     * Measures, for keys spread evenly over the first keys of all layers.
     *
     * @param sample at most how many keys; at least 1
     */
    public static ReadDepth of(Timeline timeline, int sample) {
        List<Key> starts = starts(timeline);
        if (starts.isEmpty()) {
            return NONE;
        }
        int keys = Math.min(sample, starts.size());
        long sum = 0;
        int max = 0;
        for (int i = 0; i < keys; i++) {
            int depth = depth(timeline, starts.get((int) ((long) i * starts.size() / keys)));
            sum += depth;
            max = Math.max(max, depth);
        }
        return new ReadDepth(keys, (double) sum / keys, max);
    }

    private static List<Key> starts(Timeline timeline) {
        List<Timeline> line = new ArrayList<>();
        for (Timeline.@Nullable BranchPoint point = new Timeline.BranchPoint(timeline, Lsn.MAX);
                point != null;
                point = point.ancestor().branchPoint()) {
            line.add(point.ancestor());
        }
        return line.stream()
                .flatMap(each -> each.layers().historicLayers())
                .map(layer -> layer.keyRange().start())
                .distinct()
                .sorted()
                .toList();
    }

    private static int depth(Timeline timeline, Key key) {
        int depth = 0;
        Timeline at = timeline;
        Lsn end = timeline.lastRecordLsn().plus(1);
        while (true) {
            LayerMap<Layer> map = at.layers();
            for (SearchResult<Layer> found = map.search(key, end);
                    found != null;
                    found = map.search(key, found.floor())) {
                depth++;
                if (found.layer().kind() == LayerKind.IMAGE) {
                    return depth;
                }
            }
            Timeline.@Nullable BranchPoint point = at.branchPoint();
            if (point == null
                    || !KeyCatalogue.NOT_INHERITED.intersect(KeySpace.of(key)).isEmpty()) {
                return depth;
            }
            end = Lsn.min(end, point.lsn().plus(1));
            at = point.ancestor();
        }
    }
}
