package dev.palimpsest.storage.layer.file;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.blob.Block;
import dev.palimpsest.storage.blob.BlockCheck;
import dev.palimpsest.storage.blob.BlockSource;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/** Compares blocks of a layer file with the file's table of checksums. */
final class ChecksumCheck implements BlockCheck {
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);

    private final LayerChecksums layout;
    private final BlockSource table;

    /** @param table the blocks of the file, of which those of the table are asked for; checked by {@link #ofTable} */
    ChecksumCheck(LayerChecksums layout, BlockSource table) {
        this.layout = layout;
        this.table = table;
    }

    /** The check of the blocks of the table itself. */
    static BlockCheck ofTable(String resource) {
        return (offset, blocks) ->
                LayerChecksums.checkTable(blocks.slice().order(ByteOrder.BIG_ENDIAN), resource, offset);
    }

    @Override
    public void check(long offset, ByteBuffer blocks) throws StorageException {
        int block = Math.toIntExact(offset / Block.SIZE);
        int limit = blocks.limit();
        CRC32C crc = new CRC32C();
        int tableBlock = -1;
        byte[] sums = {};
        while (blocks.position() < limit) {
            checkPlace(block);
            if (layout.tableBlock(block) != tableBlock) {
                tableBlock = layout.tableBlock(block);
                sums = table.block(tableBlock).bytes();
            }
            int stored = (int) INT.get(sums, layout.tableOffset(block));
            crc.reset();
            crc.update(blocks.limit(blocks.position() + Block.SIZE));
            if ((int) crc.getValue() != stored) {
                throw LayerChecksums.mismatch(table.name(), (long) block * Block.SIZE, stored, (int) crc.getValue());
            }
            block++;
        }
    }

    private void checkPlace(int block) throws CorruptionException {
        if (block < 1 || block >= layout.blocks() || layout.isTable(block)) {
            throw new CorruptionException(
                    table.name(), (long) block * Block.SIZE, "a block is needed that holds neither blobs nor index");
        }
    }
}
