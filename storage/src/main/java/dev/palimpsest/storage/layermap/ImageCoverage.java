package dev.palimpsest.storage.layermap;

import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.layer.LayerExtent;
import org.jspecify.annotations.Nullable;

/**
 * The newest image layer over a piece of the keys.
 *
 * @param range the keys
 * @param image the image layer that covers all of them; null if none covers any of them
 */
public record ImageCoverage<L extends LayerExtent>(
        KeyRange range, @Nullable L image) {}
