package dev.palimpsest.pageserver;

import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.file.Disk;
import dev.palimpsest.storage.remote.ObjectStore;
import dev.palimpsest.storage.remote.ReadOnlyObjectStore;
import dev.palimpsest.storage.remote.RemotePaths;
import dev.palimpsest.storage.remote.RemoteSettings;
import dev.palimpsest.storage.remote.local.LocalDirectoryStore;
import dev.palimpsest.storage.remote.owner.OwnedObjectStore;
import dev.palimpsest.storage.remote.owner.OwnerSettings;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.s3.ConditionalPuts;
import dev.palimpsest.storage.s3.S3ObjectStore;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The object store that a user named, opened, with retries, limits and metering around it. The one place that knows which kinds
 * there are.
 */
public final class OpenObjectStore implements AutoCloseable {
    /** Where a directory of objects has its lock; no key begins so. */
    private static final String LOCK = ".lock";

    private static final Logger LOG = LoggerFactory.getLogger(OpenObjectStore.class);

    private final ObjectStore objects;
    private final Closing closing;

    @FunctionalInterface
    private interface Closing {
        void close() throws IOException;
    }

    private OpenObjectStore(ObjectStore objects, Closing closing) {
        this.objects = objects;
        this.closing = closing;
    }

    /**
     * Opens it. A bucket is asked for, and what its service can do is found out; a directory is made if it is not there.
     *
     * @param disk where a directory is
     * @param environment real ones
     * @param metrics where the metrics of the store are registered
     * @throws IOException if another server uses the directory
     * @throws StorageException if the bucket cannot be used
     */
    public static OpenObjectStore open(
            StorageLocation location,
            Disk disk,
            Environment environment,
            RemoteSettings settings,
            PrometheusRegistry metrics,
            RequestContext context)
            throws IOException, StorageException {
        return switch (location) {
            case StorageLocation.Bucket bucket -> {
                S3ObjectStore store = S3ObjectStore.open(bucket.settings(), environment, context);
                yield bucket.allowUnguarded() && !store.capabilities().contains(ObjectStore.Capability.PUT_IF_ABSENT)
                        ? unguarded(store, bucket, environment, settings, metrics, context)
                        : new OpenObjectStore(settings.wrap(store, environment, metrics), store::close);
            }
            case StorageLocation.LocalDirectory directory -> {
                DirectoryLock lock = DirectoryLock.take(directory.path().resolve(LOCK));
                try {
                    LocalDirectoryStore store = LocalDirectoryStore.open(disk, directory.path());
                    yield new OpenObjectStore(settings.wrap(store, environment, metrics), lock::close);
                } catch (StorageException e) {
                    lock.close();
                    throw e;
                }
            }
        };
    }

    private static OpenObjectStore unguarded(
            S3ObjectStore store,
            StorageLocation.Bucket bucket,
            Environment environment,
            RemoteSettings settings,
            PrometheusRegistry metrics,
            RequestContext context)
            throws StorageException {
        LOG.warn(
                "{} cannot put an object on the condition that there is none. Two servers that both use it can damage"
                        + " what is there; only the owner's heartbeat in {} keeps them apart",
                bucket.settings(),
                RemotePaths.OWNER);
        boolean taken = false;
        try {
            String name = "process " + ProcessHandle.current().pid() + " on " + hostName();
            OwnedObjectStore owned = OwnedObjectStore.take(store, environment, OwnerSettings.DEFAULT, name, context);
            taken = true;
            return new OpenObjectStore(settings.wrap(owned, environment, metrics), () -> {
                owned.close();
                store.close();
            });
        } finally {
            if (!taken) {
                store.close();
            }
        }
    }

    private static String hostName() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return "a machine without a name";
        }
    }

    /**
     * Opens it for reading only: nothing is written, not even to find out what a service can do, and nothing is locked, so a
     * server may be using it.
     *
     * @throws IOException if the directory is not there
     * @throws StorageException if the bucket cannot be used
     */
    public static OpenObjectStore openForReading(
            StorageLocation location,
            Disk disk,
            Environment environment,
            RemoteSettings settings,
            PrometheusRegistry metrics,
            RequestContext context)
            throws IOException, StorageException {
        return switch (location) {
            case StorageLocation.Bucket bucket -> {
                S3ObjectStore store = S3ObjectStore.open(
                        bucket.settings().withConditionalPuts(ConditionalPuts.NONE), environment, context);
                yield new OpenObjectStore(
                        new ReadOnlyObjectStore(settings.wrap(store, environment, metrics)), store::close);
            }
            case StorageLocation.LocalDirectory directory -> {
                if (!disk.exists(directory.path())) {
                    throw new IOException("there is no directory " + directory.path());
                }
                ObjectStore store = LocalDirectoryStore.reading(disk, directory.path());
                yield new OpenObjectStore(settings.wrap(store, environment, metrics), () -> {});
            }
        };
    }

    /** What it stores; not to be used after {@link #close}. */
    public ObjectStore objects() {
        return objects;
    }

    @Override
    public void close() throws IOException {
        closing.close();
    }
}
