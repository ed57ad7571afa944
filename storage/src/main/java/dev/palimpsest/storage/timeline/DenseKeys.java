package dev.palimpsest.storage.timeline;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.KeySpace;

/** Names the keys that a timeline has: something that knows what the values mean reads it from directories among them. */
@FunctionalInterface
public interface DenseKeys {
    /** Names none: then no images are made. */
    DenseKeys NONE = (timeline, lsn, context) -> KeySpace.EMPTY;

    /**
     * Every key that has a value as of an LSN and of which images are wanted.
     *
     * @return of the keys between its first and its last those that are not in it have no value as of {@code lsn}: from there
     *     on they will not be found
     */
    KeySpace of(Timeline timeline, Lsn lsn, RequestContext context) throws StorageException;
}
