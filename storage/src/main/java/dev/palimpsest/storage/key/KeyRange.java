package dev.palimpsest.storage.key;

/**
 * Keys from {@code start}, inclusive, to {@code end}, exclusive; not empty.
 */
public record KeyRange(Key start, Key end) implements Comparable<KeyRange> {
    /** What an L0 layer covers: every key but {@link Key#MAX}, which no value has. */
    public static final KeyRange ALL = new KeyRange(Key.MIN, Key.MAX);

    /** What {@link #pageCount()} says of a range whose pages cannot be counted: 2^32 - 1. */
    public static final long UNCOUNTED = 0xFFFF_FFFFL;

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

    /** All keys of which field 1 is at least {@code first} and less than {@code end}. */
    static KeyRange ofKinds(int first, int end) {
        return new KeyRange(Key.of(first, 0, 0, 0, 0, 0), Key.of(end, 0, 0, 0, 0, 0));
    }

    /** Whether it is the range of one key. */
    public boolean isSingle() {
        if (start.high() == end.high() && start.middle() == end.middle()) {
            return start.low() + 1 == end.low();
        }
        return end.equals(start.next());
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

    /**
     * How many keys it has, that is, how many pages it could hold: from 1 to {@link #UNCOUNTED}. Blocks of one fork can be
     * counted, and so can a single key. Any other range says {@link #UNCOUNTED}, for between two relations lie billions of
     * keys that nobody ever wrote.
     */
    public long pageCount() {
        if (!isContiguous()) {
            return end.equals(start.next()) ? 1 : UNCOUNTED;
        }
        long last = Integer.toUnsignedLong(end.field6()) + (start.field5() == end.field5() ? 0 : 1L << Integer.SIZE);
        return Math.min(UNCOUNTED, last - Integer.toUnsignedLong(start.field6()));
    }

    /** Whether all of it lies in one fork, or starts at the last key of one fork and ends in the next. */
    boolean isContiguous() {
        boolean sameRelation = start.high() == end.high() && start.middle() >>> 24 == end.middle() >>> 24;
        return sameRelation
                && (start.field5() == end.field5() || (start.field6() == -1 && end.field5() == start.field5() + 1));
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
