package dev.palimpsest.storage.remote;

import dev.palimpsest.storage.StorageException;
import java.nio.ByteBuffer;

/**
 * Takes what a get delivers.
 *
 * <p>{@link #begin} comes first, then the bytes in order, none twice and none left out. A get that starts over calls {@link
 * #begin} again, perhaps with another version of the object; what came before it counts for nothing. Called by one thread.
 */
public interface ObjectSink {
    /**
     * Now the bytes of this object follow.
     *
     * @param length how many bytes follow; what the range has of the object
     * @throws StorageException ends the get, which throws it on
     */
    void begin(ObjectInfo info, long length) throws StorageException;

    /**
     * Takes the bytes from a buffer's position to its limit. The buffer belongs to the store.
     *
     * @param offset of the first of them, counted from the first byte of the range
     * @throws StorageException ends the get, which throws it on
     */
    void write(long offset, ByteBuffer bytes) throws StorageException;
}
