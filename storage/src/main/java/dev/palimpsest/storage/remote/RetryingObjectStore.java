package dev.palimpsest.storage.remote;

import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.runtime.Environment;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.Optional;
import java.util.Set;

/**
 * Tries again what another store answers with {@code UNAVAILABLE}, as {@link Retries} does.
 *
 * <p><b>A put with a condition</b> whose acknowledgement was lost finds, when it is tried again, its own object in the way.
 * So when the condition fails after an attempt that may have happened, the object is read back: if it has the bytes that were
 * to be put, the put is reported as done. If it has others, {@code PRECONDITION_FAILED} it is, though the lost attempt may have
 * happened and been replaced since. Whoever uses conditions to decide between contenders must let each put different
 * bytes: two that put the same are both told that they succeeded.
 */
public final class RetryingObjectStore implements ObjectStore {
    private final ObjectStore store;
    private final Retries retries;

    /**
     * @param store that does the work
     * @param environment whose clock, tasks and randomness the pauses are made of
     */
    public RetryingObjectStore(ObjectStore store, RetryPolicy policy, Environment environment) {
        this.store = store;
        this.retries = new Retries(policy, environment);
    }

    @Override
    public Set<Capability> capabilities() {
        return store.capabilities();
    }

    @Override
    public ObjectInfo put(ObjectKey key, ObjectSource source, PutCondition condition, RequestContext context)
            throws StorageException {
        boolean[] mayHaveHappened = new boolean[1];
        return retries.run("put", key.value(), context, () -> {
            try {
                return store.put(key, source, condition, context);
            } catch (ObjectStoreException e) {
                if (e.kind() == ObjectStoreException.Kind.PRECONDITION_FAILED && mayHaveHappened[0]) {
                    return ownOrThrow(e, key, source, context);
                }
                mayHaveHappened[0] |= e.kind() == ObjectStoreException.Kind.UNAVAILABLE;
                throw e;
            }
        });
    }

    /** What is at the key if that is what was to be put; otherwise throws the failed condition on. */
    private ObjectInfo ownOrThrow(
            ObjectStoreException failure, ObjectKey key, ObjectSource source, RequestContext context)
            throws StorageException {
        Comparison comparison = new Comparison(source);
        try {
            ObjectInfo found = store.get(key, ByteRange.WHOLE, comparison, context);
            if (comparison.isEqual()) {
                return found;
            }
        } catch (ObjectStoreException e) {
            if (e.kind() != ObjectStoreException.Kind.NOT_FOUND) {
                e.addSuppressed(failure);
                throw e;
            }
        }
        throw failure;
    }

    @Override
    public ObjectInfo copy(ObjectKey from, ObjectKey to, RequestContext context) throws StorageException {
        return retries.run("copy", from.value(), context, () -> store.copy(from, to, context));
    }

    @Override
    public ObjectInfo get(ObjectKey key, ByteRange range, ObjectSink sink, RequestContext context)
            throws StorageException {
        return retries.run("get", key.value(), context, () -> store.get(key, range, sink, context));
    }

    @Override
    public Optional<ObjectInfo> head(ObjectKey key, RequestContext context) throws StorageException {
        return retries.run("head", key.value(), context, () -> store.head(key, context));
    }

    @Override
    public Listing list(ListRequest request, RequestContext context) throws StorageException {
        return retries.run("list", request.prefix(), context, () -> store.list(request, context));
    }

    @Override
    public void delete(ObjectKey key, RequestContext context) throws StorageException {
        retries.run("delete", key.value(), context, () -> {
            store.delete(key, context);
            return true;
        });
    }

    @Override
    public void deleteAll(Collection<ObjectKey> keys, RequestContext context) throws StorageException {
        retries.run("delete", keys.size() + " objects", context, () -> {
            store.deleteAll(keys, context);
            return true;
        });
    }

    /** Compares what a get delivers with what was to be put. */
    private static final class Comparison implements ObjectSink {
        private final ObjectSource source;
        private boolean equal;

        Comparison(ObjectSource source) {
            this.source = source;
        }

        @Override
        public void begin(ObjectInfo info, long length) {
            equal = length == source.size();
        }

        @Override
        public void write(long offset, ByteBuffer bytes) throws StorageException {
            if (equal) {
                ByteBuffer expected = ByteBuffer.allocate(bytes.remaining());
                source.read(offset, expected);
                equal = expected.flip().equals(bytes);
            }
        }

        boolean isEqual() {
            return equal;
        }
    }
}
