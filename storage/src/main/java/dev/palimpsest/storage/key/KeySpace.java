package dev.palimpsest.storage.key;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A set of keys: disjoint ranges in ascending order, of which no two touch. Immutable.
 *
 * <p>The set operations take time linear in the ranges of both sides, and return an operand where that is the answer.
 * Where one side is a single range (on the read path almost always) they search instead of scanning.
 *
 * @param ranges the ranges, ascending
 */
public record KeySpace(List<KeyRange> ranges) {
    /** No key. */
    public static final KeySpace EMPTY = new KeySpace(List.of());

    /** @throws IllegalArgumentException if the ranges are not ascending, or overlap or touch */
    public KeySpace {
        ranges = List.copyOf(ranges);
        for (int i = 1; i < ranges.size(); i++) {
            if (ranges.get(i - 1).end().compareTo(ranges.get(i).start()) >= 0) {
                throw new IllegalArgumentException("ranges out of order: " + ranges.get(i - 1) + ", " + ranges.get(i));
            }
        }
    }

    /** The keys of one range. */
    public static KeySpace of(KeyRange range) {
        return new KeySpace(List.of(range));
    }

    /** One key. */
    public static KeySpace of(Key key) {
        return of(KeyRange.single(key));
    }

    /** The keys of any ranges, in any order, overlapping or not. */
    public static KeySpace ofUnordered(List<KeyRange> ranges) {
        if (ranges.size() < 2) {
            return of(ranges);
        }
        KeyRange[] sorted = ranges.toArray(KeyRange[]::new);
        Arrays.sort(sorted);
        List<KeyRange> merged = new ArrayList<>(sorted.length);
        for (KeyRange range : sorted) {
            append(merged, range);
        }
        return of(merged);
    }

    private static KeySpace of(List<KeyRange> ranges) {
        return ranges.isEmpty() ? EMPTY : new KeySpace(ranges);
    }

    /** Adds a range that starts no earlier than the last one. */
    private static void append(List<KeyRange> merged, KeyRange range) {
        KeyRange last = merged.isEmpty() ? null : merged.getLast();
        if (last == null || last.end().compareTo(range.start()) < 0) {
            merged.add(range);
        } else if (last.end().compareTo(range.end()) < 0) {
            merged.set(merged.size() - 1, new KeyRange(last.start(), range.end()));
        }
    }

    /** Whether there is no key in it. */
    public boolean isEmpty() {
        return ranges.isEmpty();
    }

    /** Whether each of its ranges is one key. */
    public boolean isOfSingleKeys() {
        for (KeyRange range : ranges) {
            if (!range.isSingle()) {
                return false;
            }
        }
        return true;
    }

    /** Whether {@code key} is in it. */
    public boolean contains(Key key) {
        int at = firstEndingAfter(key);
        return at < ranges.size() && ranges.get(at).start().compareTo(key) <= 0;
    }

    /** Whether all of {@code range} is in it. */
    public boolean contains(KeyRange range) {
        int at = firstEndingAfter(range.start());
        return at < ranges.size() && ranges.get(at).contains(range);
    }

    /** Whether any key of {@code range} is in it. */
    public boolean overlaps(KeyRange range) {
        int at = firstEndingAfter(range.start());
        return at < ranges.size() && ranges.get(at).start().compareTo(range.end()) < 0;
    }

    /** Whether they have a key in common. */
    public boolean overlaps(KeySpace other) {
        if (ranges.size() > other.ranges.size()) {
            return other.overlaps(this);
        }
        for (KeyRange range : ranges) {
            if (other.overlaps(range)) {
                return true;
            }
        }
        return false;
    }

    /** The keys of either. */
    public KeySpace union(KeySpace other) {
        if (isEmpty() || (ranges.size() == 1 && other.contains(ranges.getFirst()))) {
            return other;
        }
        if (other.isEmpty() || (other.ranges.size() == 1 && contains(other.ranges.getFirst()))) {
            return this;
        }
        List<KeyRange> merged = new ArrayList<>(ranges.size() + other.ranges.size());
        int mine = 0;
        int others = 0;
        while (mine < ranges.size() || others < other.ranges.size()) {
            boolean takeMine = others == other.ranges.size()
                    || (mine < ranges.size() && ranges.get(mine).compareTo(other.ranges.get(others)) <= 0);
            append(merged, takeMine ? ranges.get(mine++) : other.ranges.get(others++));
        }
        return of(merged);
    }

    /** The keys of this that are in {@code range}. */
    public KeySpace intersect(KeyRange range) {
        int from = firstEndingAfter(range.start());
        if (from == ranges.size()) {
            return EMPTY;
        }
        if (from == 0
                && range.start().compareTo(ranges.getFirst().start()) <= 0
                && ranges.getLast().end().compareTo(range.end()) <= 0) {
            return this;
        }
        List<KeyRange> common = new ArrayList<>();
        for (int i = from; i < ranges.size() && ranges.get(i).start().compareTo(range.end()) < 0; i++) {
            common.add(overlap(ranges.get(i), range));
        }
        return of(common);
    }

    /** The keys of both. */
    public KeySpace intersect(KeySpace other) {
        if (isEmpty() || other.isEmpty()) {
            return EMPTY;
        }
        if (other.ranges.size() == 1) {
            return intersect(other.ranges.getFirst());
        }
        if (ranges.size() == 1) {
            return other.intersect(ranges.getFirst());
        }
        List<KeyRange> common = new ArrayList<>();
        int mine = firstEndingAfter(other.ranges.getFirst().start());
        int others = other.firstEndingAfter(ranges.getFirst().start());
        while (mine < ranges.size() && others < other.ranges.size()) {
            KeyRange a = ranges.get(mine);
            KeyRange b = other.ranges.get(others);
            if (a.overlaps(b)) {
                common.add(overlap(a, b));
            }
            if (a.end().compareTo(b.end()) <= 0) {
                mine++;
            } else {
                others++;
            }
        }
        return of(common);
    }

    /** The common part of two ranges that overlap; one of the two if that is it. */
    private static KeyRange overlap(KeyRange a, KeyRange b) {
        if (b.contains(a)) {
            return a;
        }
        return a.contains(b) ? b : new KeyRange(max(a.start(), b.start()), min(a.end(), b.end()));
    }

    /** The keys of this that are not in {@code other}. */
    public KeySpace minus(KeySpace other) {
        if (isEmpty() || other.isEmpty()) {
            return this;
        }
        if (ranges.size() == 1) {
            KeyRange only = ranges.getFirst();
            if (!other.overlaps(only)) {
                return this;
            }
            if (other.contains(only)) {
                return EMPTY;
            }
        }
        List<KeyRange> left = new ArrayList<>(ranges.size() + 1);
        int hole = other.firstEndingAfter(ranges.getFirst().start());
        boolean changed = false;
        for (KeyRange range : ranges) {
            Key start = range.start();
            while (hole < other.ranges.size() && other.ranges.get(hole).start().compareTo(range.end()) < 0) {
                KeyRange cut = other.ranges.get(hole);
                changed |= cut.overlaps(range);
                if (start.compareTo(cut.start()) < 0) {
                    left.add(new KeyRange(start, cut.start()));
                }
                start = max(start, min(cut.end(), range.end()));
                if (cut.end().compareTo(range.end()) > 0) {
                    break; // it may reach into the next range too
                }
                hole++;
            }
            if (start.compareTo(range.end()) < 0) {
                left.add(start.equals(range.start()) ? range : new KeyRange(start, range.end()));
            }
        }
        return changed ? of(left) : this;
    }

    /**
     * How many pages it could hold: the sum of {@link KeyRange#pageCount()}. A sum of which a term is
     * {@link KeyRange#UNCOUNTED} is a lower bound.
     */
    public long pageCount() {
        long pages = 0;
        for (KeyRange range : ranges) {
            pages += range.pageCount();
        }
        return pages;
    }

    /** The index of the first range that ends after {@code key}; the number of ranges if none does. */
    private int firstEndingAfter(Key key) {
        int low = 0;
        int high = ranges.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (ranges.get(middle).end().compareTo(key) <= 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    private static Key min(Key a, Key b) {
        return a.compareTo(b) <= 0 ? a : b;
    }

    private static Key max(Key a, Key b) {
        return a.compareTo(b) >= 0 ? a : b;
    }
}
