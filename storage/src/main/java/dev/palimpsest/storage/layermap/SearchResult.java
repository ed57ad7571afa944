package dev.palimpsest.storage.layermap;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.layer.LayerExtent;

/**
 * Where a search must look next.
 *
 * @param layer the layer to read
 * @param floor read the LSNs from here, inclusive, to the end that was searched for, exclusive; then search with this as
 *     the end
 */
public record SearchResult<L extends LayerExtent>(L layer, Lsn floor) {}
