package dev.palimpsest.storage.layer;

/** What a layer is. */
public enum LayerKind {
    /** Takes or took writes; its values are in an ephemeral file. */
    IN_MEMORY,
    /** A file with every version within its rectangle. */
    DELTA,
    /** A file with the image of every key of its range at one LSN. */
    IMAGE
}
