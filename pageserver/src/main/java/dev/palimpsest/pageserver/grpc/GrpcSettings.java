package dev.palimpsest.pageserver.grpc;

/**
 * Where the gRPC page API listens, and how many clients it has. What else they may take is as in the page service.
 *
 * @param host what it listens on, a name or an IP address
 * @param port 0 to 65535; 0 for a free one
 * @param maxConnections how many connections there may be at once
 * @param maxCalls how many calls there may be at once, over all connections; a stream of requests is one
 */
public record GrpcSettings(String host, int port, int maxConnections, int maxCalls) {
    private static final int MAX_PORT = 65535;

    /** @throws IllegalArgumentException if a number is out of range */
    public GrpcSettings {
        if (port < 0 || port > MAX_PORT) {
            throw new IllegalArgumentException("there is no port " + port);
        }
        if (maxConnections < 1 || maxCalls < 1) {
            throw new IllegalArgumentException("at least one connection and one call must be possible, not "
                    + maxConnections + " and " + maxCalls);
        }
    }
}
