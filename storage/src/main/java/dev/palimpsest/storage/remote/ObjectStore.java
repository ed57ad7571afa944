package dev.palimpsest.storage.remote;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import java.util.Collection;
import java.util.Optional;
import java.util.Set;

/**
 * Objects under keys, as the engine sees them: the truth, of which local files are a cache. Calls block. Safe for use by
 * many threads.
 *
 * <p><b>What is durable.</b> A put or a copy that returned is durable, and every get and head that starts afterwards sees it or
 * what replaced it. A delete that returned is durable likewise. An object is seen whole or not at all: nobody sees half of
 * a put, and a get delivers the bytes of one put.
 *
 * <p><b>What may lag.</b> A listing may, for a while, not show what was put or still show what was deleted. Whether an
 * object exists is what {@link #head} says.
 *
 * <p><b>What fails.</b> {@link ObjectStoreException} says by its kind what to do. After {@code UNAVAILABLE}, and after
 * {@link CancelledException} and {@link DeadlineExceededException}, a put, a copy or a delete may have happened, in whole, or may
 * still happen later; what may be put again with other content wants a condition, or a key for each content (a
 * generation). After every other failure it has not happened. The same call may be made again at any time: a put with the
 * same bytes and a delete end in the same state however often they happen. For a put with a condition see {@link
 * RetryingObjectStore}.
 *
 * <p><b>Waiting.</b> A call that was cancelled before it began does nothing. A store that may wait long heeds the cancellation and
 * the deadline of the request while it waits.
 *
 * <p><b>Keys.</b> See {@link ObjectKey}. A key that goes on after another object's key with a {@code /} ({@code a} and
 * {@code a/b}) must not be used; stores that notice refuse the second with {@code REFUSED}.
 *
 * <p><b>Sizes.</b> 0 bytes to {@link #MAX_SIZE}. A store sends large objects in parts as it likes.
 *
 * <p>Retries, metering, limits and faults are wrappers with this interface. A wrapper that has nothing to say about {@link
 * #read} leaves it alone: it goes through {@link #get}.
 */
public interface ObjectStore {
    /** The largest object, in bytes. */
    long MAX_SIZE = 5L << 30;

    /** What not every store can do. */
    enum Capability {
        /** {@link PutCondition#IF_ABSENT}. */
        PUT_IF_ABSENT,
        /** {@link PutCondition.IfMatch}; then every {@link ObjectInfo} has a version. */
        PUT_IF_MATCH
    }

    /** What this store can do beyond what every store can. Always the same. */
    Set<Capability> capabilities();

    /**
     * Puts an object; replaces what was there if the condition lets it.
     *
     * @return what is there now
     * @throws ObjectStoreException {@code PRECONDITION_FAILED} if the condition does not hold, {@code REFUSED} if the store
     *     cannot do conditions of that kind
     * @throws StorageException also what the source throws; then nothing was put
     * @throws IllegalArgumentException if the source is larger than {@link #MAX_SIZE}
     */
    ObjectInfo put(ObjectKey key, ObjectSource source, PutCondition condition, RequestContext context)
            throws StorageException;

    /**
     * Puts what another object has under another key, whatever was there. The bytes do not pass through here if the store can
     * copy by itself. An object that is replaced meanwhile is copied as it was or as it is then.
     *
     * @return what is there now
     * @throws ObjectStoreException {@code NOT_FOUND} if there is no object {@code from}; then nothing has changed
     * @throws IllegalArgumentException if both keys are the same
     */
    ObjectInfo copy(ObjectKey from, ObjectKey to, RequestContext context) throws StorageException;

    /**
     * Delivers a part of an object: the range, clipped to the object. A range that starts at the object's end or beyond
     * delivers no bytes, and is no error. When it throws, the sink may have got any part.
     *
     * @return what the bytes are of
     * @throws ObjectStoreException {@code NOT_FOUND} if there is no such object; then the sink was not called
     * @throws StorageException also what the sink throws
     */
    ObjectInfo get(ObjectKey key, ByteRange range, ObjectSink sink, RequestContext context) throws StorageException;

    /**
     * Reads a whole object into memory.
     *
     * @param maxSize in bytes; more is not allocated
     * @throws ObjectStoreException {@code NOT_FOUND} if there is no such object
     * @throws CorruptionException if the object is larger than {@code maxSize}
     */
    default ObjectBytes read(ObjectKey key, int maxSize, RequestContext context) throws StorageException {
        BytesSink sink = new BytesSink(maxSize);
        ObjectInfo info = get(key, ByteRange.WHOLE, sink, context);
        return new ObjectBytes(info, sink.bytes());
    }

    /** What is known of an object; empty if there is none. */
    Optional<ObjectInfo> head(ObjectKey key, RequestContext context) throws StorageException;

    /**
     * One page of what exists, in the order of the keys. A key that exists from the first page to the last is shown just
     * once; one that comes or goes meanwhile may be shown or not. Only the last page may be empty.
     */
    Listing list(ListRequest request, RequestContext context) throws StorageException;

    /** Deletes an object; does nothing if there is none. */
    void delete(ObjectKey key, RequestContext context) throws StorageException;

    /**
     * Deletes objects, in any order; those that do not exist are passed over. When it throws, any of them may have been
     * deleted, and the call may be made again with all of them.
     */
    void deleteAll(Collection<ObjectKey> keys, RequestContext context) throws StorageException;
}
