package dev.palimpsest.storage.file;

import dev.palimpsest.storage.DiskException;
import java.nio.ByteBuffer;

/** An open file that was created by this process. One writer at a time; readers may read beside it. */
public interface WritableFile extends ReadableFile {
    /**
     * Writes all of {@code source} from its position to its limit at {@code offset}. The file grows as needed; a gap
     * reads as zeros. Not durable before {@link #sync()}. If it fails, any part of it may have been written.
     */
    void write(long offset, ByteBuffer source) throws DiskException;

    /**
     * Makes the bytes and the size of the file durable, as they are when it is called; it may run beside writes, of which it
     * makes any part durable. That its name exists is durable only after {@link Disk#syncDirectory} too.
     *
     * @throws DiskException of kind {@code FATAL} if it fails: what was written since the last sync may be lost, and a
     *     second sync that succeeds would not mean that it is there
     */
    void sync() throws DiskException;
}
