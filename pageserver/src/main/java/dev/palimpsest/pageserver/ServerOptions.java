package dev.palimpsest.pageserver;

import dev.palimpsest.pageserver.pageservice.PageServiceSettings;
import dev.palimpsest.storage.eviction.EvictionSettings;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a server is started with.
 *
 * @param directory where it keeps everything; made if it is not there
 * @param listenHost what the management API listens on, a name or an IP address
 * @param listenPort 0 to 65535; 0 for a free one
 * @param storage where history is kept, of which the directory is a cache then; null for the directory itself
 * @param pageService where pages are served
 * @param eviction when layers leave the local disk; null for the defaults if history is in a bucket, and never if it is in a
 *     directory: on the same file system a layer and its object are one file, and evicting it would free nothing
 * @param pgBinaries where the programs of PostgreSQL are looked for first; null for the usual places only
 */
public record ServerOptions(
        Path directory,
        String listenHost,
        int listenPort,
        @Nullable StorageLocation storage,
        PageServiceSettings pageService,
        @Nullable EvictionSettings eviction,
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
        this(directory, listenHost, listenPort, null, PageServiceSettings.on(listenHost, 0), null, pgBinaries);
    }

    /** The same with history somewhere else. */
    public ServerOptions withStorage(StorageLocation location) {
        return new ServerOptions(directory, listenHost, listenPort, location, pageService, eviction, pgBinaries);
    }

    /** When layers leave the local disk, in the end. */
    Optional<EvictionSettings> evicting() {
        return Optional.ofNullable(
                eviction == null && storage instanceof StorageLocation.Bucket ? EvictionSettings.DEFAULT : eviction);
    }
}
