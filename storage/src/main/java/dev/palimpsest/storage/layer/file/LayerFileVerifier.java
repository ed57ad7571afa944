package dev.palimpsest.storage.layer.file;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.blob.Block;
import dev.palimpsest.storage.blob.BlockCache;
import dev.palimpsest.storage.btree.BtreeCursor;
import dev.palimpsest.storage.btree.BtreeReader;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.file.ReadableFile;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.layer.LayerName;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Looks at every byte of a layer file: the summary against the file's name and size; every block against its checksum; every
 * node of the index; of every entry that it lies within the layer, and of every blob that it begins where the one before
 * ends, that its header is right, that it can be decompressed and is a value of the kind the index says; and that what is
 * between the parts is zeros. It goes on after what it finds as far as it can.
 *
 * <p>In a file with checksums a change of any byte is found. In one without, as Neon writes them, a change is found if the file
 * then contradicts itself. What cannot be found there: another timeline in the summary; other bytes inside of a page, a
 * WAL record or a text, unless they are compressed and no longer decompress; another key or LSN in the index that leaves it
 * in order and within the layer; and everything in a file that was exchanged for an older one of the same name. And in neither
 * is found what was wrong before it was written.
 *
 * <p>Used once, by one thread.
 */
public final class LayerFileVerifier {
    /** After so many findings no more are reported. */
    public static final int MAX_DAMAGE = 1000;

    private static final int BLOCKS_AT_ONCE = 64;

    private final LayerIo io;
    private final LayerFormat format;
    private final ReadableFile file;
    private final RequestContext context;
    private final String resource;
    private final List<CorruptionException> damage = new ArrayList<>();

    /** @param file stays the caller's */
    public LayerFileVerifier(LayerIo io, LayerFormat format, ReadableFile file, RequestContext context) {
        this.io = io;
        this.format = format;
        this.file = file;
        this.context = context;
        this.resource = file.path().toString();
    }

    /**
     * Verifies the file.
     *
     * @param expected what it must cover; null if that does not matter
     * @param tenant whose it must be; null if that does not matter
     * @throws StorageException if the request was cancelled, or the file's size cannot be found out
     */
    public LayerReport verify(@Nullable LayerName expected, @Nullable TenantId tenant) throws StorageException {
        long size = file.size();
        LayerReport.Protection protection = LayerReport.Protection.UNKNOWN;
        LayerSummary summary = null;
        LayerChecksums checksums = null;
        try {
            ByteBuffer block = OpenLayerFile.firstBlock(file);
            summary = summary(block, size);
            checksums = LayerChecksums.read(block, format, resource);
            protection = checksums == null ? LayerReport.Protection.NONE : LayerReport.Protection.CHECKSUMS;
            if (checksums != null) {
                checksums.checkSize(resource, size);
            }
            if (summary != null) {
                summary.check(
                        tenant == null ? summary.tenant() : tenant,
                        expected == null ? summary.name() : expected,
                        resource);
            }
        } catch (CorruptionException | DiskException e) {
            add(0, e);
        }
        if (checksums != null) {
            compareChecksums(checksums, size);
        }
        BlobVerification blobs = null;
        if (summary != null) {
            blobs = new BlobVerification(io, format, file, context, this::add);
            walkIndex(summary, checksums, blobs);
        }
        return new LayerReport(
                file.path(),
                size,
                summary,
                protection,
                blobs == null ? 0 : blobs.values(),
                blobs == null ? 0 : blobs.images(),
                blobs == null ? 0 : blobs.valueBytes(),
                blobs == null ? 0 : blobs.storedBytes(),
                summary == null ? 0 : summary.indexRoot() + 1L,
                damage);
    }

    private @Nullable LayerSummary summary(ByteBuffer block, long size) {
        try {
            return LayerSummary.read(format, block, resource, size);
        } catch (CorruptionException e) {
            add(0, e);
            return null;
        }
    }

    /** Adds a finding; of a block that cannot be read, says so. */
    private void add(long offset, StorageException finding) {
        if (damage.size() < MAX_DAMAGE) {
            damage.add(
                    finding instanceof CorruptionException corruption
                            ? corruption
                            : new CorruptionException(
                                    resource, offset, "cannot be read: " + finding.getMessage(), finding));
        }
    }

    private void compareChecksums(LayerChecksums layout, long size) throws StorageException {
        BlockCache cache = new BlockCache(BLOCKS_AT_ONCE);
        ChecksumCheck check = new ChecksumCheck(layout, cache.open(file, ChecksumCheck.ofTable(resource)));
        int blocks = (int) Math.min(size / Block.SIZE, layout.blocks());
        ByteBuffer buffer = ByteBuffer.allocate(Math.min(BLOCKS_AT_ONCE, Math.max(1, blocks)) * Block.SIZE)
                .order(ByteOrder.BIG_ENDIAN);
        int unreadableTable = -1;
        for (int first = 1; first < blocks; first += BLOCKS_AT_ONCE) {
            context.checkCancelled();
            int count = Math.min(BLOCKS_AT_ONCE, blocks - first);
            read(first, buffer.clear().limit(count * Block.SIZE));
            for (int block = first; block < first + count; block++) {
                ByteBuffer bytes =
                        buffer.slice((block - first) * Block.SIZE, Block.SIZE).order(ByteOrder.BIG_ENDIAN);
                long offset = (long) block * Block.SIZE;
                int table = layout.isTable(block) ? block : layout.tableBlock(block);
                try {
                    if (layout.isTable(block)) {
                        LayerChecksums.checkTable(bytes, resource, offset);
                    } else if (table != unreadableTable) {
                        check.check(offset, bytes);
                    }
                } catch (CorruptionException e) {
                    // A damaged block of the table is reported once, when its turn comes, and not for all blocks it is
                    // of.
                    if (e.offset() == offset) {
                        add(offset, e);
                    } else {
                        unreadableTable = table;
                    }
                } catch (DiskException e) {
                    unreadableTable = table;
                }
            }
        }
    }

    /** Reads whole blocks; of those that cannot be read, reports the first. */
    private void read(int block, ByteBuffer target) {
        long offset = (long) block * Block.SIZE;
        try {
            int expected = target.remaining();
            int length = file.read(offset, target);
            if (length < expected) {
                add(offset, new CorruptionException(resource, offset + length, "the file ends too early"));
            }
        } catch (DiskException e) {
            add(offset, e);
        }
    }

    private void walkIndex(LayerSummary summary, @Nullable LayerChecksums checksums, BlobVerification blobs)
            throws StorageException {
        BtreeReader index = new BtreeReader(
                new BlockCache(BLOCKS_AT_ONCE).open(file),
                summary.indexStart(),
                summary.indexRoot(),
                format.indexKeyBytes());
        long indexOffset = (long) summary.indexStart() * Block.SIZE;
        try {
            index.verify();
        } catch (CorruptionException | DiskException e) {
            add(indexOffset, e);
        }
        long dataEnd = checksums == null ? indexOffset : checksums.dataEnd();
        long dataBlocksEnd = checksums == null ? indexOffset : (long) checksums.tableStart() * Block.SIZE;
        blobs.begin(dataEnd);
        try {
            BtreeCursor cursor = index.cursor();
            for (boolean found = cursor.first(); found; found = cursor.next()) {
                context.checkCancelled();
                Key key = new Key(cursor.keyLong(0), cursor.keyLong(8), cursor.keyChar(16));
                Lsn lsn = format.lsn(summary.name(), cursor);
                long value = cursor.value();
                if (!summary.name().keyRange().contains(key)
                        || !summary.name().lsnRange().contains(lsn)) {
                    add(
                            indexOffset,
                            new CorruptionException(
                                    resource,
                                    format.blobOffset(value),
                                    "a value of key " + key + " at " + lsn + ", outside of the layer "
                                            + summary.name()));
                }
                blobs.add(format.blobOffset(value), format.willInit(value));
            }
            blobs.end(dataEnd, dataBlocksEnd);
        } catch (CorruptionException | DiskException e) {
            // The walk cannot go on; what verify found says the same in most cases.
            if (damage.isEmpty()) {
                add(indexOffset, e);
            }
        }
    }
}
