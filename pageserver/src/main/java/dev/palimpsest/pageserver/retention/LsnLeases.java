package dev.palimpsest.pageserver.retention;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.timeline.Hold;
import dev.palimpsest.storage.timeline.Timeline;
import java.time.Instant;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * LSNs of one timeline that clients may read for a time, whatever GC does. They are in memory only, as in Neon: a client that
 * goes on reading asks again before its lease ends, and after a start of the server GC waits as long as a lease lasts, so
 * that whoever had one before has asked again by then. Nothing has to be made durable for that, for each of many short leases.
 *
 * <p>Safe for use by many threads.
 */
public final class LsnLeases {
    private record Lease(Hold hold, Instant validUntil) {}

    private final Timeline timeline;
    private final TreeMap<Lsn, Lease> leases = new TreeMap<>();

    /** Has none at first. */
    public LsnLeases(Timeline timeline) {
        this.timeline = timeline;
    }

    /**
     * Gives or extends one.
     *
     * @return until when it lasts: {@code until}, or later if it was to last longer already
     * @throws InvalidRequestException if the LSN cannot be read any more, and is not leased
     */
    public synchronized Instant lease(Lsn lsn, Instant until) throws InvalidRequestException {
        Lease known = leases.get(lsn);
        if (known == null) {
            leases.put(lsn, new Lease(timeline.hold(lsn), until));
            return until;
        }
        Instant longer = until.isAfter(known.validUntil) ? until : known.validUntil;
        leases.put(lsn, new Lease(known.hold, longer));
        return longer;
    }

    /** Ends those that have run out; GC does not heed them any more. */
    public synchronized void expire(Instant now) {
        leases.values().removeIf(lease -> {
            boolean over = !now.isBefore(lease.validUntil);
            if (over) {
                lease.hold.close();
            }
            return over;
        });
    }

    /** Those that have not run out, and until when they last. */
    public synchronized SortedMap<Lsn, Instant> valid(Instant now) {
        SortedMap<Lsn, Instant> valid = new TreeMap<>();
        leases.forEach((lsn, lease) -> {
            if (now.isBefore(lease.validUntil)) {
                valid.put(lsn, lease.validUntil);
            }
        });
        return valid;
    }
}
