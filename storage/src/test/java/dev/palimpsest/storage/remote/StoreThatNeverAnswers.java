package dev.palimpsest.storage.remote;

import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.runtime.Environment;
import java.util.Collection;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

/** Every call waits until its request is cancelled or its deadline comes. */
final class StoreThatNeverAnswers implements ObjectStore {
    private final Environment environment;
    private final AtomicInteger waiting = new AtomicInteger();

    StoreThatNeverAnswers(Environment environment) {
        this.environment = environment;
    }

    /** How many calls wait now. */
    int waiting() {
        return waiting.get();
    }

    private IllegalStateException hang(RequestContext context) throws StorageException {
        waiting.incrementAndGet();
        try {
            context.await(environment.tasks().newSignal(), () -> false, () -> "an answer that does not come");
            return new IllegalStateException("it has come");
        } finally {
            waiting.decrementAndGet();
        }
    }

    @Override
    public Set<Capability> capabilities() {
        return Set.of();
    }

    @Override
    public ObjectInfo put(ObjectKey key, ObjectSource source, PutCondition condition, RequestContext context)
            throws StorageException {
        throw hang(context);
    }

    @Override
    public ObjectInfo copy(ObjectKey from, ObjectKey to, RequestContext context) throws StorageException {
        throw hang(context);
    }

    @Override
    public ObjectInfo get(ObjectKey key, ByteRange range, ObjectSink sink, RequestContext context)
            throws StorageException {
        throw hang(context);
    }

    @Override
    public Optional<ObjectInfo> head(ObjectKey key, RequestContext context) throws StorageException {
        throw hang(context);
    }

    @Override
    public Listing list(ListRequest request, RequestContext context) throws StorageException {
        throw hang(context);
    }

    @Override
    public void delete(ObjectKey key, RequestContext context) throws StorageException {
        throw hang(context);
    }

    @Override
    public void deleteAll(Collection<ObjectKey> keys, RequestContext context) throws StorageException {
        throw hang(context);
    }
}
