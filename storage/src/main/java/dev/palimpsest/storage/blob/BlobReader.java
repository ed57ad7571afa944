package dev.palimpsest.storage.blob;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdException;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.file.ReadableFile;
import java.nio.ByteBuffer;

/**
 * Carries out the reads of a {@link ReadPlan} and hands out the blobs. Nothing that a file says is believed: a header must
 * fit between the bounds that the plan has for its blob, and a frame must not become larger than a limit, before memory is
 * taken for it.
 *
 * <p>Safe for use by many threads. Waits for a read buffer, and is cancelled and timed out there, by the context.
 */
public final class BlobReader {
    /** In which order the blobs of a plan are handed out. */
    public enum Order {
        /** By ascending offsets: keys ascending, and in each the oldest value first. */
        ASCENDING,
        /** By descending offsets: keys descending, and in each the newest value first. */
        DESCENDING
    }

    /** Takes the blobs. */
    @FunctionalInterface
    public interface Visitor {
        /**
         * Takes a blob. Must not read blobs itself.
         *
         * @param tag what was said of it when the read was planned
         * @param lsn the LSN that was said
         * @param bytes all of the buffer, from 0 to its limit, big-endian; valid during this call only
         */
        void blob(int tag, long lsn, ByteBuffer bytes) throws StorageException;
    }

    private enum Form {
        PAYLOAD,
        ENCODED
    }

    /** The widest gap there may be between a blob and what is planned as its end: the zeros that fill the last block. */
    private static final int MAX_PADDING = Block.SIZE - 1;

    /** What zstd says of a frame that does not tell its content's size. */
    private static final long UNKNOWN_SIZE = -1;

    private final ReadableFile file;
    private final ReadBuffers buffers;
    private final ZstdContexts contexts;
    private final int maxBlobBytes;
    private final BlockCheck check;

    /**
     * @param file the file; stays the caller's
     * @param maxBlobBytes the largest blob that can be, compressed or not; one that claims to be larger is damaged
     */
    public BlobReader(ReadableFile file, ReadBuffers buffers, ZstdContexts contexts, int maxBlobBytes) {
        this(file, buffers, contexts, maxBlobBytes, BlockCheck.NONE);
    }

    /**
     * As the other one, for a file whose blocks are checked before a blob is taken from them.
     *
     * @param check takes whole blocks, so that plans must have an alignment that is a multiple of {@link Block#SIZE}
     */
    public BlobReader(
            ReadableFile file, ReadBuffers buffers, ZstdContexts contexts, int maxBlobBytes, BlockCheck check) {
        if (maxBlobBytes < 1 || maxBlobBytes > BlobHeader.MAX_LENGTH) {
            throw new IllegalArgumentException(
                    "a blob has 1 to " + BlobHeader.MAX_LENGTH + " bytes, not " + maxBlobBytes);
        }
        this.file = file;
        this.buffers = buffers;
        this.contexts = contexts;
        this.maxBlobBytes = maxBlobBytes;
        this.check = check;
    }

    /**
     * Reads all of a plan, one read after the other, and hands out each blob's payload, decompressed.
     *
     * @throws CorruptionException if a blob is not what the plan or its header says; those before it were handed out
     */
    public void read(ReadPlan plan, Order order, RequestContext context, Visitor visitor) throws StorageException {
        for (int i = 0; i < plan.reads(); i++) {
            int read = order == Order.ASCENDING ? i : plan.reads() - 1 - i;
            read(plan, read, order, Form.PAYLOAD, context, visitor);
        }
    }

    /** As {@link #read(ReadPlan, Order, RequestContext, Visitor)}, but one read of the plan only. */
    public void read(ReadPlan plan, int read, Order order, RequestContext context, Visitor visitor)
            throws StorageException {
        read(plan, read, order, Form.PAYLOAD, context, visitor);
    }

    /**
     * As {@link #read(ReadPlan, Order, RequestContext, Visitor)}, in ascending order, but hands out the blobs as they are in
     * the file, header and all, for {@link BlobWriter#writeEncoded}.
     */
    public void readEncoded(ReadPlan plan, RequestContext context, Visitor visitor) throws StorageException {
        for (int i = 0; i < plan.reads(); i++) {
            read(plan, i, Order.ASCENDING, Form.ENCODED, context, visitor);
        }
    }

    private void read(ReadPlan plan, int read, Order order, Form form, RequestContext context, Visitor visitor)
            throws StorageException {
        int first = plan.firstBlob(read);
        int end = plan.endBlob(read);
        for (int blob = first; blob < end; blob++) {
            checkBounds(plan, blob);
        }
        long offset = plan.readStart(read);
        long length = plan.readEnd(read) - offset;
        if (length > Integer.MAX_VALUE - Block.SIZE) {
            throw new IllegalArgumentException("a read of " + length + " bytes is planned");
        }
        context.checkCancelled();
        try (ReadBuffers.Lease lease = buffers.take(context)) {
            ByteBuffer bytes = lease.read((int) length);
            int available = file.read(offset, bytes);
            check(offset, bytes.slice(0, available));
            for (int i = first; i < end; i++) {
                int blob = order == Order.ASCENDING ? i : first + end - 1 - i;
                hand(plan, blob, form, bytes, offset, available, lease, visitor);
            }
        }
    }

    private void check(long offset, ByteBuffer read) throws StorageException {
        if (check.equals(BlockCheck.NONE)) {
            return;
        }
        if (offset % Block.SIZE != 0 || read.remaining() % Block.SIZE != 0) {
            throw new CorruptionException(
                    name(), offset, "whole blocks are needed there, but only " + read.remaining() + " bytes are left");
        }
        check.check(offset, read);
    }

    private void checkBounds(ReadPlan plan, int blob) throws CorruptionException {
        long length = plan.blobEnd(blob) - plan.blobStart(blob);
        if (length > (long) BlobHeader.MAX_SIZE + maxBlobBytes + MAX_PADDING) {
            throw new CorruptionException(
                    name(),
                    plan.blobStart(blob),
                    "the index leaves " + length + " bytes for a blob, the largest that can be has " + maxBlobBytes);
        }
    }

    private void hand(
            ReadPlan plan,
            int blob,
            Form form,
            ByteBuffer bytes,
            long offset,
            int available,
            ReadBuffers.Lease lease,
            Visitor visitor)
            throws StorageException {
        long start = plan.blobStart(blob);
        int index = (int) (start - offset);
        int end = Math.min((int) (plan.blobEnd(blob) - offset), available);
        int header = BlobHeader.read(bytes, index, end, name(), start);
        int size = BlobHeader.size(header);
        int length = BlobHeader.length(header);
        if (length > maxBlobBytes) {
            throw new CorruptionException(
                    name(), start, "a blob of " + length + " bytes, the largest that can be has " + maxBlobBytes);
        }
        ByteBuffer result;
        if (form == Form.ENCODED) {
            result = bytes.slice(index, size + length);
        } else if (BlobHeader.isZstd(header)) {
            result = inflate(bytes, index + size, length, start, lease);
        } else {
            result = bytes.slice(index + size, length);
        }
        visitor.blob(plan.tag(blob), plan.lsn(blob), result);
    }

    private ByteBuffer inflate(ByteBuffer bytes, int index, int length, long start, ReadBuffers.Lease lease)
            throws StorageException {
        long declared = Zstd.getDirectByteBufferFrameContentSize(bytes, index, length, false);
        // Neon compresses as a stream, whose frames do not say how large they become.
        boolean known = declared != UNKNOWN_SIZE;
        if (known && (declared < BlobHeader.LONG_FROM || declared > maxBlobBytes)) {
            throw new CorruptionException(
                    name(),
                    start,
                    "a compressed blob "
                            + (declared < 0 ? "is no zstd frame" : "claims to have " + declared + " bytes"));
        }
        int capacity = known ? (int) declared : Math.min(2 * Block.SIZE, maxBlobBytes);
        try (ZstdContexts.Decompressor decompressor = contexts.decompressor()) {
            while (true) {
                ByteBuffer target = lease.inflated(capacity);
                target.limit(known ? capacity : Math.min(target.capacity(), maxBlobBytes));
                try {
                    int size = decompressor.decompress(bytes, index, length, target.slice());
                    if (size < BlobHeader.LONG_FROM || (known && size != declared)) {
                        throw new CorruptionException(
                                name(), start, "a compressed blob gives " + size + " bytes, fewer than it must");
                    }
                    return target.slice(0, size);
                } catch (ZstdException e) {
                    boolean grow =
                            !known && e.getErrorCode() == Zstd.errDstSizeTooSmall() && target.limit() < maxBlobBytes;
                    if (!grow) {
                        throw new CorruptionException(
                                name(), start, "a compressed blob cannot be decompressed: " + e.getMessage(), e);
                    }
                    capacity = (int) Math.min(2L * target.limit(), maxBlobBytes);
                }
            }
        }
    }

    private String name() {
        return file.path().toString();
    }
}
