package dev.palimpsest.storage.remote;

/**
 * How often and how fast to try again. Before the n-th retry comes a pause of the first pause times 2 to the (n - 1), but no
 * longer than the longest; of it a random part between a half and the whole is waited, so that clients do not come in step.
 *
 * @param attempts how often at most, with the first, at least 1; {@link Integer#MAX_VALUE} for ever
 * @param firstPauseNanos in nanoseconds, at least 1
 * @param longestPauseNanos in nanoseconds, at least the first
 */
public record RetryPolicy(int attempts, long firstPauseNanos, long longestPauseNanos) {
    /**
     * @throws IllegalArgumentException if a value is out of its range
     */
    public RetryPolicy {
        if (attempts < 1 || firstPauseNanos < 1 || longestPauseNanos < firstPauseNanos) {
            throw new IllegalArgumentException("not a retry policy: " + attempts + " attempts, first pause "
                    + firstPauseNanos + " ns, longest " + longestPauseNanos + " ns");
        }
    }

    /**
     * How long to wait after a failed attempt, in nanoseconds.
     *
     * @param attempt which has failed, counted from 1
     * @param random 0, inclusive, to 1, exclusive
     */
    long pauseNanos(int attempt, double random) {
        long pause = firstPauseNanos;
        for (int i = 1; i < attempt && pause < longestPauseNanos; i++) {
            pause = pause > longestPauseNanos / 2 ? longestPauseNanos : pause * 2;
        }
        return pause / 2 + (long) ((pause - pause / 2) * random);
    }
}
