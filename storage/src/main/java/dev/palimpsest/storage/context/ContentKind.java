package dev.palimpsest.storage.context;

/** What the bytes are that a request touches; the unit of its accounting. */
public enum ContentKind {
    /** Values of in-memory layers. */
    IN_MEMORY_LAYER,
    /** Summaries and index nodes of delta layers. */
    DELTA_LAYER_INDEX,
    /** Values of delta layers. */
    DELTA_LAYER_VALUE,
    /** Summaries and index nodes of image layers. */
    IMAGE_LAYER_INDEX,
    /** Values of image layers. */
    IMAGE_LAYER_VALUE;

    /** How many there are. */
    static final int COUNT = values().length;
}
