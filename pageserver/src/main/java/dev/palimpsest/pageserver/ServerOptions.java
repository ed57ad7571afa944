package dev.palimpsest.pageserver;

import dev.palimpsest.pageserver.pageservice.PageServiceSettings;
import dev.palimpsest.pageserver.retention.RetentionSettings;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What a server is started with.
 *
 * @param directory where it keeps everything; made if it is not there
 * @param listenHost what the management API listens on, a name or an IP address
 * @param listenPort 0 to 65535; 0 for a free one
 * @param storage where history is kept, of which the directory is a cache then; null for the directory itself
 * @param pageService where pages are served
 * @param retention what of history is kept
 * @param pgBinaries where the programs of PostgreSQL are looked for first; null for the usual places only
 */
public record ServerOptions(
        Path directory,
        String listenHost,
        int listenPort,
        @Nullable StorageLocation storage,
        PageServiceSettings pageService,
        RetentionSettings retention,
        @Nullable Path pgBinaries) {
    /** Only programs on the same machine reach this address. */
    public static final String DEFAULT_HOST = "127.0.0.1";

    /** Neon's port for the same thing. */
    public static final int DEFAULT_PORT = 9898;

    private static final int MAX_PORT = 65535;

    /** @throws IllegalArgumentException if the port is out of range */
    public ServerOptions {
        directory = directory.toAbsolutePath().normalize();
        if (listenPort < 0 || listenPort > MAX_PORT) {
            throw new IllegalArgumentException("there is no port " + listenPort);
        }
    }

    /** With history in the directory, and the page service on a free port of the same address. */
    public ServerOptions(Path directory, String listenHost, int listenPort, @Nullable Path pgBinaries) {
        this(
                directory,
                listenHost,
                listenPort,
                null,
                PageServiceSettings.on(listenHost, 0),
                RetentionSettings.DEFAULT,
                pgBinaries);
    }

    /** The same with history somewhere else. */
    public ServerOptions withStorage(StorageLocation location) {
        return new ServerOptions(directory, listenHost, listenPort, location, pageService, retention, pgBinaries);
    }

    /** The same with other history kept. */
    public ServerOptions withRetention(RetentionSettings other) {
        return new ServerOptions(directory, listenHost, listenPort, storage, pageService, other, pgBinaries);
    }
}
