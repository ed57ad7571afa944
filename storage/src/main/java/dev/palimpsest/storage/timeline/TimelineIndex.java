package dev.palimpsest.storage.timeline;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.SupersededException;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.Mutex;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.index.IndexPart;
import dev.palimpsest.storage.index.IndexPartCodec;
import dev.palimpsest.storage.remote.ObjectBytes;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.ObjectSource;
import dev.palimpsest.storage.remote.ObjectStore;
import dev.palimpsest.storage.remote.ObjectVersion;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A timeline's index part: as it is in the object store, and how it is replaced there. One replaces it at a time; anybody
 * may look at it.
 *
 * <p>It is replaced under the generation of this life, and what was put counts once the manifest names it and no newer life
 * was there afterwards; see {@link Attachment}.
 */
final class TimelineIndex {
    private final TimelineId timeline;
    private final Attachment attachment;
    private final OwnObject object;
    private final Mutex publishing;
    private volatile IndexPart current;
    /** What may be there because a put was not answered; null if what is there is known. For the holder of the mutex. */
    private @Nullable IndexPart attempted;

    /**
     * @param own where this life keeps it
     * @param stored what is there, or what an earlier life has put under another name
     * @param publishing a mutex that nobody else uses
     */
    TimelineIndex(
            ObjectStore objects,
            TimelineId timeline,
            Attachment attachment,
            ObjectKey own,
            Stored stored,
            Mutex publishing) {
        this.timeline = timeline;
        this.attachment = attachment;
        this.current = stored.part();
        this.object = stored.object().equals(own)
                ? OwnObject.present(objects, own, IndexPartCodec.MAX_BYTES, stored.version())
                : OwnObject.absent(objects, own, IndexPartCodec.MAX_BYTES);
        this.publishing = publishing;
    }

    /** An index part, where it is, and which content of that object it is. */
    record Stored(IndexPart part, ObjectKey object, Optional<ObjectVersion> version) {}

    /** Reads an index part. */
    static Stored read(ObjectStore objects, ObjectKey object, RequestContext context) throws StorageException {
        ObjectBytes found = objects.read(object, IndexPartCodec.MAX_BYTES, context);
        IndexPart part = IndexPartCodec.decode(found.bytes(), object.value());
        if (!part.violations().isEmpty()) {
            throw new CorruptionException(
                    object.value(), 0, "an index part that contradicts itself: " + part.violations());
        }
        return new Stored(part, object, found.info().version());
    }

    /**
     * Puts the first index part of a timeline; it does not count yet. One with the same content that is there already will do.
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
                    objects.put(object, ObjectSource.of(bytes), OwnObject.ifAbsent(objects), context)
                            .version());
        } catch (ObjectStoreException e) {
            if (e.kind() == ObjectStoreException.Kind.PRECONDITION_FAILED) {
                ObjectBytes found = objects.read(object, IndexPartCodec.MAX_BYTES, context);
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
     * Replaces the index part by what {@code change} makes of it. On return it counts: it is what the timeline comes back to,
     * whatever happens. If it throws, either may be there. Then the next replacement has this one's layers, ancestors and extent:
     * a newer life may have read them already, and must not find less the next time. It has not its circumstances: nobody was
     * told that those apply.
     *
     * @throws ObjectStoreException of kind {@code PRECONDITION_FAILED} if somebody else has replaced it
     * @throws SupersededException if there is a newer life
     */
    void publish(UnaryOperator<IndexPart> change, RequestContext context) throws StorageException {
        try (Mutex.Held _ = publishing.acquire(context)) {
            IndexPart before = attempted;
            IndexPart next = change.apply(before == null ? current : before.with(current.state()));
            next.validate();
            attempted = next;
            object.put(IndexPartCodec.encode(next), context);
            attachment.indexPartPut(timeline, context);
            current = next;
            attempted = null;
        }
    }

    /**
     * Makes sure that it is this life that has put the index part in force. An earlier life that does not know yet that it is over may
     * still replace its own by one that keeps less; nobody was told, but the life after this one would read it. On return as after
     * {@link #publish}.
     */
    void makeOwn(RequestContext context) throws StorageException {
        if (!attachment.indexPartOf(timeline).equals(attachment.generation())) {
            publish(part -> part, context);
        }
    }
}
