package dev.palimpsest.storage.layer.image;

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
import dev.palimpsest.storage.layer.ImageLayerName;
import dev.palimpsest.storage.layer.LayerFileName;
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
 * Writes the file of an image layer from images in strictly ascending order of keys. Until {@link #finish} nothing is durable
 * and the file has a temporary name; closing the writer before that deletes it. Used by one thread at a time. After a
 * {@link StorageException} it is of no use but to be closed.
 */
public final class ImageLayerWriter implements AutoCloseable {
    private final LayerFileWriter file;
    private final BlobWriter blobs;
    private final ImageLayerName planned;
    private final byte[] indexKey = new byte[Key.SIZE];
    private @Nullable Key lastKey;

    /**
     * Creates the file under a temporary name. Nothing is durable.
     *
     * @param directory of the timeline
     * @param planned what the layer covers; it may end earlier, as {@link #finish(Key, Generation, DirectorySync)} says
     * @param unique among all layers that are being written in the directory
     * @param compression of the images
     */
    public ImageLayerWriter(
            LayerIo io,
            Path directory,
            TenantId tenant,
            TimelineId timeline,
            ImageLayerName planned,
            long unique,
            BlobCompression compression)
            throws DiskException {
        this(io, directory, tenant, timeline, planned, unique, compression, LayerFormat.MAX_FILE_BYTES);
    }

    /** As the other one, with another limit on the size of the file, in bytes. */
    ImageLayerWriter(
            LayerIo io,
            Path directory,
            TenantId tenant,
            TimelineId timeline,
            ImageLayerName planned,
            long unique,
            BlobCompression compression,
            long maxFileBytes)
            throws DiskException {
        this.planned = planned;
        this.file = new LayerFileWriter(
                io,
                ImageLayerFormat.INSTANCE,
                tenant,
                timeline,
                directory,
                TimelineFile.temporary(planned, unique),
                maxFileBytes);
        this.blobs = new BlobWriter(file.blobs(), compression, io.zstd());
    }

    /**
     * Adds what a key has as of the layer's LSN.
     *
     * @param image a page or other value, from its position to its limit, which is where the position is afterwards; empty
     *     to say that a sparse key has no value
     * @throws IllegalArgumentException if the key is not greater than the last one, or outside of the layer
     * @throws InvalidRequestException if the file would become too large ({@link LayerFormat#MAX_FILE_BYTES})
     */
    public void put(Key key, ByteBuffer image) throws StorageException {
        check(key);
        file.checkRoom(BlobHeader.MAX_SIZE + (long) image.remaining());
        index(key, blobs.write(image));
    }

    /**
     * Adds what a key has, as another image layer's file has it, compressed or not.
     *
     * @param headerAndImage one blob, header and all, from its position to its limit, which is where the position is
     *     afterwards
     * @throws CorruptionException if the header does not say the length of the rest
     * @throws IllegalArgumentException as {@link #put}
     * @throws InvalidRequestException as {@link #put}
     */
    public void putBlob(Key key, ByteBuffer headerAndImage) throws StorageException {
        check(key);
        file.checkRoom(headerAndImage.remaining());
        index(key, blobs.writeEncoded(headerAndImage, "blob of key " + key + " at " + planned.lsn(), 0));
    }

    private void check(Key key) {
        if (lastKey != null && key.compareTo(lastKey) <= 0) {
            throw new IllegalArgumentException("key " + key + " comes after " + lastKey + " and is not greater");
        }
        if (!planned.keyRange().contains(key)) {
            throw new IllegalArgumentException("key " + key + " is outside of the layer: " + planned.keyRange());
        }
    }

    private void index(Key key, long offset) throws DiskException {
        ImageLayerFormat.INSTANCE.writeIndexKey(key, planned.lsn(), indexKey);
        file.index(indexKey, offset);
        lastKey = key;
    }

    /** How many images were added. */
    public long count() {
        return file.values();
    }

    /** How large the file would be if it were finished now, in bytes: an estimate, exact to a few blocks of index. */
    public long estimatedSize() {
        return file.estimatedSize();
    }

    /** As {@link #finish(Key, Generation, DirectorySync)}, with the end that was planned. */
    public LayerFile finish(Generation generation, DirectorySync sync) throws StorageException {
        return finish(planned.keyRange().end(), generation, sync);
    }

    /**
     * Completes the file and gives it its final name. On return its content is durable; that it is there under its name is,
     * if the directory is synced {@code NOW}, and else once the caller has synced it. If this throws, closing the writer
     * deletes the file, unless it was syncing the directory that failed: then the file is complete and stays.
     *
     * @param keyEnd where the layer's keys end, exclusive; not beyond what was planned
     * @param generation that the file's name carries
     * @throws IllegalArgumentException if an image is not below {@code keyEnd}, or that is beyond what was planned
     * @throws IllegalStateException if no image was added
     * @throws InvalidRequestException if the file would be too large
     * @throws DiskException of kind {@code WRONG_STATE} if there is a file of that name already; it is not touched
     */
    public LayerFile finish(Key keyEnd, Generation generation, DirectorySync sync) throws StorageException {
        if (lastKey == null) {
            throw new IllegalStateException("an image layer without images cannot be written");
        }
        if (lastKey.compareTo(keyEnd) >= 0
                || keyEnd.compareTo(planned.keyRange().end()) > 0) {
            throw new IllegalArgumentException("the layer cannot end at " + keyEnd + ": its last key is " + lastKey
                    + ", and planned was " + planned.keyRange());
        }
        ImageLayerName name = new ImageLayerName(new KeyRange(planned.keyRange().start(), keyEnd), planned.lsn());
        return file.finish(new LayerFileName(name, generation), sync);
    }

    /** Deletes the file if it was not finished. Does nothing the second time. */
    @Override
    public void close() throws DiskException {
        file.close();
    }
}
