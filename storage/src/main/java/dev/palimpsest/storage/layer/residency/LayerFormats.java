package dev.palimpsest.storage.layer.residency;

import dev.palimpsest.storage.layer.LayerKind;
import dev.palimpsest.storage.layer.delta.DeltaLayerFormat;
import dev.palimpsest.storage.layer.file.LayerFormat;
import dev.palimpsest.storage.layer.image.ImageLayerFormat;

/** The format of the files of each kind of layer. */
public final class LayerFormats {
    private LayerFormats() {}

    /**
     * The one format of a kind.
     *
     * @throws IllegalArgumentException if layers of this kind are no files
     */
    public static LayerFormat of(LayerKind kind) {
        return switch (kind) {
            case DELTA -> DeltaLayerFormat.INSTANCE;
            case IMAGE -> ImageLayerFormat.INSTANCE;
            case IN_MEMORY -> throw new IllegalArgumentException("a layer of kind " + kind + " is no file");
        };
    }
}
