package dev.palimpsest.storage.remote;

import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.file.ReadableFile;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What is to be put: bytes of a known number that can be read from any position, any number of times, and are the same
 * each time. So a put can be tried again, and be sent in parts.
 */
public interface ObjectSource {
    /** In bytes. Does not change. */
    long size();

    /**
     * Fills {@code target} from its position to its limit with the bytes from {@code offset}; all of them lie within the
     * size.
     *
     * @throws StorageException if they cannot be read; nothing is put then
     */
    void read(long offset, ByteBuffer target) throws StorageException;

    /**
     * A file on the engine's disk that has just these bytes, durably, and will never have others: a store on the same disk may
     * give it a second name instead of copying it.
     */
    default Optional<Path> durableFile() {
        return Optional.empty();
    }

    /** The bytes of an array, which must not be changed while it is being put. */
    static ObjectSource of(byte[] bytes) {
        return of(ByteBuffer.wrap(bytes));
    }

    /** The bytes from a buffer's position to its limit, which must not be changed while they are being put. */
    static ObjectSource of(ByteBuffer bytes) {
        ByteBuffer content = bytes.slice().asReadOnlyBuffer();
        return new ObjectSource() {
            @Override
            public long size() {
                return content.limit();
            }

            @Override
            public void read(long offset, ByteBuffer target) {
                int length = target.remaining();
                target.put(content.slice(Math.toIntExact(offset), length));
            }
        };
    }

    /** The first {@code size} bytes of a file, which stays open and as it is while it is being put. */
    static ObjectSource of(ReadableFile file, long size) {
        return new FileSource(file, size, Optional.empty());
    }

    /** All {@code size} bytes of a file that is durable and never changes, and stays open while it is being put. */
    static ObjectSource ofDurable(ReadableFile file, long size) {
        return new FileSource(file, size, Optional.of(file.path()));
    }
}
