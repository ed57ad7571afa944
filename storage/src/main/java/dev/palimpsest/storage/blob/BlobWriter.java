package dev.palimpsest.storage.blob;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.file.AppendWriter;
import java.nio.ByteBuffer;

/**
 * Writes blobs one after the other, each behind its {@link BlobHeader}, nothing between them. The first block of the file
 * is somebody else's. Durability is that of the {@link AppendWriter}. Not safe for use by many threads.
 */
public final class BlobWriter {
    private final AppendWriter out;
    private final BlobCompression compression;
    private final ZstdContexts contexts;
    private final ByteBuffer header = ByteBuffer.allocate(BlobHeader.MAX_SIZE);

    /**
     * @param out where the blobs go; at offset {@link Block#SIZE} or behind it
     * @param compression what is tried on blobs of at least {@link BlobHeader#LONG_FROM} bytes
     * @param contexts used if anything is compressed
     */
    public BlobWriter(AppendWriter out, BlobCompression compression, ZstdContexts contexts) {
        if (out.offset() < Block.SIZE) {
            throw new IllegalArgumentException("blobs begin at offset " + Block.SIZE + ", not at " + out.offset());
        }
        this.out = out;
        this.compression = compression;
        this.contexts = contexts;
    }

    /** Where the next blob's header goes. */
    public long offset() {
        return out.offset();
    }

    /**
     * Writes a blob: the bytes between position and limit, which is where the position is afterwards. It is compressed if
     * this writer compresses, the blob has at least {@link BlobHeader#LONG_FROM} bytes, and it becomes smaller.
     *
     * @return the offset of its header
     * @throws IllegalArgumentException if it has more than {@link BlobHeader#MAX_LENGTH} bytes
     * @throws DiskException as {@link AppendWriter#write}; nothing can be written any more then
     */
    public long write(ByteBuffer payload) throws DiskException {
        int length = payload.remaining();
        int raw = BlobHeader.raw(length);
        if (compression instanceof BlobCompression.Zstd(int level) && length >= BlobHeader.LONG_FROM) {
            try (ZstdContexts.Compressor compressor = contexts.compressor()) {
                ByteBuffer frame = compressor.compress(payload, level);
                if (frame.remaining() < length) {
                    payload.position(payload.limit());
                    return append(BlobHeader.zstd(frame.remaining()), frame);
                }
            }
        }
        return append(raw, payload);
    }

    private long append(int head, ByteBuffer bytes) throws DiskException {
        long offset = out.offset();
        header.clear();
        BlobHeader.write(head, header);
        out.write(header.flip());
        out.write(bytes);
        return offset;
    }

    /**
     * Writes a blob that is encoded already, header and all, as {@link BlobReader#readEncoded} gives it.
     *
     * @param resource the file that it comes from, for errors
     * @param resourceOffset the offset of its header there, for errors
     * @return the offset of its header
     * @throws CorruptionException if it does not begin with a header, or what follows is not exactly as long as that says;
     *     then nothing was written
     * @throws DiskException as {@link AppendWriter#write}; nothing can be written any more then
     */
    public long writeEncoded(ByteBuffer encoded, String resource, long resourceOffset)
            throws CorruptionException, DiskException {
        int head = BlobHeader.read(encoded, encoded.position(), encoded.limit(), resource, resourceOffset);
        int expected = BlobHeader.size(head) + BlobHeader.length(head);
        if (expected != encoded.remaining()) {
            throw new CorruptionException(
                    resource,
                    resourceOffset,
                    "a blob of " + encoded.remaining() + " bytes with its header, which says " + expected);
        }
        long offset = out.offset();
        out.write(encoded);
        return offset;
    }
}
