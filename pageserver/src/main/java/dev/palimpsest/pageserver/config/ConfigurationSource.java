package dev.palimpsest.pageserver.config;

import java.io.IOException;

/** Where a configuration comes from: read when the server starts, and again whenever somebody asks for it. */
@FunctionalInterface
public interface ConfigurationSource {
    /**
     * Reads it as it is now.
     *
     * @throws ConfigurationException if it makes no sense
     * @throws IOException if it cannot be read
     */
    Configuration read() throws IOException;
}
