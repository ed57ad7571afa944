package dev.palimpsest.storage.key;

import java.util.ArrayList;
import java.util.List;

/**
 * A set of keys: disjoint ranges in ascending order, of which no two touch. Immutable.
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
        List<KeyRange> merged = new ArrayList<>(ranges.size());
        for (KeyRange range : ranges.stream().sorted().toList()) {
            KeyRange last = merged.isEmpty() ? null : merged.getLast();
            if (last == null || last.end().compareTo(range.start()) < 0) {
                merged.add(range);
            } else if (last.end().compareTo(range.end()) < 0) {
                merged.set(merged.size() - 1, new KeyRange(last.start(), range.end()));
            }
        }
        return new KeySpace(merged);
    }

    /** Whether there is no key in it. */
    public boolean isEmpty() {
        return ranges.isEmpty();
    }
}
