package dev.palimpsest.storage.key;

/**
 * Keys from {@code start}, inclusive, to {@code end}, exclusive; not empty.
 */
public record KeyRange(Key start, Key end) implements Comparable<KeyRange> {
    /** What an L0 layer covers: every key but {@link Key#MAX}, which no value has. */
    public static final KeyRange ALL = new KeyRange(Key.MIN, Key.MAX);

    /** @throws IllegalArgumentException if it would be empty */
    public KeyRange {
        if (start.compareTo(end) >= 0) {
            throw new IllegalArgumentException("empty key range: " + start + " to " + end);
        }
    }

    /** The range of one key. */
    public static KeyRange single(Key key) {
        return new KeyRange(key, key.next());
    }

    /** Whether {@code key} lies in it. */
    public boolean contains(Key key) {
        return start.compareTo(key) <= 0 && key.compareTo(end) < 0;
    }

    /** Whether all of {@code other} lies in it. */
    public boolean contains(KeyRange other) {
        return start.compareTo(other.start) <= 0 && other.end.compareTo(end) <= 0;
    }

    /** Whether they have a key in common. */
    public boolean overlaps(KeyRange other) {
        return start.compareTo(other.end) < 0 && other.start.compareTo(end) < 0;
    }

    @Override
    public int compareTo(KeyRange other) {
        int order = start.compareTo(other.start);
        return order != 0 ? order : end.compareTo(other.end);
    }

    @Override
    public String toString() {
        return start + "-" + end;
    }
}
