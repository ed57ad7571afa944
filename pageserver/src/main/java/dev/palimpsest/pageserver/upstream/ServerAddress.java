package dev.palimpsest.pageserver.upstream;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Where a server may be reached.
 *
 * @param host a name, an IP address, or a directory with a Unix socket, which starts with a slash
 * @param hostAddress the IP address to use instead of looking {@code host} up, or null
 * @param port 1 to 65535; it is part of a Unix socket's name too
 */
public record ServerAddress(String host, @Nullable String hostAddress, int port) {
    /** PostgreSQL's port. */
    public static final int DEFAULT_PORT = 5432;

    /**
     * Checks the port.
     *
     * @throws IllegalArgumentException if it is none, or the host is empty
     */
    public ServerAddress {
        if (port < 1 || port > 65535) {
            throw new IllegalArgumentException("port " + port + " is not between 1 and 65535");
        }
        if (host.isEmpty()) {
            throw new IllegalArgumentException("the host is empty");
        }
    }

    /** Whether this is a Unix socket. */
    public boolean isUnixSocket() {
        return hostAddress == null && host.startsWith("/");
    }

    /**
     * The file of the Unix socket.
     *
     * @throws IllegalStateException if this is none
     */
    public Path socketFile() {
        if (!isUnixSocket()) {
            throw new IllegalStateException(this + " is no Unix socket");
        }
        return Path.of(host, ".s.PGSQL." + port);
    }

    /** {@code host:port}, {@code [::1]:port} or the file of the Unix socket. */
    @Override
    public String toString() {
        if (isUnixSocket()) {
            return socketFile().toString();
        }
        String name = host.indexOf(':') >= 0 ? "[" + host + "]" : host;
        String address = hostAddress == null || hostAddress.equals(host) ? "" : " (" + hostAddress + ")";
        return name + ":" + port + address;
    }
}
