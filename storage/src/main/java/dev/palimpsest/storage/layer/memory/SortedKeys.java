package dev.palimpsest.storage.layer.memory;

import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import java.util.Arrays;

/** The keys of an index in ascending order. Immutable. */
final class SortedKeys {
    private final MemoryIndex index;
    private final int[] numbers;

    /** Sorts the keys of {@code index} with numbers below {@code count}. Takes 8 more bytes per key while it does. */
    SortedKeys(MemoryIndex index, int count) {
        this.index = index;
        KeyPrefixes prefixes = index.prefixes();
        int[] prefixOfRank = prefixes.inOrder();
        int[] rankOfPrefix = new int[prefixOfRank.length];
        for (int rank = 0; rank < prefixOfRank.length; rank++) {
            rankOfPrefix[prefixOfRank[rank]] = rank;
        }
        long[] words = new long[count];
        for (int number = 0; number < count; number++) {
            words[number] = (long) rankOfPrefix[index.prefixOf(number)] << 32 | (index.blockOf(number) & 0xFFFFFFFFL);
        }
        Arrays.sort(words);
        numbers = new int[count];
        for (int i = 0; i < count; i++) {
            numbers[i] = index.find(prefixOfRank[(int) (words[i] >>> 32)], (int) words[i]);
        }
    }

    /** How many keys. */
    int count() {
        return numbers.length;
    }

    /** The number, in the index, of the key at a place in the order. */
    int number(int place) {
        return numbers[place];
    }

    /** The place of the first key that is not below {@code key}; the count if all are. */
    int firstFrom(Key key) {
        int low = 0;
        int high = numbers.length;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (index.compare(numbers[middle], key) < 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** Appends the numbers of the keys in {@code range}, ascending. */
    void addAll(KeyRange range, KeyNumbers to) {
        for (int place = firstFrom(range.start()), end = firstFrom(range.end()); place < end; place++) {
            to.add(numbers[place]);
        }
    }
}
