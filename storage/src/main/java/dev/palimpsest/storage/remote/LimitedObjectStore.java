package dev.palimpsest.storage.remote;

import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.remote.RemoteMetrics.RequestType;
import dev.palimpsest.storage.runtime.Environment;
import java.util.Collection;
import java.util.Optional;
import java.util.Set;

/**
 * Bounds how many calls run at once: those that bring something here apart from those that change something there, so that a
 * read never waits for an upload. Who waits goes by urgency: a read that a session waits for first, ingest, starting and
 * stopping, flush, tools, compaction, GC; each eighth turn is that of whoever has waited longest. Some downloads are only for
 * reads that a session waits for, so that they need not wait for the end of a large download either.
 */
public final class LimitedObjectStore implements ObjectStore {
    private final ObjectStore store;
    private final RemoteMetrics metrics;
    private final CallSlots uploads;
    private final CallSlots downloads;

    /**
     * @param store that does the work
     * @param limits how many at once
     * @param metrics where waits are entered
     */
    public LimitedObjectStore(ObjectStore store, CallLimits limits, RemoteMetrics metrics, Environment environment) {
        this.store = store;
        this.metrics = metrics;
        this.uploads = new CallSlots("uploads", limits.uploads(), 0, environment.tasks());
        this.downloads =
                new CallSlots("downloads", limits.downloads(), limits.reservedForSessions(), environment.tasks());
        metrics.watch("upload", uploads::inUse, uploads::waiting);
        metrics.watch("download", downloads::inUse, downloads::waiting);
    }

    @Override
    public Set<Capability> capabilities() {
        return store.capabilities();
    }

    @Override
    public ObjectInfo put(ObjectKey key, ObjectSource source, PutCondition condition, RequestContext context)
            throws StorageException {
        try (CallSlots.Slot _ = slot(uploads, RequestType.PUT, context)) {
            return store.put(key, source, condition, context);
        }
    }

    @Override
    public ObjectInfo copy(ObjectKey from, ObjectKey to, RequestContext context) throws StorageException {
        try (CallSlots.Slot _ = slot(uploads, RequestType.COPY, context)) {
            return store.copy(from, to, context);
        }
    }

    @Override
    public ObjectInfo get(ObjectKey key, ByteRange range, ObjectSink sink, RequestContext context)
            throws StorageException {
        try (CallSlots.Slot _ = slot(downloads, RequestType.GET, context)) {
            return store.get(key, range, sink, context);
        }
    }

    @Override
    public Optional<ObjectInfo> head(ObjectKey key, RequestContext context) throws StorageException {
        try (CallSlots.Slot _ = slot(downloads, RequestType.HEAD, context)) {
            return store.head(key, context);
        }
    }

    @Override
    public Listing list(ListRequest request, RequestContext context) throws StorageException {
        try (CallSlots.Slot _ = slot(downloads, RequestType.LIST, context)) {
            return store.list(request, context);
        }
    }

    @Override
    public void delete(ObjectKey key, RequestContext context) throws StorageException {
        try (CallSlots.Slot _ = slot(uploads, RequestType.DELETE, context)) {
            store.delete(key, context);
        }
    }

    @Override
    public void deleteAll(Collection<ObjectKey> keys, RequestContext context) throws StorageException {
        try (CallSlots.Slot _ = slot(uploads, RequestType.DELETE, context)) {
            store.deleteAll(keys, context);
        }
    }

    private CallSlots.Slot slot(CallSlots slots, RequestType type, RequestContext context) throws StorageException {
        return metrics.waiting(type, () -> slots.acquire(context));
    }
}
