package dev.palimpsest.storage.layer.memory;

import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import java.util.ArrayList;
import java.util.List;

/**
 * Finds the keys of a key space in an index. Ranges of few keys are looked up key by key. For wide ones, all keys of the
 * index are looked at once, or, where they are sorted already, the ends of the range are searched.
 */
final class KeySelector {
    /** Looking a key up costs as much as passing by about this many. */
    private static final int LOOKUP_COST = 16;

    private static final int ALWAYS_LOOKED_UP = 64;

    private final MemoryIndex index;
    private final KeyNumbers found = new KeyNumbers();

    private KeySelector(MemoryIndex index) {
        this.index = index;
    }

    /** The numbers of the keys in {@code keys} that have values; in no particular order, each once. */
    static KeyNumbers select(MemoryIndex index, KeySpace keys) {
        KeySelector selector = new KeySelector(index);
        selector.selectAll(keys);
        return selector.found;
    }

    private void selectAll(KeySpace keys) {
        long budget = Math.max(ALWAYS_LOOKED_UP, index.keyCount() / LOOKUP_COST);
        List<KeyRange> wide = new ArrayList<>(0);
        for (KeyRange range : keys.ranges()) {
            long width = width(range);
            if (width <= budget) {
                budget -= width;
                lookUp(range);
            } else {
                wide.add(range);
            }
        }
        if (wide.isEmpty()) {
            return;
        }
        SortedKeys sorted = index.ifSorted();
        if (sorted != null) {
            wide.forEach(range -> sorted.addAll(range, found));
        } else {
            passBy(wide);
        }
    }

    /** How many keys a range spans; {@link Long#MAX_VALUE} if it spans more than two prefixes. */
    private static long width(KeyRange range) {
        long startBlock = range.start().field6() & 0xFFFFFFFFL;
        long endBlock = range.end().field6() & 0xFFFFFFFFL;
        if (samePrefix(range.start(), range.end())) {
            return endBlock - startBlock;
        }
        return samePrefix(firstOfNextPrefix(range.start()), range.end())
                ? (1L << 32) - startBlock + endBlock
                : Long.MAX_VALUE;
    }

    private static boolean samePrefix(Key a, Key b) {
        return a.high() == b.high() && KeyPrefixes.upper(a.middle()) == KeyPrefixes.upper(b.middle());
    }

    /** Not to be asked of the last prefix; a range that starts there ends there, since no key is above {@link Key#MAX}. */
    private static Key firstOfNextPrefix(Key key) {
        return new Key(key.high(), key.middle() | 0xFFFF, '\uFFFF').next();
    }

    private void lookUp(KeyRange range) {
        long startBlock = range.start().field6() & 0xFFFFFFFFL;
        long endBlock = range.end().field6() & 0xFFFFFFFFL;
        if (samePrefix(range.start(), range.end())) {
            lookUp(range.start(), startBlock, endBlock);
        } else {
            lookUp(range.start(), startBlock, 1L << 32);
            lookUp(range.end(), 0, endBlock);
        }
    }

    private void lookUp(Key withPrefix, long startBlock, long endBlock) {
        int prefix = index.prefixes().find(withPrefix.high(), KeyPrefixes.upper(withPrefix.middle()));
        if (prefix == KeyPrefixes.NONE) {
            return;
        }
        for (long block = startBlock; block < endBlock; block++) {
            int number = index.find(prefix, (int) block);
            if (number != MemoryIndex.NONE) {
                found.add(number);
            }
        }
    }

    private void passBy(List<KeyRange> ranges) {
        int count = index.keyCount();
        for (int number = 0; number < count; number++) {
            if (isIn(ranges, number)) {
                found.add(number);
            }
        }
    }

    private boolean isIn(List<KeyRange> ranges, int number) {
        int low = 0;
        int high = ranges.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (index.compare(number, ranges.get(middle).end()) < 0) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return low < ranges.size() && index.compare(number, ranges.get(low).start()) >= 0;
    }
}
