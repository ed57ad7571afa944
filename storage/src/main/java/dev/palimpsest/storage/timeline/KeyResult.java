package dev.palimpsest.storage.timeline;

import dev.palimpsest.storage.StorageException;

/** What a vectored read has for one key. */
public sealed interface KeyResult {
    /** The value; not to be changed. */
    record Found(byte[] bytes) implements KeyResult {}

    /** Why there is none. */
    record Failed(StorageException reason) implements KeyResult {}
}
