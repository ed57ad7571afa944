package dev.palimpsest.storage.timeline;

import dev.palimpsest.storage.layer.PersistentLayer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Layers that were removed from the layer map and that the index part in force may still name: after a crash they are needed,
 * so their files stay until one without them is there for certain. Safe for use by many threads.
 */
final class ObsoleteLayers {
    private final AtomicReference<List<PersistentLayer>> layers = new AtomicReference<>(List.of());

    /** Adds layers, which are in the layer map no more. */
    void add(List<PersistentLayer> removed) {
        layers.updateAndGet(old -> {
            List<PersistentLayer> more = new ArrayList<>(old);
            more.addAll(removed);
            return List.copyOf(more);
        });
    }

    /** Those of now. An index part made of a layer map that is looked at afterwards names none of them. */
    List<PersistentLayer> all() {
        return layers.get();
    }

    /** An index part without these is in force: their files go once nobody reads them. */
    void drop(List<PersistentLayer> unnamed) {
        if (!unnamed.isEmpty()) {
            // Two index parts that follow one another may both be the first to go without a layer: one of them drops
            // it.
            List<PersistentLayer> before = layers.getAndUpdate(old ->
                    old.stream().filter(layer -> !unnamed.contains(layer)).toList());
            unnamed.stream().filter(before::contains).forEach(PersistentLayer::drop);
        }
    }

    /** Gives all up, at shutdown; their files stay, and the next start deletes those that are not named. */
    void retireAll() {
        layers.getAndSet(List.of()).forEach(PersistentLayer::retire);
    }
}
