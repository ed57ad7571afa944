package dev.palimpsest.storage.timeline;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.Layer;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * The layers that a read is to visit next, newest first. Keys that lead to the same part of the same layer are visited
 * together, so that a layer is read once for all of them.
 */
final class Fringe {
    /** A part of a layer, LSNs from {@code floor} inclusive to {@code end} exclusive; identity of the layer counts. */
    private record Part(Layer layer, Lsn floor, Lsn end) {
        @Override
        @SuppressWarnings("ReferenceEquality") // which layer, not what it covers
        public boolean equals(@Nullable Object other) {
            return other instanceof Part that
                    && layer == that.layer
                    && floor.equals(that.floor)
                    && end.equals(that.end);
        }

        @Override
        public int hashCode() {
            return 31 * (31 * System.identityHashCode(layer) + floor.hashCode()) + end.hashCode();
        }
    }

    /** A part of a layer and the keys to look for there. */
    record Visit(Layer layer, Lsn floor, Lsn end, KeySpace keys) {}

    private static final Comparator<Part> NEWEST_FIRST =
            Comparator.comparing(Part::end).reversed().thenComparing(Part::floor);

    private final PriorityQueue<Part> order = new PriorityQueue<>(NEWEST_FIRST);
    private final Map<Part, KeySpace> keys = new HashMap<>();

    /** Adds a visit, or keys to one that is planned already. */
    void add(Layer layer, Lsn floor, Lsn end, KeySpace wanted) {
        Part part = new Part(layer, floor, end);
        KeySpace planned = keys.get(part);
        keys.put(part, planned == null ? wanted : planned.union(wanted));
        if (planned == null) {
            order.add(part);
        }
    }

    /** Takes the newest visit out; null when there is none. */
    @Nullable
    Visit poll() {
        Part part = order.poll();
        if (part == null) {
            return null;
        }
        KeySpace wanted = keys.remove(part);
        if (wanted == null) {
            throw new IllegalStateException("a planned visit has lost its keys");
        }
        return new Visit(part.layer(), part.floor(), part.end(), wanted);
    }
}
