package dev.palimpsest.storage.layermap;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.layer.LayerExtent;
import dev.palimpsest.storage.layer.LayerKind;
import java.util.Comparator;
import org.jspecify.annotations.Nullable;

/**
 * What makes a persistent layer the one it is: its kind and its rectangle, which are also what its name says.
 */
record LayerIdentity(LayerKind kind, KeyRange keyRange, Lsn lsnStart, Lsn lsnEnd) implements LayerExtent {
    /**
     * A total order of identities in which, of the layers of one kind that a search at a key could return, the greatest is
     * the one it must return: the greatest LSN end; of equal ends the smallest LSN start, since it leaves the least to be
     * read below; then the smallest key range. At equal ends images are greater than deltas, so that the order read
     * backwards is also that of {@link VisibilitySweep}.
     */
    static final Comparator<LayerExtent> BY_PREFERENCE = LayerIdentity::comparePreference;

    static LayerIdentity of(LayerExtent layer) {
        return new LayerIdentity(layer.kind(), layer.keyRange(), layer.lsnStart(), layer.lsnEnd());
    }

    private static int comparePreference(LayerExtent a, LayerExtent b) {
        int order = a.lsnEnd().compareTo(b.lsnEnd());
        if (order == 0) {
            order = a.kind().compareTo(b.kind());
        }
        if (order == 0) {
            order = b.lsnStart().compareTo(a.lsnStart());
        }
        return order != 0 ? order : b.keyRange().compareTo(a.keyRange());
    }

    /** Written out, since a timeline of very many layers is loaded before what a record has by itself is compiled. */
    @Override
    public int hashCode() {
        long words = lsnEnd.value() * 31 + lsnStart.value();
        words = (words * 31 + keyRange.start().hashCode()) * 31 + keyRange.end().hashCode();
        return 2 * Long.hashCode(words) + (kind == LayerKind.IMAGE ? 1 : 0);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof LayerIdentity that
                && kind == that.kind
                && lsnEnd.value() == that.lsnEnd.value()
                && lsnStart.value() == that.lsnStart.value()
                && keyRange.start().equals(that.keyRange.start())
                && keyRange.end().equals(that.keyRange.end());
    }

    @Override
    public String toString() {
        return describe(this);
    }

    /** For messages: what kind of layer, and its rectangle. */
    static String describe(LayerExtent layer) {
        String kind = switch (layer.kind()) {
            case IN_MEMORY -> "in-memory layer ";
            case DELTA -> "delta layer ";
            case IMAGE -> "image layer ";
        };
        return kind + layer.keyRange() + " of LSNs [" + layer.lsnStart() + ", " + layer.lsnEnd() + ")";
    }
}
