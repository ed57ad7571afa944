package dev.palimpsest.storage.remote;

import dev.palimpsest.storage.runtime.Environment;
import io.prometheus.metrics.model.registry.PrometheusRegistry;

/**
 * How an object store is used that is far away.
 *
 * @param calls how many calls run at once
 * @param times how long each may take
 * @param retries how often it is made again
 */
public record RemoteSettings(CallLimits calls, TimeLimits times, RetryPolicy retries) {
    /** Up to 8 attempts within about 13 s of pauses, and otherwise what the parts say. */
    public static final RemoteSettings DEFAULT = new RemoteSettings(
            CallLimits.DEFAULT, TimeLimits.DEFAULT, new RetryPolicy(8, 100_000_000L, 10_000_000_000L));

    /**
     * Puts all wrappers around a store, the outermost first: retries, which hold no slot while they pause; the bound on calls at
     * once; metering, which so does not count the wait for a slot; the limit on time, which so is metered as a failure.
     *
     * @param metrics where the metrics are registered; those of one store only
     */
    public ObjectStore wrap(ObjectStore store, Environment environment, PrometheusRegistry metrics) {
        RemoteMetrics remote = new RemoteMetrics(environment.clock(), metrics);
        ObjectStore limited = new TimeLimitedObjectStore(store, times, environment.clock());
        ObjectStore metered = new MeteredObjectStore(limited, remote);
        return new RetryingObjectStore(
                new LimitedObjectStore(metered, calls, remote, environment), retries, environment);
    }
}
