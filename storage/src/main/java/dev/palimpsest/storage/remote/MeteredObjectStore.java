package dev.palimpsest.storage.remote;

import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.remote.RemoteMetrics.RequestType;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.Optional;
import java.util.Set;

/** Enters every call into {@link RemoteMetrics}: how long it took, how it ended, how many bytes it carried. */
public final class MeteredObjectStore implements ObjectStore {
    private final ObjectStore store;
    private final RemoteMetrics metrics;

    /**
     * @param store that does the work
     */
    public MeteredObjectStore(ObjectStore store, RemoteMetrics metrics) {
        this.store = store;
        this.metrics = metrics;
    }

    @Override
    public Set<Capability> capabilities() {
        return store.capabilities();
    }

    @Override
    public ObjectInfo put(ObjectKey key, ObjectSource source, PutCondition condition, RequestContext context)
            throws StorageException {
        ObjectInfo info = metrics.request(RequestType.PUT, () -> store.put(key, source, condition, context));
        metrics.uploaded(info.size());
        return info;
    }

    @Override
    public ObjectInfo copy(ObjectKey from, ObjectKey to, RequestContext context) throws StorageException {
        return metrics.request(RequestType.COPY, () -> store.copy(from, to, context));
    }

    @Override
    public ObjectInfo get(ObjectKey key, ByteRange range, ObjectSink sink, RequestContext context)
            throws StorageException {
        ObjectSink counting = new ObjectSink() {
            @Override
            public void begin(ObjectInfo info, long length) throws StorageException {
                sink.begin(info, length);
            }

            @Override
            public void write(long offset, ByteBuffer bytes) throws StorageException {
                metrics.downloaded(bytes.remaining());
                sink.write(offset, bytes);
            }
        };
        return metrics.request(RequestType.GET, () -> store.get(key, range, counting, context));
    }

    @Override
    public Optional<ObjectInfo> head(ObjectKey key, RequestContext context) throws StorageException {
        return metrics.request(RequestType.HEAD, () -> store.head(key, context));
    }

    @Override
    public Listing list(ListRequest request, RequestContext context) throws StorageException {
        return metrics.request(RequestType.LIST, () -> store.list(request, context));
    }

    @Override
    public void delete(ObjectKey key, RequestContext context) throws StorageException {
        metrics.request(RequestType.DELETE, () -> {
            store.delete(key, context);
            return true;
        });
        metrics.deleted(1);
    }

    @Override
    public void deleteAll(Collection<ObjectKey> keys, RequestContext context) throws StorageException {
        metrics.request(RequestType.DELETE, () -> {
            store.deleteAll(keys, context);
            return true;
        });
        metrics.deleted(keys.size());
    }
}
