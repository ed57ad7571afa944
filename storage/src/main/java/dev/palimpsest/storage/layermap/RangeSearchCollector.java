package dev.palimpsest.storage.layermap;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.LayerExtent;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Puts together the ranges of keys, given in ascending order, that are to be read from the same layer to the same floor. */
final class RangeSearchCollector<L extends LayerExtent> {
    private record Visit<L>(L layer, long floor) {}

    private final Map<Visit<L>, List<KeyRange>> visits = new LinkedHashMap<>();
    private @Nullable Visit<L> current;
    private Key start = Key.MIN;
    private Key end = Key.MIN;

    void add(L layer, long floor, Key nextStart, Key nextEnd) {
        Visit<L> visit = new Visit<>(layer, floor);
        if (!visit.equals(current) || !end.equals(nextStart)) {
            finishCurrent();
            current = visit;
            start = nextStart;
        }
        end = nextEnd;
    }

    private void finishCurrent() {
        if (current != null) {
            visits.computeIfAbsent(current, visit -> new ArrayList<>()).add(new KeyRange(start, end));
        }
    }

    List<RangeSearchResult<L>> results() {
        finishCurrent();
        current = null;
        List<RangeSearchResult<L>> results = new ArrayList<>(visits.size());
        visits.forEach((visit, ranges) ->
                results.add(new RangeSearchResult<>(visit.layer, new Lsn(visit.floor), new KeySpace(ranges))));
        return results;
    }
}
