package dev.palimpsest.storage.timeline;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.Mutex;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.index.IndexPart;
import dev.palimpsest.storage.index.IndexPartCodec;
import dev.palimpsest.storage.remote.ObjectBytes;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.ObjectSource;
import dev.palimpsest.storage.remote.ObjectStore;
import dev.palimpsest.storage.remote.ObjectVersion;
import dev.palimpsest.storage.remote.PutCondition;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * A timeline's index part: as it is in the object store, and how it is replaced there. One replaces it at a time; anybody
 * may look at it.
 *
 * <p>A put that was not acknowledged may still happen later, after a newer one, and would then take history back. So where
 * the store can, each put is made on the condition that the object is the one this timeline has seen last: what comes too
 * late finds another and does nothing. The same condition notices when another server replaces the index part.
 */
final class TimelineIndex {
    /** An index part of a million layers has some 200 MB. */
    static final int MAX_BYTES = 512 << 20;

    private final ObjectStore objects;
    private final ObjectKey object;
    private final Mutex publishing;
    private volatile IndexPart current;
    /** That the store has what this timeline knows it to have; only the holder of the mutex uses it. */
    private PutCondition condition;
    /** Digests of what was put without an answer since then, any of which may be there now. */
    private final Set<ByteBuffer> unanswered = new HashSet<>();

    /**
     * @param object where it is kept
     * @param stored what is there, or what an earlier attachment has put under another name
     * @param publishing a mutex that nobody else uses
     */
    TimelineIndex(ObjectStore objects, ObjectKey object, Stored stored, Mutex publishing) {
        this.objects = objects;
        this.object = object;
        this.current = stored.part();
        this.condition = stored.object().equals(object) ? unchangedSince(stored.version()) : absent(objects);
        this.publishing = publishing;
    }

    /** An index part, where it is, and which content of that object it is. */
    record Stored(IndexPart part, ObjectKey object, Optional<ObjectVersion> version) {}

    private static PutCondition absent(ObjectStore objects) {
        return objects.capabilities().contains(ObjectStore.Capability.PUT_IF_ABSENT)
                ? PutCondition.IF_ABSENT
                : PutCondition.ALWAYS;
    }

    private PutCondition unchangedSince(Optional<ObjectVersion> version) {
        return version.isPresent() && objects.capabilities().contains(ObjectStore.Capability.PUT_IF_MATCH)
                ? new PutCondition.IfMatch(version.get())
                : PutCondition.ALWAYS;
    }

    /** Reads an index part. */
    static Stored read(ObjectStore objects, ObjectKey object, RequestContext context) throws StorageException {
        ObjectBytes found = objects.read(object, MAX_BYTES, context);
        IndexPart part = IndexPartCodec.decode(found.bytes(), object.value());
        if (!part.violations().isEmpty()) {
            throw new CorruptionException(
                    object.value(), 0, "an index part that contradicts itself: " + part.violations());
        }
        return new Stored(part, object, found.info().version());
    }

    /**
     * Puts the first index part of a timeline; durable on return. One with the same content that is there already will do.
     *
     * @throws ObjectStoreException of kind {@code PRECONDITION_FAILED} if there is another, as far as the store can tell
     */
    static Stored create(ObjectStore objects, ObjectKey object, IndexPart part, RequestContext context)
            throws StorageException {
        part.validate();
        byte[] bytes = IndexPartCodec.encode(part);
        try {
            return new Stored(
                    part,
                    object,
                    objects.put(object, ObjectSource.of(bytes), absent(objects), context)
                            .version());
        } catch (ObjectStoreException e) {
            if (e.kind() == ObjectStoreException.Kind.PRECONDITION_FAILED) {
                ObjectBytes found = objects.read(object, MAX_BYTES, context);
                if (Arrays.equals(found.bytes(), bytes)) {
                    return new Stored(part, object, found.info().version());
                }
            }
            throw e;
        }
    }

    /** As the object store has it. */
    IndexPart current() {
        return current;
    }

    /**
     * Replaces the index part by what {@code change} makes of it. On return the object store has acknowledged it, and it is
     * what the timeline comes back to after a crash. If it throws, either may be there; the next replacement contains this
     * one's layers too.
     *
     * @throws ObjectStoreException of kind {@code PRECONDITION_FAILED} if somebody else has replaced it
     */
    void publish(UnaryOperator<IndexPart> change, RequestContext context) throws StorageException {
        try (Mutex.Held _ = publishing.acquire(context)) {
            IndexPart next = change.apply(current);
            next.validate();
            byte[] bytes = IndexPartCodec.encode(next);
            try {
                put(bytes, context);
            } catch (ObjectStoreException e) {
                if (e.kind() != ObjectStoreException.Kind.PRECONDITION_FAILED || !adoptUnanswered(context)) {
                    throw e;
                }
                put(bytes, context);
            }
            current = next;
        }
    }

    private void put(byte[] bytes, RequestContext context) throws StorageException {
        unanswered.add(digest(bytes));
        condition = unchangedSince(
                objects.put(object, ObjectSource.of(bytes), condition, context).version());
        unanswered.clear();
    }

    /** Whether what is in the store is one of those that were put without an answer; then it is what is known from now on. */
    private boolean adoptUnanswered(RequestContext context) throws StorageException {
        ObjectBytes found = objects.read(object, MAX_BYTES, context);
        boolean own = unanswered.contains(digest(found.bytes()));
        if (own) {
            condition = unchangedSince(found.info().version());
        }
        return own;
    }

    private static ByteBuffer digest(byte[] bytes) {
        try {
            return ByteBuffer.wrap(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
