package dev.palimpsest.storage.check;

/** Something wrong with a layer: of whom it is, at what place, and what. */
record LayerFinding(LayerRef layer, long offset, String reason) {}
