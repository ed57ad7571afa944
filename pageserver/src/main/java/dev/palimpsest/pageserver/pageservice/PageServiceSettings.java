package dev.palimpsest.pageserver.pageservice;

import java.time.Duration;

/**
 * How the page service listens, and what its clients may take.
 *
 * @param host what it listens on, a name or an IP address
 * @param port 0 to 65535; 0 for a free one
 * @param maxConnections how many clients may be connected at once; each takes a thread, and some 20 to 200 KiB
 * @param tenantPercent how many percent of them one tenant's may be, 1 to 100; at least one client in any case
 * @param loginTimeout how long a client may take until it is let in, with its TLS handshake
 * @param idleTimeout how long a client may be silent between two messages; zero for ever
 * @param messageTimeout how long a client may take for a message that it has begun
 * @param writeTimeout how long a client may not take what it is sent
 * @param waitLsnTimeout how long a read waits for its LSN
 * @param maxBatchSize how many pages are read at once for one client, at most as many as a vectored read may have keys
 * @param throttle how many requests each tenant may make that has no such setting of its own
 */
public record PageServiceSettings(
        String host,
        int port,
        int maxConnections,
        int tenantPercent,
        Duration loginTimeout,
        Duration idleTimeout,
        Duration messageTimeout,
        Duration writeTimeout,
        Duration waitLsnTimeout,
        int maxBatchSize,
        ThrottleSettings throttle) {
    /** Neon's port for the same thing. */
    public static final int DEFAULT_PORT = 64000;

    private static final int MAX_PORT = 65535;
    private static final int ALL = 100;

    /** @throws IllegalArgumentException if a number is out of range */
    public PageServiceSettings {
        if (port < 0 || port > MAX_PORT) {
            throw new IllegalArgumentException("there is no port " + port);
        }
        if (maxConnections < 1) {
            throw new IllegalArgumentException("at least one connection must be possible, not " + maxConnections);
        }
        if (tenantPercent < 1 || tenantPercent > ALL) {
            throw new IllegalArgumentException(
                    "a tenant may have 1 to 100 percent of the connections, not " + tenantPercent);
        }
        if (maxBatchSize < 1) {
            throw new IllegalArgumentException("a batch has at least one page, not " + maxBatchSize);
        }
    }

    /** How many clients one tenant may have. */
    int maxConnectionsOfTenant() {
        return Math.max(1, (int) ((long) maxConnections * tenantPercent / ALL));
    }

    /** Listens on an address, with Neon's timeouts and batches, but for idle clients, who may stay. */
    public static PageServiceSettings on(String host, int port) {
        return new PageServiceSettings(
                host,
                port,
                5000,
                50,
                Duration.ofMinutes(1),
                Duration.ZERO,
                Duration.ofMinutes(1),
                Duration.ofMinutes(2),
                Duration.ofMinutes(5),
                32,
                ThrottleSettings.NONE);
    }
}
