package dev.palimpsest.storage.compaction;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.layer.LayerExtent;
import dev.palimpsest.storage.layer.LayerKind;
import dev.palimpsest.storage.layermap.LayerMap;
import dev.palimpsest.storage.layermap.LayerMapEditor;
import java.util.Collection;
import java.util.List;

/** A layer that is nothing but its extent, for planners. */
public record PlainLayer(LayerKind kind, KeyRange keyRange, Lsn lsnStart, Lsn lsnEnd) implements LayerExtent {
    public static PlainLayer delta(KeyRange keys, long start, long end) {
        return new PlainLayer(LayerKind.DELTA, keys, new Lsn(start), new Lsn(end));
    }

    public static PlainLayer l0(long start, long end) {
        return delta(KeyRange.ALL, start, end);
    }

    public static PlainLayer image(KeyRange keys, long lsn) {
        return new PlainLayer(LayerKind.IMAGE, keys, new Lsn(lsn), new Lsn(lsn + 1));
    }

    /** Blocks of one relation. */
    public static KeyRange blocks(int from, int to) {
        return new KeyRange(block(from), block(to));
    }

    public static Key block(int number) {
        return Key.of(0, 1663, 5, 16384, 0, number);
    }

    public static LayerMap<PlainLayer> map(PlainLayer... layers) {
        return map(List.of(layers));
    }

    public static LayerMap<PlainLayer> map(Collection<PlainLayer> layers) {
        LayerMapEditor<PlainLayer> edit = LayerMap.<PlainLayer>empty().edit();
        layers.forEach(edit::add);
        return edit.apply();
    }
}
