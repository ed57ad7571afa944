package dev.palimpsest.storage.layermap;

import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.layer.LayerExtent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;

/**
 * Distinct keys in ascending order, laid out flat for searching; a key is known by its rank. Immutable.
 *
 * <p>A search looks first among every {@value #STRIDE}th key, which together are few enough to stay in the processor's cache,
 * and then among the keys between two of them, which lie side by side.
 */
final class BoundaryKeys {
    private static final int STRIDE = 32;

    private final Key[] keys;
    private final Words all;
    private final Words sampled;

    /** The words of keys: {@code high} and {@code middle} in turns, {@code low} apart, since it is seldom looked at. */
    private record Words(long[] highMiddle, char[] low) {
        static Words of(Key[] keys, int stride) {
            int count = (keys.length + stride - 1) / stride;
            Words words = new Words(new long[2 * count], new char[count]);
            for (int i = 0; i < count; i++) {
                Key key = keys[i * stride];
                words.highMiddle[2 * i] = key.high();
                words.highMiddle[2 * i + 1] = key.middle();
                words.low[i] = key.low();
            }
            return words;
        }

        /** How many of the keys from {@code first} to {@code end}, and all before, are not after {@code key}. */
        int notAfter(Key key, int first, int end) {
            int from = first;
            int to = end;
            while (from < to) {
                int mid = (from + to) >>> 1;
                int order = Long.compareUnsigned(highMiddle[2 * mid], key.high());
                if (order == 0) {
                    order = Long.compareUnsigned(highMiddle[2 * mid + 1], key.middle());
                    if (order == 0) {
                        order = low[mid] - key.low();
                    }
                }
                if (order <= 0) {
                    from = mid + 1;
                } else {
                    to = mid;
                }
            }
            return from;
        }
    }

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
        all = Words.of(keys, 1);
        sampled = Words.of(keys, STRIDE);
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
        return keys.length;
    }

    Key key(int rank) {
        return keys[rank];
    }

    /** The rank of the last of these keys that is not after {@code key}; -1 if all are after it. */
    int floor(Key key) {
        int samples = sampled.notAfter(key, 0, sampled.low.length);
        if (samples == 0) {
            return -1;
        }
        int first = (samples - 1) * STRIDE;
        return all.notAfter(key, first + 1, Math.min(first + STRIDE, keys.length)) - 1;
    }
}
