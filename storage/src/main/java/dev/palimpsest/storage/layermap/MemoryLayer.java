package dev.palimpsest.storage.layermap;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.layer.LayerExtent;

/**
 * An in-memory layer and the LSNs it covered when the map was made: the layer itself has another end once it is frozen, and a
 * snapshot does not change.
 *
 * @param start the first LSN it covers
 * @param end the first LSN it no longer covers; of the open layer that of {@link Lsn#MAX}
 */
record MemoryLayer<L extends LayerExtent>(L layer, long start, long end) {
    @Override
    public String toString() {
        return "in-memory layer of LSNs [" + new Lsn(start) + ", " + new Lsn(end) + ")";
    }
}
