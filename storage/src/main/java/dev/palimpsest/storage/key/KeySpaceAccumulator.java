package dev.palimpsest.storage.key;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Builds a {@link KeySpace} from keys and ranges that come in ascending order and do not overlap; merges those that touch.
 * For any other order there is {@link KeySpace#ofUnordered}. Used by one thread.
 */
public final class KeySpaceAccumulator {
    private final List<KeyRange> finished = new ArrayList<>();
    private @Nullable Key start;
    private Key end = Key.MIN;

    /**
     * Adds a key.
     *
     * @throws IllegalArgumentException if it lies before the end of what was added so far
     */
    public void add(Key key) {
        add(key, key.next());
    }

    /**
     * Adds a range.
     *
     * @throws IllegalArgumentException if it starts before the end of what was added so far
     */
    public void add(KeyRange range) {
        add(range.start(), range.end());
    }

    /**
     * Adds all of a key space.
     *
     * @throws IllegalArgumentException if it starts before the end of what was added so far
     */
    public void add(KeySpace keys) {
        for (KeyRange range : keys.ranges()) {
            add(range);
        }
    }

    private void add(Key from, Key to) {
        if (start == null) {
            start = from;
        } else if (!from.equals(end)) {
            if (from.compareTo(end) < 0) {
                throw new IllegalArgumentException("key " + from + " comes after " + end + " was reached");
            }
            finished.add(new KeyRange(start, end));
            start = from;
        }
        end = to;
    }

    /** Whether nothing was added since the start or since {@link #take()}. */
    public boolean isEmpty() {
        return start == null;
    }

    /** What was added since the start or since this was last called; the next addition may lie anywhere again. */
    public KeySpace take() {
        if (start == null) {
            return KeySpace.EMPTY;
        }
        finished.add(new KeyRange(start, end));
        KeySpace keys = new KeySpace(finished);
        finished.clear();
        start = null;
        end = Key.MIN;
        return keys;
    }
}
