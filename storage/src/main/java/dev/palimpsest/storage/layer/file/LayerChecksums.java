package dev.palimpsest.storage.layer.file;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.blob.Block;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * The checksums in a layer file: one for each block of 8192 bytes, in places that Neon's format leaves free, so that Neon reads
 * the file as if they were not there.
 *
 * <pre>
 * block                     content
 * 0                         summary, and at offset 128 the header below
 * 1 .. t-1                  blobs, zeros to the end of the last block
 * t .. i-1                  the table: checksums of blocks 1 .. t-1 and then of i .. n-1
 * i .. n-1                  index
 *
 * header
 * offset  size  field
 *    128     8  magic, 50 41 4C 49 4D 43 52 43 ("PALIMCRC")
 *    136     2  version, 1
 *    138     2  zeros
 *    140     4  t, the first block of the table
 *    144     8  where the last blob ends, in bytes from the beginning of the file
 *    152     4  n, the blocks of the file
 *    156     4  CRC-32C of block 0 in which these four bytes are zeros
 *    160        zeros to the end of the block
 *
 * block of the table
 * offset  size  field
 *      0  8188  2047 CRC-32Cs of 4 bytes each; those that are not needed are zeros
 *   8188     4  CRC-32C of the 8188 bytes before
 * </pre>
 *
 * <p>All numbers are unsigned and big-endian. To Neon the table is the rest of the data area, of which it only looks at what
 * the index points to; it takes the beginning of the index ({@code i}, in the summary) as the end of the last blob when it
 * plans a read, and so reads too much then, which does no harm as the blob's header tells where it really ends. Nothing else
 * differs from a file that Neon writes, but that {@code i} is greater by the blocks of the table.
 *
 * <p>A file whose first block holds zeros behind the summary has no checksums: Neon wrote it. It is read without any. If there
 * is anything else than zeros, it must be a good header. Header and summary are in one sector of the disk, so that a
 * sector that was lost does not take the header alone away; nothing but a file in which exactly the header was overwritten
 * with zeros passes for Neon's, and {@code LayerVerifier} finds that one too, by the table.
 *
 * @param tableStart the first block of the table, t
 * @param dataEnd where the last blob ends, in bytes from the beginning of the file
 * @param indexStart the first block of the index, i
 * @param blocks the blocks of the file, n
 */
record LayerChecksums(int tableStart, long dataEnd, int indexStart, int blocks) {
    static final int OFFSET_HEADER = 128;
    /** Checksums in a block of the table. */
    static final int PER_BLOCK = Block.SIZE / 4 - 1;

    private static final long MAGIC = 0x50414C494D435243L;
    private static final int VERSION = 1;
    private static final int OFFSET_VERSION = OFFSET_HEADER + 8;
    private static final int OFFSET_TABLE_START = OFFSET_HEADER + 12;
    private static final int OFFSET_DATA_END = OFFSET_HEADER + 16;
    private static final int OFFSET_BLOCKS = OFFSET_HEADER + 24;
    private static final int OFFSET_CRC = OFFSET_HEADER + 28;
    private static final int HEADER_END = OFFSET_HEADER + 32;

    /** The layout of a file with this many bytes up to the end of the last blob and blocks of index. */
    static LayerChecksums of(long dataEnd, int indexBlocks) {
        int tableStart = Math.toIntExact((dataEnd + Block.SIZE - 1) / Block.SIZE);
        int indexStart = tableStart + tableBlocks(tableStart - 1L + indexBlocks);
        return new LayerChecksums(tableStart, dataEnd, indexStart, indexStart + indexBlocks);
    }

    /** How many blocks a table for this many blocks takes. */
    static int tableBlocks(long covered) {
        return (int) ((covered + PER_BLOCK - 1) / PER_BLOCK);
    }

    /** The CRC-32C of everything between the buffer's position and its limit, which do not change. */
    static int crc(ByteBuffer bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes.duplicate());
        return (int) crc.getValue();
    }

    /** Completes block 0, which is the whole of a big-endian buffer: adds the header, and its checksum last. */
    void write(ByteBuffer block) {
        block.putLong(OFFSET_HEADER, MAGIC)
                .putShort(OFFSET_VERSION, (short) VERSION)
                .putInt(OFFSET_TABLE_START, tableStart)
                .putLong(OFFSET_DATA_END, dataEnd)
                .putInt(OFFSET_BLOCKS, blocks)
                .putInt(OFFSET_CRC, 0);
        block.putInt(OFFSET_CRC, crc(block.duplicate().clear()));
    }

    /**
     * Reads the header from block 0, the whole of a big-endian buffer.
     *
     * @return null if the file has no checksums
     * @throws CorruptionException if the block is damaged or does not fit the summary or the size of the file
     */
    static @Nullable LayerChecksums read(ByteBuffer block, LayerFormat format, String resource)
            throws CorruptionException {
        if (firstNonZero(block, format.summaryBytes()) == Block.SIZE) {
            return null;
        }
        if (block.getLong(OFFSET_HEADER) != MAGIC) {
            throw new CorruptionException(
                    resource,
                    firstNonZero(block, format.summaryBytes()),
                    "there is something behind the summary that is neither zeros nor a header of checksums");
        }
        int stored = block.getInt(OFFSET_CRC);
        ByteBuffer copy =
                ByteBuffer.allocate(Block.SIZE).put(0, block, 0, Block.SIZE).putInt(OFFSET_CRC, 0);
        int computed = crc(copy);
        if (stored != computed) {
            throw mismatch(resource, 0, stored, computed);
        }
        int version = block.getChar(OFFSET_VERSION);
        if (version != VERSION) {
            throw new CorruptionException(
                    resource, OFFSET_VERSION, "checksums of version " + version + ", expected " + VERSION);
        }
        int indexStart = block.getInt(format.summaryBytes() - 8);
        LayerChecksums found = new LayerChecksums(
                block.getInt(OFFSET_TABLE_START),
                block.getLong(OFFSET_DATA_END),
                indexStart,
                block.getInt(OFFSET_BLOCKS));
        found.check(block, format, resource);
        return found;
    }

    private void check(ByteBuffer block, LayerFormat format, String resource) throws CorruptionException {
        int beyond = firstNonZero(block, HEADER_END);
        if (beyond < Block.SIZE || firstNonZero(block, format.summaryBytes()) != OFFSET_HEADER) {
            throw new CorruptionException(resource, beyond, "there are not only zeros around the header of checksums");
        }
        boolean ordered = tableStart < indexStart
                && indexStart < blocks
                && dataEnd > Block.SIZE
                && dataEnd <= (long) tableStart * Block.SIZE;
        if (!ordered || !equals(of(dataEnd, blocks - indexStart))) {
            throw new CorruptionException(
                    resource,
                    OFFSET_TABLE_START,
                    "the parts of the file do not fit together: data to " + dataEnd + ", checksums from block "
                            + tableStart + ", index from block " + indexStart + ", end at block " + blocks);
        }
    }

    /** Checks that the file has as many blocks as were written. */
    void checkSize(String resource, long size) throws CorruptionException {
        if (size != (long) blocks * Block.SIZE) {
            throw new CorruptionException(
                    resource,
                    Math.min(size, (long) blocks * Block.SIZE),
                    "the file has " + size + " bytes, but " + (long) blocks * Block.SIZE + " were written");
        }
    }

    private static int firstNonZero(ByteBuffer block, int from) {
        int at = from;
        while (at < Block.SIZE && block.get(at) == 0) {
            at++;
        }
        return at;
    }

    static CorruptionException mismatch(String resource, long offset, int stored, int computed) {
        return new CorruptionException(
                resource, offset, "the checksum of the block is %08X, expected %08X".formatted(computed, stored));
    }

    /** Whether a block is part of the table. */
    boolean isTable(int block) {
        return block >= tableStart && block < indexStart;
    }

    /** Which checksum of the table is that of {@code block}, which is neither block 0 nor of the table itself. */
    private int position(int block) {
        return block < tableStart ? block - 1 : tableStart - 1 + (block - indexStart);
    }

    /** The block of the table that holds the checksum of {@code block}. */
    int tableBlock(int block) {
        return tableStart + position(block) / PER_BLOCK;
    }

    /** Where in the block of the table the checksum of {@code block} is, in bytes. */
    int tableOffset(int block) {
        return position(block) % PER_BLOCK * 4;
    }

    /** The table, as it is written: checksums of the data area and of the index, in the order of their blocks. */
    ByteBuffer table(int[] sums) {
        int tables = indexStart - tableStart;
        ByteBuffer table = ByteBuffer.allocateDirect(tables * Block.SIZE).order(ByteOrder.BIG_ENDIAN);
        int next = 0;
        for (int i = 0; i < tables; i++) {
            int base = i * Block.SIZE;
            for (int j = 0; j < PER_BLOCK && next < sums.length; j++) {
                table.putInt(base + 4 * j, sums[next++]);
            }
            table.putInt(base + Block.SIZE - 4, crc(table.slice(base, Block.SIZE - 4)));
        }
        return table;
    }

    /** Checks a block of the table by its own checksum. */
    static void checkTable(ByteBuffer block, String resource, long offset) throws CorruptionException {
        int stored = block.getInt(block.position() + Block.SIZE - 4);
        int computed = crc(block.slice(block.position(), Block.SIZE - 4));
        if (stored != computed) {
            throw mismatch(resource, offset, stored, computed);
        }
    }
}
