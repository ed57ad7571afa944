package dev.palimpsest.storage.remote;

import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.runtime.Clock;
import java.util.Collection;
import java.util.Optional;
import java.util.Set;

/**
 * Gives every call a deadline of its own besides the request's. A call that exceeds it ends with {@code UNAVAILABLE}: what was
 * asked may have happened, or may yet. It takes a store that heeds the deadline of a {@link RequestContext}; one that never
 * waits long has no need of this.
 */
public final class TimeLimitedObjectStore implements ObjectStore {
    /** What one request to delete names at most, in the stores that are far away. */
    private static final int DELETIONS_AT_ONCE = 1000;

    /** A copy is of a size that is not known here, and made by the store alone. */
    private static final int COPY_PATIENCE = 10;

    private static final double NANOS = 1e9;

    private final ObjectStore store;
    private final TimeLimits limits;
    private final Clock clock;

    /**
     * @param store that does the work
     * @param clock that deadlines of requests are counted by
     */
    public TimeLimitedObjectStore(ObjectStore store, TimeLimits limits, Clock clock) {
        this.store = store;
        this.limits = limits;
        this.clock = clock;
    }

    @Override
    public Set<Capability> capabilities() {
        return store.capabilities();
    }

    @Override
    public ObjectInfo put(ObjectKey key, ObjectSource source, PutCondition condition, RequestContext context)
            throws StorageException {
        return within(
                limits.nanos(source.size()),
                "put",
                key.value(),
                context,
                limited -> store.put(key, source, condition, limited));
    }

    @Override
    public ObjectInfo copy(ObjectKey from, ObjectKey to, RequestContext context) throws StorageException {
        return within(
                COPY_PATIENCE * limits.baseNanos(),
                "copy",
                from.value(),
                context,
                limited -> store.copy(from, to, limited));
    }

    @Override
    public ObjectInfo get(ObjectKey key, ByteRange range, ObjectSink sink, RequestContext context)
            throws StorageException {
        return within(
                limits.nanos(Math.min(range.length(), MAX_SIZE)),
                "get",
                key.value(),
                context,
                limited -> store.get(key, range, sink, limited));
    }

    @Override
    public Optional<ObjectInfo> head(ObjectKey key, RequestContext context) throws StorageException {
        return within(limits.baseNanos(), "head", key.value(), context, limited -> store.head(key, limited));
    }

    @Override
    public Listing list(ListRequest request, RequestContext context) throws StorageException {
        return within(limits.baseNanos(), "list", request.prefix(), context, limited -> store.list(request, limited));
    }

    @Override
    public void delete(ObjectKey key, RequestContext context) throws StorageException {
        within(limits.baseNanos(), "delete", key.value(), context, limited -> {
            store.delete(key, limited);
            return true;
        });
    }

    @Override
    public void deleteAll(Collection<ObjectKey> keys, RequestContext context) throws StorageException {
        long requests = keys.size() / DELETIONS_AT_ONCE + 1L;
        within(requests * limits.baseNanos(), "delete", keys.size() + " objects", context, limited -> {
            store.deleteAll(keys, limited);
            return true;
        });
    }

    @FunctionalInterface
    private interface Call<T> {
        T run(RequestContext limited) throws StorageException;
    }

    private <T> T within(long nanos, String operation, String object, RequestContext context, Call<T> call)
            throws StorageException {
        long start = clock.nanos();
        long until = nanos > Clock.NEVER - start ? Clock.NEVER : start + nanos;
        try {
            return call.run(context.withDeadline(until));
        } catch (DeadlineExceededException e) {
            long now = clock.nanos();
            if (now < until || now >= context.deadlineNanos()) {
                throw e;
            }
            throw new ObjectStoreException(
                    ObjectStoreException.Kind.UNAVAILABLE,
                    operation,
                    object,
                    "not done within " + nanos / NANOS + " s",
                    e);
        }
    }
}
