package dev.palimpsest.pageserver.http;

import java.time.Duration;

/**
 * How the management API listens, and what its clients may take.
 *
 * @param host what it listens on, a name or an IP address
 * @param port 0 to 65535; 0 for a free one
 * @param maxConnections how many there may be at once, at least 1; more wait until others go
 * @param maxHeaderBytes how large the request line and all headers of a request may be together, at least 256
 * @param requestTimeout how long a connection may take, from its beginning or its last answer, until its next request is here
 *     as a whole
 * @param metricsNeedToken whether {@code /metrics} is for administrators only
 * @param nodeId what this server is called by whoever places tenants
 */
public record HttpSettings(
        String host,
        int port,
        int maxConnections,
        int maxHeaderBytes,
        Duration requestTimeout,
        boolean metricsNeedToken,
        int nodeId) {
    /** Neon's port for the same thing. */
    public static final int DEFAULT_PORT = 9898;

    private static final int MAX_PORT = 65535;
    private static final int MIN_HEADER_BYTES = 256;

    /** @throws IllegalArgumentException if a number is out of range */
    public HttpSettings {
        if (port < 0 || port > MAX_PORT) {
            throw new IllegalArgumentException("there is no port " + port);
        }
        if (maxConnections < 1 || maxHeaderBytes < MIN_HEADER_BYTES) {
            throw new IllegalArgumentException(
                    "no limits: " + maxConnections + " connections, headers of " + maxHeaderBytes + " bytes");
        }
        if (requestTimeout.isNegative() || requestTimeout.isZero()) {
            throw new IllegalArgumentException("a request cannot be here within " + requestTimeout);
        }
    }

    /** Listens on an address, with room for a thousand connections. */
    public static HttpSettings on(String host, int port) {
        return new HttpSettings(host, port, 1000, 16 << 10, Duration.ofMinutes(1), false, 1);
    }
}
