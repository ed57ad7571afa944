package dev.palimpsest.storage.layer.file;

import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.blob.Block;
import dev.palimpsest.storage.btree.BtreeBuilder;
import dev.palimpsest.storage.file.AppendWriter;
import dev.palimpsest.storage.file.Disk;
import dev.palimpsest.storage.file.WritableFile;
import dev.palimpsest.storage.layer.LayerFileName;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes a layer file so that it has its final name only when all of it is durable:
 *
 * <pre>
 *   create under a temporary name ─ blobs ─ checksums ─ index ─ block 0 ─ sync ─ rename ─ (sync the directory)
 * </pre>
 *
 * <p>While blobs are written the file is synced in the background from time to time, so that the sync at the end, the only one
 * that counts, has little left to do. The index is held in memory until the end. Closing a writer that is not finished deletes
 * the file; what a crash leaves has a temporary name and is removed at the next start. Used by one thread at a time. After an
 * exception it is of no use but to be closed.
 */
public final class LayerFileWriter implements AutoCloseable {
    /** Large enough that writes cost little, small enough for many layers to be written at a time. */
    private static final int BUFFER_BYTES = 256 * 1024;

    private final Disk disk;
    private final LayerFormat format;
    private final TenantId tenant;
    private final TimelineId timeline;
    private final Path directory;
    private final Path temporary;
    private final WritableFile file;
    private final WriteBack writeBack;
    private final ChecksummingFile checksumming;
    private final AppendWriter blobs;
    private final BtreeBuilder index;
    private final List<ByteBuffer> nodes = new ArrayList<>();
    private final long maxFileBytes;
    private long values;
    private State state = State.WRITING;

    private enum State {
        WRITING,
        FINISHED,
        CLOSED
    }

    /**
     * Creates the file. Nothing is durable.
     *
     * @param tenant whose layer it is
     * @param timeline on which it is written
     * @param temporaryName the name of the file while it is written
     * @param maxFileBytes the file may not become larger
     * @throws DiskException of kind {@code WRONG_STATE} if there is a file of that name
     */
    public LayerFileWriter(
            LayerIo io,
            LayerFormat format,
            TenantId tenant,
            TimelineId timeline,
            Path directory,
            String temporaryName,
            long maxFileBytes)
            throws DiskException {
        this.disk = io.disk();
        this.format = format;
        this.tenant = tenant;
        this.timeline = timeline;
        this.directory = directory;
        this.temporary = directory.resolve(temporaryName);
        this.maxFileBytes = maxFileBytes;
        this.file = disk.create(temporary);
        this.writeBack = new WriteBack(io.tasks(), file, io.writeBackBytes());
        this.checksumming = new ChecksummingFile(file, writeBack);
        this.blobs = new AppendWriter(disk, checksumming, Block.SIZE, BUFFER_BYTES);
        this.index = new BtreeBuilder(format.indexKeyBytes(), this::addNode);
    }

    private void addNode(ByteBuffer node) {
        nodes.add(ByteBuffer.allocateDirect(Block.SIZE).put(0, node, node.position(), Block.SIZE));
    }

    /** Where blobs are appended to. */
    public AppendWriter blobs() {
        return blobs;
    }

    /** Adds an entry to the index; keys ascend strictly. The value fits in 39 bits as the size of the file is limited. */
    public void index(byte[] key, long value) throws DiskException {
        index.append(key, 0, value);
        values++;
    }

    /** How many values were added to the index. */
    public long values() {
        return values;
    }

    /** How large the file would be if it were finished now, in bytes: an estimate, exact to a few blocks of index. */
    public long estimatedSize() {
        return LayerChecksums.of(blobs.offset(), (int) (index.estimatedBytes() / Block.SIZE))
                        .blocks()
                * (long) Block.SIZE;
    }

    /**
     * To be called before a blob is appended.
     *
     * @param bytes its size with its header
     * @throws InvalidRequestException if the file would become larger than it may be
     * @throws IllegalStateException if the writer is finished or closed
     */
    public void checkRoom(long bytes) throws InvalidRequestException {
        if (state != State.WRITING) {
            throw new IllegalStateException("the writer of " + temporary + " is " + state);
        }
        if (blobs.offset() + bytes + index.estimatedBytes() > maxFileBytes) {
            throw tooLarge(blobs.offset() + bytes + index.estimatedBytes());
        }
    }

    private InvalidRequestException tooLarge(long size) {
        return new InvalidRequestException(
                "layer file " + temporary + " would have " + size + " bytes, the limit is " + maxFileBytes);
    }

    /**
     * Writes index, checksums and summary, syncs the file and gives it its final name. On return the content is durable; the
     * name is, if the directory is synced {@code NOW}, else once the caller has synced it. If it throws before the file
     * was renamed, closing the writer deletes the file; if syncing the directory fails, the file is there, complete, but
     * its name may be lost in a crash.
     *
     * @param name the layer's, with the generation that the name of the file carries
     * @throws InvalidRequestException if the file would be too large
     * @throws DiskException of kind {@code WRONG_STATE} if there is a file of the final name already; it is not touched
     */
    public LayerFile finish(LayerFileName name, DirectorySync sync) throws StorageException {
        checkRoom(0);
        LayerChecksums layout = writeBody();
        ByteBuffer block = ByteBuffer.allocateDirect(Block.SIZE).order(ByteOrder.BIG_ENDIAN);
        int indexRoot = layout.blocks() - layout.indexStart() - 1;
        new LayerSummary(tenant, timeline, name.name(), layout.indexStart(), indexRoot).write(format, block);
        layout.write(block);
        file.write(0, block.clear());
        writeBack.settle();
        file.sync();
        file.close();
        Path path = directory.resolve(name.local());
        disk.renameNoReplace(temporary, path);
        state = State.FINISHED;
        if (sync == DirectorySync.NOW) {
            disk.syncDirectory(directory);
        }
        return new LayerFile(name, path, (long) layout.blocks() * Block.SIZE);
    }

    /** Writes everything from the end of the blobs to the end of the file. */
    private LayerChecksums writeBody() throws StorageException {
        index.finish();
        LayerChecksums layout = LayerChecksums.of(blobs.offset(), nodes.size());
        long size = (long) layout.blocks() * Block.SIZE;
        if (size > maxFileBytes) {
            throw tooLarge(size);
        }
        blobs.padTo(Block.SIZE);
        blobs.flush();
        int[] sums = checksumming.sums(nodes.size());
        for (int i = 0; i < nodes.size(); i++) {
            sums[layout.tableStart() - 1 + i] = LayerChecksums.crc(nodes.get(i));
        }
        blobs.write(layout.table(sums));
        for (ByteBuffer node : nodes) {
            blobs.write(node.duplicate());
        }
        blobs.seal();
        nodes.clear();
        return layout;
    }

    /** Deletes the file if it was not finished. Does nothing the second time. */
    @Override
    public void close() throws DiskException {
        if (state != State.WRITING) {
            return;
        }
        state = State.CLOSED;
        nodes.clear();
        try (file) {
            writeBack.abandon();
        } finally {
            disk.delete(temporary);
        }
    }
}
