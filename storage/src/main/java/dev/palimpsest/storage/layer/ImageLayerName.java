package dev.palimpsest.storage.layer;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.key.KeyRange;

/** The name of an image layer: the keys it has images of, and the LSN as of which they are. */
public record ImageLayerName(KeyRange keyRange, Lsn lsn) implements LayerName {
    /** @throws IllegalArgumentException if {@code lsn} is {@link Lsn#MAX}, after which no LSN comes */
    public ImageLayerName {
        if (lsn.equals(Lsn.MAX)) {
            throw new IllegalArgumentException("no image layer can be at the last LSN, " + lsn);
        }
    }

    @Override
    public LayerKind kind() {
        return LayerKind.IMAGE;
    }

    @Override
    public LsnRange lsnRange() {
        return new LsnRange(lsn, lsn.plus(1));
    }

    @Override
    public Lsn lsnStart() {
        return lsn;
    }

    @Override
    public Lsn lsnEnd() {
        return lsn.plus(1);
    }

    @Override
    public String toString() {
        return keyRange + "__" + lsn.toHex();
    }
}
