package dev.palimpsest.storage.simulation;

/**
 * How an object store misbehaves: the probability of each fault at each call, 0 to 1, and its size.
 *
 * @param failing of calls, with {@code UNAVAILABLE}; nothing has happened, or a part of a get or of many deletions
 * @param lostAcknowledgements of puts and deletes, that fail with {@code UNAVAILABLE} though they have happened
 * @param lateEffects of puts and deletes, that fail with {@code UNAVAILABLE} and happen some time later
 * @param slowCalls of calls
 * @param slowNanos how long a slow call, and a late effect, takes at most
 * @param staleEntries of puts and deletes, that a listing does not show for a while
 * @param staleNanos how long it does not at most
 * @param damagedLayers of gets of layers, which alone are checked from end to end: one bit that comes is not what was put
 */
public record ObjectStoreFaults(
        double failing,
        double lostAcknowledgements,
        double lateEffects,
        double slowCalls,
        long slowNanos,
        double staleEntries,
        long staleNanos,
        double damagedLayers) {
    /** None. */
    public static final ObjectStoreFaults NONE = new ObjectStoreFaults(0, 0, 0, 0, 1, 0, 1, 0);

    /** None but slow calls: every second takes up to 200 ms. */
    public static final ObjectStoreFaults SLOW = NONE.withSlow(0.5, 200_000_000);

    /** The same with calls that fail, before or after they have had their effect. */
    public ObjectStoreFaults withFailing(double before, double after) {
        return new ObjectStoreFaults(
                before, after, lateEffects, slowCalls, slowNanos, staleEntries, staleNanos, damagedLayers);
    }

    /** The same with effects that come after the failure was reported. */
    public ObjectStoreFaults withLateEffects(double late) {
        return new ObjectStoreFaults(
                failing, lostAcknowledgements, late, slowCalls, slowNanos, staleEntries, staleNanos, damagedLayers);
    }

    /** The same with slow calls. */
    public ObjectStoreFaults withSlow(double calls, long atMostNanos) {
        return new ObjectStoreFaults(
                failing,
                lostAcknowledgements,
                lateEffects,
                calls,
                atMostNanos,
                staleEntries,
                staleNanos,
                damagedLayers);
    }

    /** The same with listings that lag. */
    public ObjectStoreFaults withStaleListings(double entries, long atMostNanos) {
        return new ObjectStoreFaults(
                failing, lostAcknowledgements, lateEffects, slowCalls, slowNanos, entries, atMostNanos, damagedLayers);
    }

    /** The same with damage on the way. */
    public ObjectStoreFaults withDamagedLayers(double gets) {
        return new ObjectStoreFaults(
                failing, lostAcknowledgements, lateEffects, slowCalls, slowNanos, staleEntries, staleNanos, gets);
    }
}
