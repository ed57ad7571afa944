package dev.palimpsest.storage.blob;

import dev.palimpsest.storage.CorruptionException;
import java.util.Arrays;

/** Blocks held in memory: of an index before it is written, of a file that was read whole. */
public final class MemoryBlocks implements BlockSource {
    private final String name;
    private final Block[] blocks;

    /**
     * Copies {@code bytes}. Bytes after the last whole block are not part of any.
     *
     * @param name what it is, for errors
     */
    public MemoryBlocks(String name, byte[] bytes) {
        this.name = name;
        this.blocks = new Block[bytes.length / Block.SIZE];
        for (int i = 0; i < blocks.length; i++) {
            blocks[i] = new Block(Arrays.copyOfRange(bytes, i * Block.SIZE, (i + 1) * Block.SIZE));
        }
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Block block(int number) throws CorruptionException {
        if (Integer.compareUnsigned(number, blocks.length) >= 0) {
            throw new CorruptionException(
                    name,
                    Integer.toUnsignedLong(number) * Block.SIZE,
                    "block " + Integer.toUnsignedString(number) + " is needed, but it has only " + blocks.length);
        }
        return blocks[number];
    }
}
