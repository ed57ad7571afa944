package dev.palimpsest.storage.simulation;

import java.util.ArrayDeque;

/**
 * What has happened in a simulation: a digest of all of it, and the last events to be read. Two runs of one seed have equal
 * digests, or something in them depends on more than the seed.
 */
public final class Trace {
    private static final int KEPT = 2000;
    private static final long MULTIPLIER = 0x9E3779B97F4A7C15L;

    private final ArrayDeque<Event> last = new ArrayDeque<>();
    private long digest = 1;
    private long count;

    /** A step; offset and length are -1 where they mean nothing. */
    private record Event(
            long nanos, String task, String operation, String subject, long offset, long length, String result) {
        @Override
        public String toString() {
            return "%,15d ns  %-24s %-12s %s%s%s%s"
                    .formatted(
                            nanos,
                            task,
                            operation,
                            subject,
                            offset < 0 ? "" : " @" + offset,
                            length < 0 ? "" : " +" + length,
                            result.isEmpty() ? "" : " -> " + result);
        }
    }

    void add(long nanos, String task, String operation, String subject, long offset, long length, String result) {
        mix(nanos);
        mix(task.hashCode());
        mix(operation.hashCode());
        mix(subject.hashCode());
        mix(offset);
        mix(length);
        mix(result.hashCode());
        count++;
        if (last.size() == KEPT) {
            last.removeFirst();
        }
        last.addLast(new Event(nanos, task, operation, subject, offset, length, result));
    }

    /** Takes a value into the digest only. */
    void mix(long value) {
        long mixed = (digest ^ value) * MULTIPLIER;
        digest = mixed ^ (mixed >>> 29);
    }

    /** Of everything so far. */
    public long digest() {
        return digest;
    }

    /** How many events there were. */
    public long count() {
        return count;
    }

    /** The last events, a line each, at most {@code most} and at most 2000. */
    public String tail(int most) {
        StringBuilder lines = new StringBuilder();
        last.stream()
                .skip(Math.max(0, last.size() - most))
                .forEach(event -> lines.append(event).append('\n'));
        return lines.toString();
    }

    @Override
    public String toString() {
        return tail(KEPT);
    }
}
