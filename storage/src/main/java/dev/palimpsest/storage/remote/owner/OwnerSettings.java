package dev.palimpsest.storage.remote.owner;

import java.time.Duration;

/**
 * How the owner of a store shows that it is there.
 *
 * @param heartbeat how often it says so
 * @param lease how long after it last said so it still writes; longer than the heartbeat
 * @param takeover how long nothing must have been said before another server takes the store; longer than the lease. The
 *     difference is what a put that was begun may take to arrive
 */
public record OwnerSettings(Duration heartbeat, Duration lease, Duration takeover) {
    /** Every 5 s; writes for 20 s more; taken over after 90 s. */
    public static final OwnerSettings DEFAULT =
            new OwnerSettings(Duration.ofSeconds(5), Duration.ofSeconds(20), Duration.ofSeconds(90));

    /** @throws IllegalArgumentException if they are not in that order */
    public OwnerSettings {
        if (heartbeat.isZero()
                || heartbeat.isNegative()
                || lease.compareTo(heartbeat) <= 0
                || takeover.compareTo(lease) <= 0) {
            throw new IllegalArgumentException("not a heartbeat, a longer lease and a still longer takeover: "
                    + heartbeat + ", " + lease + ", " + takeover);
        }
    }
}
