package dev.palimpsest.storage.remote;

import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import java.util.Collection;
import java.util.Optional;
import java.util.Set;

/** A store of which nothing can be changed: puts, copies and deletes are {@code REFUSED} and never reach it. */
public final class ReadOnlyObjectStore implements ObjectStore {
    private final ObjectStore store;

    /** @param store what is read */
    public ReadOnlyObjectStore(ObjectStore store) {
        this.store = store;
    }

    @Override
    public Set<Capability> capabilities() {
        return Set.of();
    }

    @Override
    public ObjectInfo put(ObjectKey key, ObjectSource source, PutCondition condition, RequestContext context)
            throws StorageException {
        throw refused("put", key.value());
    }

    @Override
    public ObjectInfo copy(ObjectKey from, ObjectKey to, RequestContext context) throws StorageException {
        throw refused("copy", to.value());
    }

    @Override
    public ObjectInfo get(ObjectKey key, ByteRange range, ObjectSink sink, RequestContext context)
            throws StorageException {
        return store.get(key, range, sink, context);
    }

    @Override
    public Optional<ObjectInfo> head(ObjectKey key, RequestContext context) throws StorageException {
        return store.head(key, context);
    }

    @Override
    public Listing list(ListRequest request, RequestContext context) throws StorageException {
        return store.list(request, context);
    }

    @Override
    public void delete(ObjectKey key, RequestContext context) throws StorageException {
        throw refused("delete", key.value());
    }

    @Override
    public void deleteAll(Collection<ObjectKey> keys, RequestContext context) throws StorageException {
        throw refused("delete", keys.size() + " objects");
    }

    private static ObjectStoreException refused(String operation, String object) {
        return new ObjectStoreException(
                ObjectStoreException.Kind.REFUSED, operation, object, "the store was opened for reading only");
    }
}
