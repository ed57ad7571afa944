package dev.palimpsest.storage.timeline;

import dev.palimpsest.storage.layer.Layer;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layer.memory.InMemoryLayer;
import dev.palimpsest.storage.layermap.LayerMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;

/**
 * The layers of a timeline: the current snapshot of the layer map. Readers take the snapshot with one volatile read and
 * keep it; a change makes the next snapshot of the current one and swaps it in.
 */
final class LayerSet {
    private final AtomicReference<LayerMap<Layer>> current;

    LayerSet(LayerMap<Layer> initial) {
        this.current = new AtomicReference<>(initial);
    }

    /** The snapshot of now. */
    LayerMap<Layer> snapshot() {
        return current.get();
    }

    /**
     * Swaps in what {@code change} makes of the snapshot of now. The change may be tried more than once, so it must be a
     * pure function.
     */
    LayerMap<Layer> update(UnaryOperator<LayerMap<Layer>> change) {
        return current.updateAndGet(change);
    }

    /** Gives up all layers, at shutdown: files are closed once nobody reads them, ephemeral files deleted. */
    void closeAll() {
        LayerMap<Layer> last = current.getAndSet(LayerMap.empty());
        last.frozenLayers().forEach(layer -> ((InMemoryLayer) layer).close());
        if (last.openLayer() instanceof InMemoryLayer open) {
            open.close();
        }
        last.historicLayers().forEach(layer -> ((PersistentLayer) layer).retire());
    }
}
