package dev.palimpsest.storage.layermap;

import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.layer.LayerExtent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;

/** Distinct keys in ascending order, laid out flat for searching; a key is known by its rank. Immutable. */
final class BoundaryKeys {
    private final Key[] keys;
    private final long[] high;
    private final long[] middle;
    private final char[] low;

    /** From keys in ascending order, with or without repetitions. */
    BoundaryKeys(List<Key> ascending) {
        Key[] distinct = new Key[ascending.size()];
        int count = 0;
        for (Key key : ascending) {
            if (count == 0 || !distinct[count - 1].equals(key)) {
                distinct[count++] = key;
            }
        }
        keys = Arrays.copyOf(distinct, count);
        high = new long[count];
        middle = new long[count];
        low = new char[count];
        for (int i = 0; i < count; i++) {
            high[i] = keys[i].high();
            middle[i] = keys[i].middle();
            low[i] = keys[i].low();
        }
    }

    /** Those of {@code used} ranks, and the first and end keys of layers. */
    BoundaryKeys edit(BitSet used, List<? extends LayerExtent> layers) {
        List<Key> boundaries = new ArrayList<>(used.cardinality() + 2 * layers.size());
        for (int rank = used.nextSetBit(0); rank >= 0; rank = used.nextSetBit(rank + 1)) {
            boundaries.add(keys[rank]);
        }
        for (LayerExtent layer : layers) {
            boundaries.add(layer.keyRange().start());
            boundaries.add(layer.keyRange().end());
        }
        boundaries.sort(Comparator.naturalOrder());
        return new BoundaryKeys(boundaries);
    }

    /** For each of the {@code used} ranks, the rank that its key has among {@code others}, which has them all. */
    int[] ranksIn(BoundaryKeys others, BitSet used) {
        int[] ranks = new int[size()];
        int other = 0;
        for (int rank = used.nextSetBit(0); rank >= 0; rank = used.nextSetBit(rank + 1)) {
            while (!others.keys[other].equals(keys[rank])) {
                other++;
            }
            ranks[rank] = other;
        }
        return ranks;
    }

    int size() {
        return high.length;
    }

    Key key(int rank) {
        return keys[rank];
    }

    /** The rank of the last of these keys that is not after {@code key}; -1 if all are after it. */
    int floor(Key key) {
        long keyHigh = key.high();
        long keyMiddle = key.middle();
        char keyLow = key.low();
        int from = 0;
        int to = high.length;
        while (from < to) {
            int mid = (from + to) >>> 1;
            int order = Long.compareUnsigned(high[mid], keyHigh);
            if (order == 0) {
                order = Long.compareUnsigned(middle[mid], keyMiddle);
                if (order == 0) {
                    order = low[mid] - keyLow;
                }
            }
            if (order <= 0) {
                from = mid + 1;
            } else {
                to = mid;
            }
        }
        return from - 1;
    }
}
