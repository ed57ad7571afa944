package dev.palimpsest.storage.layermap;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.LayerExtent;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Puts together the ranges of keys, given in ascending order, that are to be read from the same layer to the same floor. Mostly
 * that is all of them, so it looks up only what differs from the one before.
 */
final class RangeSearchCollector<L extends LayerExtent> {
    private record Visit<L>(L layer, long floor) {
        boolean is(L other, long otherFloor) {
            return floor == otherFloor && layer.equals(other);
        }
    }

    private final Map<Visit<L>, List<KeyRange>> visits = new LinkedHashMap<>();
    private @Nullable Visit<L> current;
    private List<KeyRange> ranges = List.of();
    private @Nullable KeyRange last;

    void add(L layer, long floor, KeyRange range) {
        if (current == null || !current.is(layer, floor)) {
            finishLast();
            current = new Visit<>(layer, floor);
            ranges = visits.computeIfAbsent(current, _ -> new ArrayList<>());
            last = range;
        } else if (last != null && last.end().equals(range.start())) {
            last = new KeyRange(last.start(), range.end());
        } else {
            finishLast();
            last = range;
        }
    }

    private void finishLast() {
        if (last != null) {
            ranges.add(last);
        }
    }

    List<RangeSearchResult<L>> results() {
        finishLast();
        last = null;
        List<RangeSearchResult<L>> results = new ArrayList<>(visits.size());
        visits.forEach((visit, keys) ->
                results.add(new RangeSearchResult<>(visit.layer, new Lsn(visit.floor), new KeySpace(keys))));
        return results;
    }
}
