package dev.palimpsest.pageserver.config;

import java.net.InetAddress;
import java.net.UnknownHostException;
import org.jspecify.annotations.Nullable;

/**
 * Where something listens. Written as {@code HOST:PORT}, an IPv6 address in brackets.
 *
 * @param host a name or an IP address, without brackets
 * @param port 0 to 65535; 0 for a free one
 */
public record Address(String host, int port) {
    private static final int MAX_PORT = 65535;

    /** @throws IllegalArgumentException if the port is out of range */
    public Address {
        if (port < 0 || port > MAX_PORT) {
            throw new IllegalArgumentException("there is no port " + port);
        }
    }

    /**
     * Reads what a user wrote.
     *
     * @throws IllegalArgumentException if it cannot be; the message is for the user
     */
    public static Address parse(String text) {
        int colon = text.lastIndexOf(':');
        try {
            if (colon > 0) {
                String host = text.substring(0, colon);
                boolean bracketed = host.startsWith("[") && host.endsWith("]");
                if (bracketed || host.indexOf(':') < 0) {
                    return new Address(
                            bracketed ? host.substring(1, host.length() - 1) : host,
                            Integer.parseInt(text.substring(colon + 1)));
                }
            }
        } catch (IllegalArgumentException e) {
            throw notOne(text, e);
        }
        throw notOne(text, null);
    }

    private static IllegalArgumentException notOne(String text, @Nullable Exception cause) {
        return new IllegalArgumentException("wants HOST:PORT, such as 127.0.0.1:9898, not \"" + text + "\"", cause);
    }

    /** Whether only programs on the same machine reach it. */
    public boolean isLocal() {
        try {
            return InetAddress.getByName(host).isLoopbackAddress();
        } catch (UnknownHostException e) {
            return false;
        }
    }

    @Override
    public String toString() {
        return (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + port;
    }
}
