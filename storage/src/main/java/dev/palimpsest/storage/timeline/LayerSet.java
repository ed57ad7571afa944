package dev.palimpsest.storage.timeline;

import dev.palimpsest.storage.layer.Layer;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layer.memory.InMemoryLayer;
import dev.palimpsest.storage.layermap.LayerMap;
import dev.palimpsest.storage.layermap.LayerMapEditor;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The layers of a timeline: the current snapshot of the layer map. Readers take the snapshot with one volatile read and
 * keep it; a change makes the next snapshot of the current one and swaps it in.
 *
 * <p>A reader looks at the newest snapshot with every step. That is right as long as layers are replaced by others with the same
 * versions. Where they are replaced by some with fewer, an epoch ends: who began in it goes on to see the layers that were
 * there, and what else changes.
 */
final class LayerSet {
    /** The snapshot for those who began in the epoch before, and what is replaced in it. */
    private record Before(LayerMap<Layer> map, List<PersistentLayer> replaced) {}

    private record State(
            LayerMap<Layer> map, long epoch, @Nullable Before before) {}

    private final AtomicReference<State> current;

    LayerSet(LayerMap<Layer> initial) {
        this.current = new AtomicReference<>(new State(initial, 0, null));
    }

    /** The snapshot of now. */
    LayerMap<Layer> snapshot() {
        return current.get().map;
    }

    /** The epoch of now, to be asked by a reader once it is counted as one. */
    long epoch() {
        return current.get().epoch;
    }

    /** The snapshot of now for a reader that began in an epoch. */
    LayerMap<Layer> snapshot(long epoch) {
        State now = current.get();
        if (epoch == now.epoch) {
            return now.map;
        }
        Before before = now.before;
        if (before == null || epoch != now.epoch - 1) {
            throw new IllegalStateException("the layers of epoch " + epoch + " are gone: a reader was not waited for");
        }
        return before.map;
    }

    /**
     * Swaps in what {@code change} makes of the snapshot of now. The change may be tried more than once, so it must be a
     * pure function.
     */
    LayerMap<Layer> update(UnaryOperator<LayerMap<Layer>> change) {
        return current.updateAndGet(now -> {
                    Before before = now.before;
                    return new State(
                            change.apply(now.map),
                            now.epoch,
                            before == null ? null : new Before(change.apply(before.map), before.replaced));
                })
                .map;
    }

    /**
     * Replaces layers by some that do not have all of their versions: a new epoch begins. The next one cannot before {@link
     * #endReplacement}.
     */
    void beginReplacement(List<PersistentLayer> added, List<PersistentLayer> replaced) {
        current.updateAndGet(now -> {
            if (now.before != null) {
                throw new IllegalStateException("readers of the epoch before were not waited for");
            }
            LayerMapEditor<Layer> edit = now.map.edit();
            replaced.forEach(edit::remove);
            added.forEach(edit::add);
            return new State(edit.apply(), now.epoch + 1, new Before(now.map, List.copyOf(replaced)));
        });
    }

    /** Whether layers were replaced that readers of the epoch before may still see. */
    boolean isReplacing() {
        return current.get().before != null;
    }

    /** No reader of the epoch before is left; returns what was replaced, which is nobody's now. */
    List<PersistentLayer> endReplacement() {
        Before before = current.getAndUpdate(now -> new State(now.map, now.epoch, null)).before;
        return before == null ? List.of() : before.replaced;
    }

    /** Gives up all layers, at shutdown: files are closed once nobody reads them, ephemeral files deleted. */
    void closeAll() {
        State last = current.getAndUpdate(now -> new State(LayerMap.empty(), now.epoch, null));
        last.map.frozenLayers().forEach(layer -> ((InMemoryLayer) layer).close());
        if (last.map.openLayer() instanceof InMemoryLayer open) {
            open.close();
        }
        last.map.historicLayers().forEach(layer -> ((PersistentLayer) layer).retire());
        if (last.before != null) {
            last.before.replaced.forEach(PersistentLayer::retire);
        }
    }
}
