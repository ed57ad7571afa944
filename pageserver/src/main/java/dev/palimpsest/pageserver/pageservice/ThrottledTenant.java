package dev.palimpsest.pageserver.pageservice;

import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** The bucket of one tenant, which is another once the tenant may do other than before, and what came to it. Safe for use by many threads. */
final class ThrottledTenant {
    /** Requests that came. */
    final LongAdder begun = new LongAdder();

    /** Those that were let through. */
    final LongAdder ended = new LongAdder();

    /** Those that had to wait. */
    final LongAdder throttled = new LongAdder();

    final LongAdder waitedMicros = new LongAdder();
    private @Nullable TokenBucket bucket;

    /** As {@link TokenBucket#take}. */
    synchronized long take(ThrottleSettings settings, int count, long now) {
        TokenBucket current = bucket;
        if (current == null || !current.settings().equals(settings)) {
            current = new TokenBucket(settings, now);
            bucket = current;
        }
        return current.take(count, now);
    }

    /** Whether nobody would notice if it were forgotten, but for what it has counted. */
    synchronized boolean isFull(long now) {
        return bucket == null || bucket.isFull(now);
    }
}
