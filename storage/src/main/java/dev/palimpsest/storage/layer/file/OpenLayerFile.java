package dev.palimpsest.storage.layer.file;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.blob.BlobReader;
import dev.palimpsest.storage.blob.Block;
import dev.palimpsest.storage.blob.BlockCache;
import dev.palimpsest.storage.blob.BlockCheck;
import dev.palimpsest.storage.blob.BlockSource;
import dev.palimpsest.storage.btree.BtreeReader;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.file.ReadableFile;
import dev.palimpsest.storage.layer.LayerName;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** A layer file that is open, whose first block was read and found to be in order. Safe for use by many threads. */
final class OpenLayerFile implements AutoCloseable {
    private final ReadableFile file;
    private final LayerFormat format;
    private final LayerSummary summary;
    private final @Nullable LayerChecksums checksums;
    private final BlockSource blocks;
    private final BlobReader blobs;

    private OpenLayerFile(
            LayerIo io,
            ReadableFile file,
            LayerFormat format,
            LayerSummary summary,
            @Nullable LayerChecksums checksums) {
        this.file = file;
        this.format = format;
        this.summary = summary;
        this.checksums = checksums;
        BlockCheck check = BlockCheck.NONE;
        if (checksums != null) {
            String resource = file.path().toString();
            check = new ChecksumCheck(checksums, io.blockCache().open(file, ChecksumCheck.ofTable(resource)));
        }
        this.blocks = io.blockCache().open(file, check);
        BlockCache values = io.blockCache().values();
        this.blobs = new BlobReader(
                file,
                io.readBuffers(),
                io.zstd(),
                io.maxBlobBytes(),
                check,
                values == null ? null : values.open(file, check));
    }

    /**
     * Opens a file and checks its first block.
     *
     * @throws CorruptionException if it is damaged, or not the file that is expected
     * @throws DiskException if it cannot be read, which need not be so the next time
     */
    static OpenLayerFile open(
            LayerIo io, LayerFormat format, Path path, TenantId tenant, LayerName name, RequestContext context)
            throws StorageException {
        context.checkCancelled();
        ReadableFile file = io.disk().open(path);
        boolean opened = false;
        try {
            String resource = path.toString();
            ByteBuffer block = firstBlock(file);
            context.account(format.indexContent(), Block.SIZE);
            LayerSummary.checkMagic(format, block, resource);
            LayerChecksums checksums = LayerChecksums.read(block, format, resource);
            long size = file.size();
            if (checksums != null) {
                checksums.checkSize(resource, size);
            }
            LayerSummary summary = LayerSummary.read(format, block, resource, size);
            summary.check(tenant, name, resource);
            OpenLayerFile result = new OpenLayerFile(io, file, format, summary, checksums);
            opened = true;
            return result;
        } finally {
            if (!opened) {
                file.close();
            }
        }
    }

    /** Reads block 0 into a big-endian buffer. */
    static ByteBuffer firstBlock(ReadableFile file) throws StorageException {
        ByteBuffer block = ByteBuffer.allocate(Block.SIZE).order(ByteOrder.BIG_ENDIAN);
        int length = file.read(0, block);
        if (length < Block.SIZE) {
            throw new CorruptionException(
                    file.path().toString(), length, "the file ends within its first block, after " + length + " bytes");
        }
        return block.clear();
    }

    /** The index, as one request reads it. */
    BtreeReader index(RequestContext context) {
        return new BtreeReader(
                new AccountedBlocks(blocks, format.indexContent(), context),
                summary.indexStart(),
                summary.indexRoot(),
                format.indexKeyBytes());
    }

    /** Its path, for errors. */
    String resource() {
        return blocks.name();
    }

    /** Where the last blob has ended; in a file without checksums zeros may come between. */
    long dataEnd() {
        LayerChecksums known = checksums;
        return known == null ? (long) summary.indexStart() * Block.SIZE : known.dataEnd();
    }

    /** Whether everything that is read of it was compared with a checksum. */
    boolean hasChecksums() {
        return checksums != null;
    }

    BlobReader blobs() {
        return blobs;
    }

    @Override
    public void close() throws DiskException {
        file.close();
    }
}
