package dev.palimpsest.storage.layermap;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.LayerExtent;

/**
 * Where the search for many keys must look next for some of them.
 *
 * @param layer the layer to read
 * @param floor read the LSNs from here, inclusive, to the end that was searched for, exclusive; then search with this as
 *     the end
 * @param keys for these keys; the layer covers all of them
 */
public record RangeSearchResult<L extends LayerExtent>(L layer, Lsn floor, KeySpace keys) {}
