package dev.palimpsest.storage.layer;

import dev.palimpsest.postgres.Lsn;

/**
 * LSNs from {@code start}, inclusive, to {@code end}, exclusive; not empty.
 */
public record LsnRange(Lsn start, Lsn end) {
    /** @throws IllegalArgumentException if it would be empty */
    public LsnRange {
        if (!start.isBefore(end)) {
            throw new IllegalArgumentException("empty LSN range: " + start + " to " + end);
        }
    }

    /** Whether {@code lsn} lies in it. */
    public boolean contains(Lsn lsn) {
        return !lsn.isBefore(start) && lsn.isBefore(end);
    }

    /** Whether they have an LSN in common. */
    public boolean overlaps(LsnRange other) {
        return start.isBefore(other.end) && other.start.isBefore(end);
    }

    @Override
    public String toString() {
        return "[" + start + ", " + end + ")";
    }
}
