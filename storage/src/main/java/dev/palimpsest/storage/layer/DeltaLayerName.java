package dev.palimpsest.storage.layer;

import dev.palimpsest.storage.key.KeyRange;

/** The name of a delta layer. It is an L0 if the key range is {@link KeyRange#ALL}, else an L1. */
public record DeltaLayerName(KeyRange keyRange, LsnRange lsnRange) implements LayerName {
    @Override
    public LayerKind kind() {
        return LayerKind.DELTA;
    }

    @Override
    public String toString() {
        return keyRange + "__" + lsnRange.start().toHex() + "-" + lsnRange.end().toHex();
    }
}
