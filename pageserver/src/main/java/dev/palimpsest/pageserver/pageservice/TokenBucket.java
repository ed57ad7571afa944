package dev.palimpsest.pageserver.pageservice;

/**
 * The tokens of one tenant. Who takes more than there are is told how long to wait: until his have come, and those of everybody
 * who asked before him. So who shares a bucket is served in turn. Safe for use by many threads.
 */
final class TokenBucket {
    private static final double NANOS_A_SECOND = 1e9;

    private final ThrottleSettings settings;
    private final double tokensPerNano;
    /** Below 0 by as many as are waited for. */
    private double tokens;

    private long asOf;

    /** @param now in nanoseconds, by whichever clock {@link #take} is told it too */
    TokenBucket(ThrottleSettings settings, long now) {
        this.settings = settings;
        this.tokensPerNano = settings.refillAmount()
                / (settings.refillInterval().toSeconds() * NANOS_A_SECOND
                        + settings.refillInterval().toNanosPart());
        this.tokens = Math.min(settings.initial(), settings.max());
        this.asOf = now;
    }

    ThrottleSettings settings() {
        return settings;
    }

    private void refill(long now) {
        tokens = Math.min(settings.max(), tokens + Math.max(0, now - asOf) * tokensPerNano);
        asOf = Math.max(asOf, now);
    }

    /**
     * Takes tokens.
     *
     * @return after how many nanoseconds they have come; 0 if they were there
     */
    synchronized long take(int count, long now) {
        refill(now);
        tokens -= count;
        return tokens >= 0 ? 0 : (long) Math.ceil(-tokens / tokensPerNano);
    }

    /** Whether it is as full as it gets, so that a new one is at least no fuller. */
    synchronized boolean isFull(long now) {
        refill(now);
        return tokens >= settings.max();
    }
}
