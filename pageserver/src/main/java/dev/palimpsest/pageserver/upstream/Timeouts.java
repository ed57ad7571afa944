package dev.palimpsest.pageserver.upstream;

import java.time.Duration;

/**
 * How long to wait for a server that says nothing. Each is positive.
 *
 * @param reply for the answer to a command, and for room to send one
 * @param backupStart for the first answer to BASE_BACKUP, which comes after a checkpoint
 * @param stall within a base backup, for the next piece of it
 */
public record Timeouts(Duration reply, Duration backupStart, Duration stall) {
    /** A minute, half an hour, five minutes. */
    public static final Timeouts DEFAULT =
            new Timeouts(Duration.ofMinutes(1), Duration.ofMinutes(30), Duration.ofMinutes(5));

    /**
     * Checks them.
     *
     * @throws IllegalArgumentException if one is not positive
     */
    public Timeouts {
        if (!reply.isPositive() || !backupStart.isPositive() || !stall.isPositive()) {
            throw new IllegalArgumentException(
                    "a timeout is not positive: " + reply + ", " + backupStart + ", " + stall);
        }
    }
}
