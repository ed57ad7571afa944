package dev.palimpsest.storage.compaction;

import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.key.KeySpaceAccumulator;
import java.util.Iterator;
import java.util.NoSuchElementException;

/**
 * A key space in pieces of a number of keys, ascending. Ranges of which the pages cannot be counted are taken key by key, as
 * any other: the caller has only ranges in which every key exists.
 *
 * @param most how many keys are in a piece at most, at least 1
 */
record KeyChunks(KeySpace keys, int most) implements Iterable<KeySpace> {
    @Override
    public Iterator<KeySpace> iterator() {
        return new Iterator<>() {
            private int range;
            private Key next =
                    keys.isEmpty() ? Key.MIN : keys.ranges().getFirst().start();

            @Override
            public boolean hasNext() {
                return range < keys.ranges().size();
            }

            @Override
            public KeySpace next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                KeySpaceAccumulator chunk = new KeySpaceAccumulator();
                long left = most;
                while (left > 0 && hasNext()) {
                    KeyRange from = new KeyRange(next, keys.ranges().get(range).end());
                    long pages = from.pageCount();
                    if (pages <= left) {
                        chunk.add(from);
                        left -= pages;
                        range++;
                        next = hasNext() ? keys.ranges().get(range).start() : next;
                    } else {
                        Key end = next.plus(left);
                        chunk.add(new KeyRange(next, end));
                        left = 0;
                        next = end;
                    }
                }
                return chunk.take();
            }
        };
    }
}
