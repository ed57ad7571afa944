package dev.palimpsest.storage.file;

import dev.palimpsest.storage.DiskException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/** An open file that can be read at any position, by many threads at once. */
public interface ReadableFile extends AutoCloseable {
    /** Where it is. */
    Path path();

    /** Its size in bytes, now. */
    long size() throws DiskException;

    /**
     * Fills {@code target} from its position to its limit with the bytes at {@code offset} and after. On return the
     * target's position is its limit. A file may hold fewer bytes than asked for: then what is there is read, the
     * target's position says how far, and the caller decides what that means.
     *
     * @return the number of bytes read, less than asked for only at the end of the file
     */
    int read(long offset, ByteBuffer target) throws DiskException;

    /** Closes it. Does nothing the second time. */
    @Override
    void close() throws DiskException;
}
