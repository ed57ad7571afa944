package dev.palimpsest.storage.blob;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdException;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.file.ReadableFile;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

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

        /**
         * What a blob that is compressed is to be in: an array of exactly {@code size} bytes, which is then the one behind the
         * buffer that {@link #blob} gets next; null if that does not matter.
         *
         * @param tag what was said of it when the read was planned
         */
        default byte @Nullable [] array(int tag, int size) {
            return null;
        }
    }

    private enum Form {
        PAYLOAD,
        ENCODED
    }

    /** The widest gap there may be between a blob and what is planned as its end: the zeros that fill the last block. */
    private static final int MAX_PADDING = Block.SIZE - 1;

    /** Blobs that take more, on the average of a read, have few neighbours in their blocks. */
    private static final long MAX_CACHED_BLOB_BYTES = Block.SIZE / 2;

    private final ReadableFile file;
    private final ReadBuffers buffers;
    private final ZstdContexts contexts;
    private final int maxBlobBytes;
    private final BlockCheck check;
    private final @Nullable CachedBlocks cached;

    /**
     * @param file the file; stays the caller's
     * @param maxBlobBytes the largest blob that can be, compressed or not; one that claims to be larger is damaged
     */
    public BlobReader(ReadableFile file, ReadBuffers buffers, ZstdContexts contexts, int maxBlobBytes) {
        this(file, buffers, contexts, maxBlobBytes, BlockCheck.NONE, null);
    }

    /**
     * As the other one, for a file whose blocks are checked before a blob is taken from them.
     *
     * @param check takes whole blocks, so that plans must have an alignment that is a multiple of {@link Block#SIZE}
     * @param cached the file's blocks, checked in the same way when they are read; those of blobs that are small are taken from
     *     here. Null for none
     */
    public BlobReader(
            ReadableFile file,
            ReadBuffers buffers,
            ZstdContexts contexts,
            int maxBlobBytes,
            BlockCheck check,
            @Nullable CachedBlocks cached) {
        if (maxBlobBytes < 1 || maxBlobBytes > BlobHeader.MAX_LENGTH) {
            throw new IllegalArgumentException(
                    "a blob has 1 to " + BlobHeader.MAX_LENGTH + " bytes, not " + maxBlobBytes);
        }
        this.file = file;
        this.buffers = buffers;
        this.contexts = contexts;
        this.maxBlobBytes = maxBlobBytes;
        this.check = check;
        this.cached = cached;
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
        if (form == Form.PAYLOAD && readCached(plan, read, order, visitor)) {
            return;
        }
        try (ReadBuffers.Lease lease = buffers.take(context);
                Inflation inflation = new Inflation(lease)) {
            ByteBuffer bytes = lease.read((int) length);
            int available = file.read(offset, bytes);
            check(offset, bytes.slice(0, available));
            for (int i = first; i < end; i++) {
                int blob = order == Order.ASCENDING ? i : first + end - 1 - i;
                int index = (int) (plan.blobStart(blob) - offset);
                int limit = Math.min((int) (plan.blobEnd(blob) - offset), available);
                hand(plan, blob, form, bytes, index, limit, inflation, visitor);
            }
        }
    }

    /** Takes blobs from blocks that are, or from now on are, in the cache; false if they are to be read in another way. */
    private boolean readCached(ReadPlan plan, int read, Order order, Visitor visitor) throws StorageException {
        CachedBlocks source = cached;
        if (source == null || plan.readStart(read) % Block.SIZE != 0) {
            return false;
        }
        int first = plan.firstBlob(read);
        int end = plan.endBlob(read);
        long blocks = (plan.readEnd(read) - plan.readStart(read)) / Block.SIZE;
        // A block is worth keeping for the others of its blobs that may be wanted later.
        if (blocks > 2 || plan.blobEnd(end - 1) - plan.blobStart(first) > (end - first) * MAX_CACHED_BLOB_BYTES) {
            return false;
        }
        int number = Math.toIntExact(plan.readStart(read) / Block.SIZE);
        long offset = plan.readStart(read);
        byte[] bytes;
        if (blocks == 1) {
            Block one = source.cachedOrKept(number);
            if (one == null) {
                return false;
            }
            bytes = one.bytes();
        } else {
            // Of two that are not both here one read brings both.
            Block one = source.cached(number);
            Block other = one == null ? null : source.cached(number + 1);
            if (one == null || other == null) {
                return false;
            }
            offset = plan.blobStart(first);
            int inFirst = (int) (plan.readStart(read) + Block.SIZE - offset);
            bytes = new byte[(int) (plan.blobEnd(end - 1) - offset)];
            System.arraycopy(one.bytes(), Block.SIZE - inFirst, bytes, 0, inFirst);
            System.arraycopy(other.bytes(), 0, bytes, inFirst, bytes.length - inFirst);
        }
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        try (Inflation inflation = new Inflation(null)) {
            for (int i = first; i < end; i++) {
                int blob = order == Order.ASCENDING ? i : first + end - 1 - i;
                int index = (int) (plan.blobStart(blob) - offset);
                int limit = (int) (plan.blobEnd(blob) - offset);
                hand(plan, blob, Form.PAYLOAD, buffer, index, limit, inflation, visitor);
            }
        }
        return true;
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

    /** What the blobs of one read are decompressed with, and into. */
    private final class Inflation implements AutoCloseable {
        private final ReadBuffers.@Nullable Lease lease;
        private ZstdContexts.@Nullable Decompressor decompressor;

        /** @param lease whose memory to use; null for the decompressor's own */
        Inflation(ReadBuffers.@Nullable Lease lease) {
            this.lease = lease;
        }

        ZstdContexts.Decompressor decompressor() {
            ZstdContexts.Decompressor taken = decompressor;
            if (taken == null) {
                taken = contexts.decompressor();
                decompressor = taken;
            }
            return taken;
        }

        /** A buffer of at least {@code size} bytes; the one that was given before becomes invalid. */
        ByteBuffer memory(int size) throws StorageException {
            return lease == null ? decompressor().scratch(size) : lease.inflated(size);
        }

        @Override
        public void close() {
            if (decompressor != null) {
                decompressor.close();
            }
        }
    }

    /** Hands out the blob that begins at {@code index} of a buffer and must have ended at {@code end}. */
    private void hand(
            ReadPlan plan,
            int blob,
            Form form,
            ByteBuffer bytes,
            int index,
            int end,
            Inflation inflation,
            Visitor visitor)
            throws StorageException {
        long start = plan.blobStart(blob);
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
            result = inflate(bytes.slice(index + size, length), plan.tag(blob), start, inflation, visitor);
        } else {
            result = bytes.slice(index + size, length);
        }
        visitor.blob(plan.tag(blob), plan.lsn(blob), result);
    }

    private ByteBuffer inflate(ByteBuffer frame, int tag, long start, Inflation inflation, Visitor visitor)
            throws StorageException {
        long declared = ZstdContexts.contentSize(frame);
        // Neon compresses as a stream, whose frames do not say how large they become.
        boolean known = declared != ZstdContexts.UNKNOWN_SIZE;
        if (known && (declared < BlobHeader.LONG_FROM || declared > maxBlobBytes)) {
            throw new CorruptionException(
                    name(),
                    start,
                    "a compressed blob "
                            + (declared < 0 ? "is no zstd frame" : "claims to have " + declared + " bytes"));
        }
        byte[] array = known ? visitor.array(tag, (int) declared) : null;
        int capacity = known ? (int) declared : Math.min(2 * Block.SIZE, maxBlobBytes);
        while (true) {
            ByteBuffer target = array == null ? inflation.memory(capacity) : ByteBuffer.wrap(array);
            target.limit(known ? capacity : Math.min(target.capacity(), maxBlobBytes));
            try {
                int size = inflation.decompressor().decompress(frame, target);
                if (size < BlobHeader.LONG_FROM || (known && size != declared)) {
                    throw new CorruptionException(
                            name(), start, "a compressed blob gives " + size + " bytes, fewer than it must");
                }
                return array == null ? target.slice(0, size) : target;
            } catch (ZstdException e) {
                boolean grow = !known && e.getErrorCode() == Zstd.errDstSizeTooSmall() && target.limit() < maxBlobBytes;
                if (!grow) {
                    throw new CorruptionException(
                            name(), start, "a compressed blob cannot be decompressed: " + e.getMessage(), e);
                }
                capacity = (int) Math.min(2L * target.limit(), maxBlobBytes);
            }
        }
    }

    private String name() {
        return file.path().toString();
    }
}
