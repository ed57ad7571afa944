package dev.palimpsest.storage.layer.file;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.blob.Block;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.layer.LayerName;
import java.nio.ByteBuffer;

/**
 * What a layer file says of itself at its beginning. {@code DeltaLayerFormat} and {@code ImageLayerFormat} specify the bytes.
 *
 * @param tenant whose layer it is
 * @param timeline the timeline it was written on; a copy on another timeline keeps it
 * @param name what it covers
 * @param indexStart the block in which the index begins
 * @param indexRoot the block of the index's root, counted from {@code indexStart}: the last block of the file
 */
public record LayerSummary(TenantId tenant, TimelineId timeline, LayerName name, int indexStart, int indexRoot) {
    static final int OFFSET_VERSION = 2;
    static final int OFFSET_TENANT = 4;
    static final int OFFSET_TIMELINE = 20;
    static final int OFFSET_KEYS = 36;
    static final int OFFSET_LSNS = 72;

    /** Writes it at the beginning of a big-endian buffer. */
    public void write(LayerFormat format, ByteBuffer target) {
        target.putShort((short) format.magic()).putShort((short) LayerFormat.VERSION);
        tenant.write(target);
        timeline.write(target);
        name.keyRange().start().write(target);
        name.keyRange().end().write(target);
        format.writeLsns(name, target);
        target.putInt(indexStart).putInt(indexRoot);
    }

    /**
     * Checks that a block begins like a file of this format: magic and version.
     *
     * @throws CorruptionException if not
     */
    static void checkMagic(LayerFormat format, ByteBuffer block, String resource) throws CorruptionException {
        int magic = block.getChar(0);
        if (magic != format.magic()) {
            throw new CorruptionException(
                    resource,
                    0,
                    "not the file of a layer of kind " + format.kind()
                            + ": it begins with %04X, expected %04X".formatted(magic, format.magic()));
        }
        int version = block.getChar(OFFSET_VERSION);
        if (version != LayerFormat.VERSION) {
            throw new CorruptionException(
                    resource, OFFSET_VERSION, "format version " + version + ", expected " + LayerFormat.VERSION);
        }
    }

    /**
     * Reads it from the first block of a file.
     *
     * @param block the whole block, at index 0 of a big-endian buffer
     * @param resource the file, for the error
     * @param size the size of the file in bytes
     * @throws CorruptionException if it is none, or does not fit the size of the file
     */
    public static LayerSummary read(LayerFormat format, ByteBuffer block, String resource, long size)
            throws CorruptionException {
        checkMagic(format, block, resource);
        Key start = Key.read(block, OFFSET_KEYS);
        Key end = Key.read(block, OFFSET_KEYS + Key.SIZE);
        if (start.compareTo(end) >= 0) {
            throw new CorruptionException(resource, OFFSET_KEYS, "empty key range " + start + " to " + end);
        }
        LayerName name;
        try {
            name = format.readName(new KeyRange(start, end), block, OFFSET_LSNS);
        } catch (IllegalArgumentException e) {
            throw new CorruptionException(resource, OFFSET_LSNS, "LSNs that no layer can have: " + e.getMessage(), e);
        }
        int offset = OFFSET_LSNS + format.lsnBytes();
        LayerSummary summary = new LayerSummary(
                TenantId.read(block, OFFSET_TENANT),
                TimelineId.read(block, OFFSET_TIMELINE),
                name,
                block.getInt(offset),
                block.getInt(offset + 4));
        summary.checkSize(resource, size, offset);
        return summary;
    }

    private void checkSize(String resource, long size, int offset) throws CorruptionException {
        long start = Integer.toUnsignedLong(indexStart);
        long root = Integer.toUnsignedLong(indexRoot);
        if (size % Block.SIZE != 0) {
            throw new CorruptionException(resource, size, "the file ends within a block: it has " + size + " bytes");
        }
        long blocks = size / Block.SIZE;
        if (start < 2 || start >= blocks) {
            throw new CorruptionException(
                    resource, offset, "the index begins in block " + start + " of a file of " + blocks + " blocks");
        }
        if (start + root + 1 != blocks) {
            throw new CorruptionException(
                    resource,
                    offset + 4,
                    "the index ends in block " + (start + root) + ", but the file has " + blocks + " blocks");
        }
    }

    /**
     * Checks that the file is the one that is expected. The timeline is not compared: a branch that is detached from its
     * ancestor takes over files as they are.
     *
     * @throws CorruptionException if it is another tenant's or its name says something else than it does
     */
    public void check(TenantId expectedTenant, LayerName expectedName, String resource) throws CorruptionException {
        if (!tenant.equals(expectedTenant)) {
            throw new CorruptionException(
                    resource, OFFSET_TENANT, "a layer of tenant " + tenant + ", expected " + expectedTenant);
        }
        if (!name.keyRange().equals(expectedName.keyRange())) {
            throw new CorruptionException(
                    resource,
                    OFFSET_KEYS,
                    "a layer of keys " + name.keyRange() + ", expected " + expectedName.keyRange());
        }
        if (!name.equals(expectedName)) {
            throw new CorruptionException(
                    resource,
                    OFFSET_LSNS,
                    "a layer of LSNs " + name.lsnRange() + ", expected " + expectedName.lsnRange());
        }
    }
}
