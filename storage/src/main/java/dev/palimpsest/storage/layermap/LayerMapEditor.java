package dev.palimpsest.storage.layermap;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.layer.LayerExtent;
import dev.palimpsest.storage.layer.LayerKind;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Gathers changes to a layer map and makes the next map with all of them at once. For use by one thread, once.
 *
 * <p>Cheap while layers are added and while those removed were added lately; removing others sorts all layers into a new
 * index. So many changes go into one edit.
 */
public final class LayerMapEditor<L extends LayerExtent> {
    private final HistoricLayers<L> historic;
    private final List<MemoryLayer<L>> frozen;
    private @Nullable MemoryLayer<L> open;
    private final Map<LayerIdentity, L> added = new LinkedHashMap<>();
    private final Set<LayerIdentity> removed = new LinkedHashSet<>();

    LayerMapEditor(HistoricLayers<L> historic, List<MemoryLayer<L>> frozen, @Nullable MemoryLayer<L> open) {
        this.historic = historic;
        this.frozen = new ArrayList<>(frozen);
        this.open = open;
    }

    /**
     * Puts in an open in-memory layer.
     *
     * @throws IllegalStateException if there is one
     */
    public LayerMapEditor<L> open(L layer) {
        if (open != null) {
            throw new IllegalStateException("there is an open layer already: " + open);
        }
        if (layer.kind() != LayerKind.IN_MEMORY) {
            throw new IllegalArgumentException("cannot be opened for writes: " + LayerIdentity.describe(layer));
        }
        open = new MemoryLayer<>(layer, layer.lsnStart().value(), Lsn.MAX.value());
        return this;
    }

    /**
     * Makes the open layer the newest frozen one. The layer must have its LSN end by now.
     *
     * @throws IllegalStateException if there is no open layer, or it has no end yet, or an end that is not above its start
     */
    public LayerMapEditor<L> freeze() {
        if (open == null) {
            throw new IllegalStateException("there is no open layer to freeze");
        }
        L layer = open.layer();
        Lsn end = layer.lsnEnd();
        if (end.equals(Lsn.MAX) || !layer.lsnStart().isBefore(end)) {
            throw new IllegalStateException("not yet frozen: " + LayerIdentity.describe(layer));
        }
        frozen.add(new MemoryLayer<>(layer, open.start(), end.value()));
        open = null;
        return this;
    }

    /**
     * Replaces the oldest frozen layer by the layers it was written to: as a rule one L0, none if it held nothing.
     *
     * @throws IllegalArgumentException if {@code layer} is not the oldest frozen layer: flushing out of order would leave a
     *     gap after a crash
     */
    public LayerMapEditor<L> replaceFrozen(L layer, Collection<? extends L> written) {
        if (frozen.isEmpty() || !frozen.getFirst().layer().equals(layer)) {
            throw new IllegalArgumentException(
                    "not the oldest frozen layer: " + LayerIdentity.describe(layer) + "; frozen are " + frozen);
        }
        frozen.removeFirst();
        written.forEach(this::add);
        return this;
    }

    /**
     * Adds a delta or image layer.
     *
     * @throws IllegalArgumentException if there is one of the same kind, key range and LSN range, or it is neither delta nor
     *     image, or its LSN range is empty or, for an image, not of one LSN
     */
    public LayerMapEditor<L> add(L layer) {
        LayerIdentity identity = LayerIdentity.of(layer);
        boolean isSound = switch (identity.kind()) {
            case IN_MEMORY -> false;
            case DELTA -> identity.lsnStart().isBefore(identity.lsnEnd());
            case IMAGE ->
                identity.lsnStart().isBefore(identity.lsnEnd())
                        && identity.lsnEnd().bytesSince(identity.lsnStart()) == 1;
        };
        if (!isSound) {
            throw new IllegalArgumentException("not a delta or image layer: " + identity);
        }
        boolean exists = historic.contains(identity) && !removed.contains(identity);
        if (exists || added.putIfAbsent(identity, layer) != null) {
            throw new IllegalArgumentException("already in the layer map: " + identity);
        }
        return this;
    }

    /**
     * Removes the delta or image layer of the same kind, key range and LSN range. One of that identity may be added again.
     *
     * @throws IllegalArgumentException if there is none
     */
    public LayerMapEditor<L> remove(LayerExtent layer) {
        LayerIdentity identity = LayerIdentity.of(layer);
        boolean wasAdded = added.remove(identity) != null;
        if (!wasAdded && !(historic.contains(identity) && removed.add(identity))) {
            throw new IllegalArgumentException("not in the layer map: " + identity);
        }
        return this;
    }

    /** The map with all the changes. The map that was edited stays as it is. */
    public LayerMap<L> apply() {
        HistoricLayers<L> next =
                removed.isEmpty() && added.isEmpty() ? historic : historic.edit(removed, added.values());
        return new LayerMap<>(next, frozen, open);
    }
}
