package dev.palimpsest.pageserver;

import dev.palimpsest.pageserver.grpc.GrpcSettings;
import dev.palimpsest.pageserver.http.HttpSettings;
import dev.palimpsest.pageserver.pageservice.PageServiceSettings;
import dev.palimpsest.pageserver.pageservice.TraceSettings;
import dev.palimpsest.pageserver.retention.RetentionSettings;
import dev.palimpsest.pageserver.security.SecuritySettings;
import dev.palimpsest.storage.compaction.BackgroundSettings;
import dev.palimpsest.storage.eviction.EvictionSettings;
import dev.palimpsest.storage.remote.RemoteSettings;
import dev.palimpsest.storage.timeline.StoreSettings;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a server is started with.
 *
 * @param directory where it keeps everything; made if it is not there
 * @param http the management API
 * @param pageService where pages are served
 * @param grpc where pages are served over gRPC; null for nowhere
 * @param security who is let in, and how connections are encrypted
 * @param storage where history is kept, of which the directory is a cache then; null for the directory itself
 * @param remote how calls to that are made, unless it is the directory itself
 * @param store what the engine may take, and how it works
 * @param eviction when layers leave the local disk; null for the defaults if history is in a bucket, and never if it is in a
 *     directory: on the same file system a layer and its object are one file, and evicting it would free nothing
 * @param retention what of history is kept
 * @param traces of which requests for pages the log says where their time went
 * @param pgBinaries where the programs of PostgreSQL are looked for first; null for the usual places only
 */
public record ServerOptions(
        Path directory,
        HttpSettings http,
        PageServiceSettings pageService,
        @Nullable GrpcSettings grpc,
        SecuritySettings security,
        @Nullable StorageLocation storage,
        RemoteSettings remote,
        StoreSettings store,
        @Nullable EvictionSettings eviction,
        RetentionSettings retention,
        TraceSettings traces,
        @Nullable Path pgBinaries) {
    /** Only programs on the same machine reach this address. */
    public static final String DEFAULT_HOST = "127.0.0.1";

    public ServerOptions {
        directory = directory.toAbsolutePath().normalize();
    }

    /**
     * With history in the directory, and the page service on a free port of the same address; all else as usual.
     *
     * @throws IllegalArgumentException if the port is out of range
     */
    public ServerOptions(Path directory, String listenHost, int listenPort, @Nullable Path pgBinaries) {
        this(
                directory,
                HttpSettings.on(listenHost, listenPort),
                PageServiceSettings.on(listenHost, 0),
                null,
                SecuritySettings.NONE,
                null,
                RemoteSettings.DEFAULT,
                StoreSettings.DEFAULT.withBackground(BackgroundSettings.DEFAULT),
                null,
                RetentionSettings.DEFAULT,
                TraceSettings.DEFAULT,
                pgBinaries);
    }

    /** The same with history somewhere else. */
    public ServerOptions withStorage(StorageLocation location) {
        return with(security, location, retention);
    }

    /** The same with other protection. */
    public ServerOptions withSecurity(SecuritySettings other) {
        return with(other, storage, retention);
    }

    /** The same with other history kept. */
    public ServerOptions withRetention(RetentionSettings other) {
        return with(security, storage, other);
    }

    private ServerOptions with(
            SecuritySettings otherSecurity, @Nullable StorageLocation otherStorage, RetentionSettings otherRetention) {
        return new ServerOptions(
                directory,
                http,
                pageService,
                grpc,
                otherSecurity,
                otherStorage,
                remote,
                store,
                eviction,
                otherRetention,
                traces,
                pgBinaries);
    }

    /** When layers leave the local disk, in the end. */
    Optional<EvictionSettings> evicting() {
        return Optional.ofNullable(
                eviction == null && storage instanceof StorageLocation.Bucket ? EvictionSettings.DEFAULT : eviction);
    }
}
