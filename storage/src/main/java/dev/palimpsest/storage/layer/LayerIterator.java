package dev.palimpsest.storage.layer;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.key.Key;
import java.nio.ByteBuffer;

/**
 * Walks over values in ascending order of (key, LSN), as a cursor: it starts before the first value, {@link #next()} moves it
 * on, and the other methods tell of the value it stands on.
 *
 * <pre>
 *   before the first ── next() is true ──► on a value ── next() is false ──► at the end
 * </pre>
 *
 * <p>Used by one thread. Whatever is thrown by {@link #next()}, the iterator is of no use afterwards but to be closed.
 */
public interface LayerIterator extends AutoCloseable {
    /**
     * Moves to the next value.
     *
     * @return whether there was one
     * @throws StorageException if what comes next cannot be read or is damaged, or the request was cancelled
     */
    boolean next() throws StorageException;

    /** The key of the value it stands on. */
    Key key();

    /** The LSN of the value it stands on. */
    Lsn lsn();

    /**
     * The bytes of the value it stands on, as {@link dev.palimpsest.storage.value.ValueCodec} writes values, whatever form
     * the layer keeps them in. Read-only to the caller, from position to limit; good until the next call of {@link #next()}
     * or {@link #close()}.
     */
    ByteBuffer value();

    /** Whether reading the key may stop at the value it stands on. */
    boolean willInit();

    /** Whether the value it stands on is an image, not a WAL record. */
    boolean isImage();

    /** Gives its buffers back. Does nothing the second time. */
    @Override
    void close();
}
