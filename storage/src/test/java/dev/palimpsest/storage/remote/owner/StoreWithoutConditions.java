package dev.palimpsest.storage.remote.owner;

import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.remote.ByteRange;
import dev.palimpsest.storage.remote.ListRequest;
import dev.palimpsest.storage.remote.Listing;
import dev.palimpsest.storage.remote.ObjectInfo;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.ObjectSink;
import dev.palimpsest.storage.remote.ObjectSource;
import dev.palimpsest.storage.remote.ObjectStore;
import dev.palimpsest.storage.remote.PutCondition;
import java.util.Collection;
import java.util.Optional;
import java.util.Set;

/** A store that knows no conditions, and that may be cut off: then every call is UNAVAILABLE. */
final class StoreWithoutConditions implements ObjectStore {
    private final ObjectStore store;
    private volatile boolean cutOff;

    StoreWithoutConditions(ObjectStore store) {
        this.store = store;
    }

    void cutOff(boolean now) {
        cutOff = now;
    }

    private void checkReachable(String operation, String object) throws ObjectStoreException {
        if (cutOff) {
            throw new ObjectStoreException(ObjectStoreException.Kind.UNAVAILABLE, operation, object, "cut off");
        }
    }

    @Override
    public Set<Capability> capabilities() {
        return Set.of();
    }

    @Override
    public ObjectInfo put(ObjectKey key, ObjectSource source, PutCondition condition, RequestContext context)
            throws StorageException {
        checkReachable("put", key.value());
        if (!(condition instanceof PutCondition.Always)) {
            throw new ObjectStoreException(
                    ObjectStoreException.Kind.REFUSED, "put", key.value(), "there are no conditions");
        }
        return store.put(key, source, condition, context);
    }

    @Override
    public ObjectInfo copy(ObjectKey from, ObjectKey to, RequestContext context) throws StorageException {
        checkReachable("copy", to.value());
        return store.copy(from, to, context);
    }

    @Override
    public ObjectInfo get(ObjectKey key, ByteRange range, ObjectSink sink, RequestContext context)
            throws StorageException {
        checkReachable("get", key.value());
        return store.get(key, range, sink, context);
    }

    @Override
    public Optional<ObjectInfo> head(ObjectKey key, RequestContext context) throws StorageException {
        checkReachable("head", key.value());
        return store.head(key, context);
    }

    @Override
    public Listing list(ListRequest request, RequestContext context) throws StorageException {
        checkReachable("list", request.prefix());
        return store.list(request, context);
    }

    @Override
    public void delete(ObjectKey key, RequestContext context) throws StorageException {
        checkReachable("delete", key.value());
        store.delete(key, context);
    }

    @Override
    public void deleteAll(Collection<ObjectKey> keys, RequestContext context) throws StorageException {
        checkReachable("delete", "objects");
        store.deleteAll(keys, context);
    }
}
