package dev.palimpsest.storage.s3;

import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.remote.ObjectSource;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.Objects;

/**
 * A part of a source, as the library reads it on the network's side; perhaps twice, first for its digest. The bytes are
 * brought by the caller, a chunk at a time.
 */
final class SourceStream {
    private final ObjectSource source;
    private final long start;
    private final long length;
    private final Exchange<?> exchange;
    /** What the caller is to read next, from the start of the part. */
    private long position;

    SourceStream(ObjectSource source, long start, long length, Exchange<?> exchange) {
        this.source = source;
        this.start = start;
        this.length = length;
        this.exchange = exchange;
    }

    /** Brings the next bytes; the caller's work. */
    void fill(ByteBuffer chunk) throws StorageException {
        chunk.clear().limit((int) Math.min(chunk.capacity(), length - position));
        source.read(start + position, chunk);
        chunk.flip();
        position += chunk.limit();
    }

    /** Begins at the start of the part. Whatever stream was opened before is of no use any more. */
    InputStream open() {
        position = 0;
        exchange.chunk().clear().limit(0);
        return new InputStream() {
            @Override
            public int read() throws IOException {
                byte[] one = new byte[1];
                return read(one, 0, 1) < 0 ? -1 : Byte.toUnsignedInt(one[0]);
            }

            @Override
            public int read(byte[] target, int offset, int count) throws IOException {
                Objects.checkFromIndexSize(offset, count, target.length);
                ByteBuffer chunk = exchange.chunk();
                if (count == 0) {
                    return 0;
                }
                if (!chunk.hasRemaining()) {
                    if (position == length) {
                        return -1;
                    }
                    exchange.handOver();
                }
                int taken = Math.min(count, chunk.remaining());
                chunk.get(target, offset, taken);
                return taken;
            }
        };
    }
}
