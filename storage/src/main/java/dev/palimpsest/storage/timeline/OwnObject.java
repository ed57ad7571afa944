package dev.palimpsest.storage.timeline;

import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.remote.ObjectBytes;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.ObjectSource;
import dev.palimpsest.storage.remote.ObjectStore;
import dev.palimpsest.storage.remote.ObjectVersion;
import dev.palimpsest.storage.remote.PutCondition;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/**
 * An object that one life of a tenant replaces again and again, and nobody else. Used by one task at a time.
 *
 * <p>A put that was not acknowledged may still happen later, after a newer one, and would then take history back. So where
 * the store can, each put is made on the condition that the object is the one that was seen last: what comes too late finds
 * another and does nothing.
 */
final class OwnObject {
    private final ObjectStore objects;
    private final ObjectKey key;
    private final int maxBytes;
    /** That the store has what is known to be there. */
    private PutCondition condition;
    /** Digests of what was put without an answer since then, any of which may be there now. */
    private final Set<ByteBuffer> unanswered = new HashSet<>();

    private OwnObject(ObjectStore objects, ObjectKey key, int maxBytes, PutCondition condition) {
        this.objects = objects;
        this.key = key;
        this.maxBytes = maxBytes;
        this.condition = condition;
    }

    /**
     * One that is not there yet.
     *
     * @param maxBytes how large it can be
     */
    static OwnObject absent(ObjectStore objects, ObjectKey key, int maxBytes) {
        return new OwnObject(objects, key, maxBytes, ifAbsent(objects));
    }

    /** One that is there, in this version. */
    static OwnObject present(ObjectStore objects, ObjectKey key, int maxBytes, Optional<ObjectVersion> version) {
        return new OwnObject(objects, key, maxBytes, unchangedSince(objects, version));
    }

    /** That nothing is there, as far as the store can make sure of it. */
    static PutCondition ifAbsent(ObjectStore objects) {
        return objects.capabilities().contains(ObjectStore.Capability.PUT_IF_ABSENT)
                ? PutCondition.IF_ABSENT
                : PutCondition.ALWAYS;
    }

    private static PutCondition unchangedSince(ObjectStore objects, Optional<ObjectVersion> version) {
        return version.isPresent() && objects.capabilities().contains(ObjectStore.Capability.PUT_IF_MATCH)
                ? new PutCondition.IfMatch(version.get())
                : PutCondition.ALWAYS;
    }

    /** Where it is. */
    ObjectKey key() {
        return key;
    }

    /**
     * Replaces it. On return the store has acknowledged it. If it throws, what was there or any of those that were put since
     * may be there, then or later, but only until the next put that returns.
     *
     * @throws ObjectStoreException of kind {@code PRECONDITION_FAILED} if somebody else has put it
     */
    void put(byte[] bytes, RequestContext context) throws StorageException {
        try {
            putOnce(bytes, context);
        } catch (ObjectStoreException e) {
            if (e.kind() != ObjectStoreException.Kind.PRECONDITION_FAILED || !adoptUnanswered(context)) {
                throw e;
            }
            putOnce(bytes, context);
        }
    }

    private void putOnce(byte[] bytes, RequestContext context) throws StorageException {
        unanswered.add(digest(bytes));
        condition = unchangedSince(
                objects,
                objects.put(key, ObjectSource.of(bytes), condition, context).version());
        unanswered.clear();
    }

    /** Whether what is in the store is one of those that were put without an answer; then it is what is known from now on. */
    private boolean adoptUnanswered(RequestContext context) throws StorageException {
        ObjectBytes found = objects.read(key, maxBytes, context);
        boolean own = unanswered.contains(digest(found.bytes()));
        if (own) {
            condition = unchangedSince(objects, found.info().version());
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
