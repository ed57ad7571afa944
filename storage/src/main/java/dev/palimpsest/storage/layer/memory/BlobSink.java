package dev.palimpsest.storage.layer.memory;

import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.layer.delta.BlobRun;
import java.nio.ByteBuffer;

/** Takes the values of a layer in ascending order of key and LSN, run by run. */
@FunctionalInterface
interface BlobSink {
    /**
     * @param bytes blobs, one after the other, from position to limit; not to be kept
     * @param run says what they are; not to be kept
     */
    void put(ByteBuffer bytes, BlobRun run) throws StorageException;
}
