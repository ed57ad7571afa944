package dev.palimpsest.storage.layer;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The name of a layer file: what it covers, and nothing else. It is the layer's identity in the layer map and the index
 * part; two layers of a timeline never have the same name at one time.
 *
 * <pre>
 * delta   {first key}-{end key}__{first LSN}-{end LSN}    36 - 36 __ 16 - 16 digits
 * image   {first key}-{end key}__{LSN}                    36 - 36 __ 16 digits
 * </pre>
 *
 * <p>Digits are hexadecimal and uppercase; ends are exclusive. Images sort before deltas; within a kind the order is first
 * key, end key, first LSN, end LSN.
 */
public sealed interface LayerName extends LayerExtent, Comparable<LayerName> permits DeltaLayerName, ImageLayerName {
    /**
     * Reads the text form, without any suffix ({@link LayerFileName#parse} knows those).
     *
     * @throws IllegalArgumentException if {@code text} is not exactly the text of a name: also
     *     for lowercase digits and ranges that are empty or reversed
     */
    static LayerName parse(String text) {
        int keys = 2 * Key.SIZE;
        int lsns = 2 * keys + 3;
        boolean image = text.length() == lsns + 16;
        boolean delta = text.length() == lsns + 33;
        if (!(image || delta)
                || text.charAt(keys) != '-'
                || !text.startsWith("__", 2 * keys + 1)
                || (delta && text.charAt(lsns + 16) != '-')) {
            throw malformed(text, null);
        }
        LayerName name;
        try {
            KeyRange keyRange =
                    new KeyRange(Key.parse(text.substring(0, keys)), Key.parse(text.substring(keys + 1, 2 * keys + 1)));
            Lsn lsn = Lsn.parseHex(text.substring(lsns, lsns + 16));
            name = image
                    ? new ImageLayerName(keyRange, lsn)
                    : new DeltaLayerName(keyRange, new LsnRange(lsn, Lsn.parseHex(text.substring(lsns + 17))));
        } catch (IllegalArgumentException e) {
            throw malformed(text, e);
        }
        if (!text.equals(text.toUpperCase(Locale.ROOT))) {
            throw malformed(text, null); // digits of keys and LSNs are read in either case
        }
        return name;
    }

    private static IllegalArgumentException malformed(String text, @Nullable IllegalArgumentException cause) {
        return new IllegalArgumentException(
                "not the name of a layer: \"" + text + "\"" + (cause == null ? "" : ": " + cause.getMessage()), cause);
    }

    /** The LSNs it covers; of an image layer, its one LSN. */
    LsnRange lsnRange();

    @Override
    default Lsn lsnStart() {
        return lsnRange().start();
    }

    @Override
    default Lsn lsnEnd() {
        return lsnRange().end();
    }

    @Override
    default int compareTo(LayerName other) {
        if (kind() != other.kind()) {
            return kind() == LayerKind.IMAGE ? -1 : 1;
        }
        int order = keyRange().compareTo(other.keyRange());
        if (order == 0) {
            order = lsnStart().compareTo(other.lsnStart());
        }
        return order != 0 ? order : lsnEnd().compareTo(other.lsnEnd());
    }
}
