package dev.palimpsest.storage.layer.delta;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.blob.BlobCompression;
import dev.palimpsest.storage.blob.BlobHeader;
import dev.palimpsest.storage.blob.BlobWriter;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.layer.DeltaLayerName;
import dev.palimpsest.storage.layer.LayerFileName;
import dev.palimpsest.storage.layer.LsnRange;
import dev.palimpsest.storage.layer.TimelineFile;
import dev.palimpsest.storage.layer.file.DirectorySync;
import dev.palimpsest.storage.layer.file.LayerFile;
import dev.palimpsest.storage.layer.file.LayerFileWriter;
import dev.palimpsest.storage.layer.file.LayerFormat;
import dev.palimpsest.storage.layer.file.LayerIo;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Writes the file of a delta layer from values in strictly ascending order of (key, LSN). Until {@link #finish} nothing is
 * durable and the file has a temporary name; closing the writer before that deletes it. Used by one thread at a time. After a
 * {@link StorageException} it is of no use but to be closed.
 */
public final class DeltaLayerWriter implements AutoCloseable {
    private final LayerFileWriter file;
    private final BlobWriter blobs;
    private final Key keyStart;
    private final LsnRange lsns;
    private final byte[] indexKey = new byte[DeltaLayerFormat.INSTANCE.indexKeyBytes()];
    private @Nullable Key lastKey;
    private Lsn lastLsn = Lsn.INVALID;
    private Lsn greatestLsn = Lsn.INVALID;

    /**
     * Creates the file under a temporary name. Nothing is durable.
     *
     * @param directory of the timeline
     * @param keyStart where the layer's keys begin, inclusive
     * @param lsns the LSNs of the layer
     * @param unique among all layers that are being written in the directory
     */
    public DeltaLayerWriter(
            LayerIo io, Path directory, TenantId tenant, TimelineId timeline, Key keyStart, LsnRange lsns, long unique)
            throws DiskException {
        this(io, directory, tenant, timeline, keyStart, lsns, unique, LayerFormat.MAX_FILE_BYTES);
    }

    /** As the other one, with another limit on the size of the file, in bytes. */
    DeltaLayerWriter(
            LayerIo io,
            Path directory,
            TenantId tenant,
            TimelineId timeline,
            Key keyStart,
            LsnRange lsns,
            long unique,
            long maxFileBytes)
            throws DiskException {
        this.keyStart = keyStart;
        this.lsns = lsns;
        this.file = new LayerFileWriter(
                io,
                DeltaLayerFormat.INSTANCE,
                tenant,
                timeline,
                directory,
                TimelineFile.temporary(keyStart, lsns, unique),
                maxFileBytes);
        this.blobs = new BlobWriter(file.blobs(), BlobCompression.NONE, io.zstd());
    }

    /**
     * Adds a value.
     *
     * @param value as {@link dev.palimpsest.storage.value.ValueCodec} writes it, from its position to its limit, which is
     *     where the position is afterwards
     * @param willInit whether it needs nothing older
     * @throws IllegalArgumentException if (key, LSN) is not greater than the last one, or outside of the layer
     * @throws InvalidRequestException if the file would become too large ({@link LayerFormat#MAX_FILE_BYTES})
     */
    public void put(Key key, Lsn lsn, ByteBuffer value, boolean willInit) throws StorageException {
        check(key, lsn);
        file.checkRoom(BlobHeader.MAX_SIZE + (long) value.remaining());
        long offset = blobs.write(value);
        index(key, lsn, offset, willInit);
    }

    /**
     * Adds a value that is a blob already.
     *
     * @param headerAndValue one blob, header and all, from its position to its limit, which is where the position is
     *     afterwards
     * @throws CorruptionException if the header does not say the length of the rest
     * @throws IllegalArgumentException as {@link #put}
     * @throws InvalidRequestException as {@link #put}
     */
    public void putBlob(Key key, Lsn lsn, ByteBuffer headerAndValue, boolean willInit) throws StorageException {
        check(key, lsn);
        file.checkRoom(headerAndValue.remaining());
        checkHeader(headerAndValue, headerAndValue.position(), headerAndValue.remaining(), key, lsn);
        long offset = file.blobs().offset();
        file.blobs().write(headerAndValue);
        index(key, lsn, offset, willInit);
    }

    /**
     * Adds values that are blobs already and lie one after the other, in order. A large run in a direct buffer goes to the
     * file without being copied.
     *
     * @param bytes the blobs, from its position to its limit, which is where the position is afterwards
     * @param run says what they are
     * @throws CorruptionException if a header does not say the length of its blob
     * @throws IllegalArgumentException as {@link #put}, or if the lengths do not add up
     * @throws InvalidRequestException as {@link #put}
     */
    public void putBlobs(ByteBuffer bytes, BlobRun run) throws StorageException {
        file.checkRoom(bytes.remaining());
        int at = bytes.position();
        long offset = blobs.offset();
        for (int i = 0; i < run.count(); i++) {
            Key key = run.key(i);
            Lsn lsn = run.lsn(i);
            check(key, lsn);
            int length = run.length(i);
            if (length < 1 || length > bytes.limit() - at) {
                throw new IllegalArgumentException("a run of blobs of " + bytes.remaining() + " bytes, but blob " + i
                        + " of " + length + " bytes begins at " + (at - bytes.position()));
            }
            checkHeader(bytes, at, length, key, lsn);
            index(key, lsn, offset, run.willInit(i));
            at += length;
            offset += length;
        }
        if (at != bytes.limit()) {
            throw new IllegalArgumentException("a run of blobs is followed by " + (bytes.limit() - at) + " more bytes");
        }
        file.blobs().write(bytes);
    }

    private static void checkHeader(ByteBuffer bytes, int at, int length, Key key, Lsn lsn) throws CorruptionException {
        int header;
        try {
            header = BlobHeader.read(bytes, at, at + length, "blob", 0);
        } catch (CorruptionException e) {
            // Only now is the name of the blob worth its making: there are millions of them.
            throw new CorruptionException("blob of key " + key + " at " + lsn, 0, String.valueOf(e.getMessage()), e);
        }
        if (BlobHeader.size(header) + BlobHeader.length(header) != length) {
            throw new CorruptionException(
                    "blob of key " + key + " at " + lsn,
                    0,
                    "it has " + length + " bytes, but its header says " + BlobHeader.length(header));
        }
    }

    private void check(Key key, Lsn lsn) {
        int order = lastKey == null ? 1 : key.compareTo(lastKey);
        if (order < 0 || (order == 0 && !lsn.isAfter(lastLsn))) {
            throw new IllegalArgumentException(
                    "value " + key + "@" + lsn + " comes after " + lastKey + "@" + lastLsn + " and is not greater");
        }
        if (key.compareTo(keyStart) < 0 || !lsns.contains(lsn)) {
            throw new IllegalArgumentException(
                    "value " + key + "@" + lsn + " is outside of the layer: keys from " + keyStart + ", LSNs " + lsns);
        }
    }

    private void index(Key key, Lsn lsn, long offset, boolean willInit) throws DiskException {
        DeltaLayerFormat.INSTANCE.writeIndexKey(key, lsn, indexKey);
        file.index(indexKey, DeltaLayerFormat.reference(offset, willInit));
        lastKey = key;
        lastLsn = lsn;
        if (lsn.isAfter(greatestLsn)) {
            greatestLsn = lsn;
        }
    }

    /** How many values were added. */
    public long count() {
        return file.values();
    }

    /** How large the file would be if it were finished now, in bytes: an estimate, exact to a few blocks of index. */
    public long estimatedSize() {
        return file.estimatedSize();
    }

    /**
     * Completes the file and gives it its final name. On return its content is durable; that it is there under its name is,
     * if the directory is synced {@code NOW}, and else once the caller has synced it. If this throws, closing the writer
     * deletes the file, unless it was syncing the directory that failed: then the file is complete and stays.
     *
     * @param keyEnd where the layer's keys end, exclusive
     * @param generation that the file's name carries
     * @throws IllegalArgumentException if a value is not below {@code keyEnd}
     * @throws IllegalStateException if no value was added
     * @throws InvalidRequestException if the file would be too large
     * @throws DiskException of kind {@code WRONG_STATE} if there is a file of that name already; it is not touched
     */
    public LayerFile finish(Key keyEnd, Generation generation, DirectorySync sync) throws StorageException {
        return finish(keyEnd, lsns.end(), generation, sync);
    }

    /**
     * As the other one, for a layer that ends earlier than was planned.
     *
     * @param lsnEnd where the layer's LSNs end, exclusive; not beyond what was planned
     * @throws IllegalArgumentException also if a value is not below {@code lsnEnd}, or that is beyond what was planned
     */
    public LayerFile finish(Key keyEnd, Lsn lsnEnd, Generation generation, DirectorySync sync) throws StorageException {
        if (!greatestLsn.isBefore(lsnEnd) || lsnEnd.isAfter(lsns.end())) {
            throw new IllegalArgumentException("the layer cannot end at " + lsnEnd + ": its greatest LSN is "
                    + greatestLsn + ", and planned was " + lsns);
        }
        if (lastKey == null) {
            throw new IllegalStateException("a delta layer without values cannot be written");
        }
        if (lastKey.compareTo(keyEnd) >= 0) {
            throw new IllegalArgumentException("key " + lastKey + " is not below the end of the layer, " + keyEnd);
        }
        DeltaLayerName name = new DeltaLayerName(new KeyRange(keyStart, keyEnd), new LsnRange(lsns.start(), lsnEnd));
        return file.finish(new LayerFileName(name, generation), sync);
    }

    /** Deletes the file if it was not finished. Does nothing the second time. */
    @Override
    public void close() throws DiskException {
        file.close();
    }
}
