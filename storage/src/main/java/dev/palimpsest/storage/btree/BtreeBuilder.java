package dev.palimpsest.storage.btree;

import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.blob.Block;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/**
 * Builds a tree from entries in ascending order of keys and writes its nodes as they become full, byte for byte as Neon
 * does. Format: see {@link BtreeFormat}.
 *
 * <p>A node stores whole keys until one more does not fit. Only then are the bytes that its first and last key have in
 * common taken out, which may happen again later; a node that was never full stores whole keys. A key that does not begin
 * with the common bytes that were taken out goes to the next node.
 *
 * <p>Memory: one node per level. Not safe for use by many threads. After an exception it is of no further use.
 */
public final class BtreeBuilder {
    /** The greatest value: 2^39 − 1. */
    public static final long MAX_VALUE = BtreeFormat.MAX_VALUE;

    /** Takes the nodes, in the order of their block numbers. */
    @FunctionalInterface
    public interface Sink {
        /** Takes the 8192 bytes between position and limit; they are valid during the call only. */
        void write(ByteBuffer block) throws DiskException;
    }

    /**
     * What was built.
     *
     * @param rootBlock the root's block number, counted from the first block of the tree; it is the last block
     * @param blocks how many blocks were written
     * @param height levels: 1 for a tree that is one leaf
     * @param entries entries in the leaves
     */
    public record Built(int rootBlock, int blocks, int height, long entries) {}

    private final int keyLength;
    private final Sink sink;
    private final List<BtreeNodeBuilder> levels = new ArrayList<>();
    private final byte[] block = new byte[Block.SIZE];
    private final byte[] lastKey;
    private final byte[] keyScratch;
    private int blocks;
    private long entries;
    private boolean finished;

    /**
     * @param keyLength bytes of each key, 1 to 255
     * @param sink where the nodes go
     */
    public BtreeBuilder(int keyLength, Sink sink) {
        if (keyLength < 1 || keyLength > BtreeFormat.MAX_KEY) {
            throw new IllegalArgumentException("keys must have 1 to 255 bytes, not " + keyLength);
        }
        this.keyLength = keyLength;
        this.sink = sink;
        this.lastKey = new byte[keyLength];
        this.keyScratch = new byte[keyLength];
    }

    /**
     * Adds an entry, whose key is the bytes of {@code source} at {@code offset}; position and limit play no part.
     *
     * @throws IllegalArgumentException as {@link #append(byte[], int, long)}
     */
    public void append(ByteBuffer source, int offset, long value) throws DiskException {
        source.get(offset, keyScratch);
        append(keyScratch, 0, value);
    }

    /**
     * Adds an entry.
     *
     * @param key holds the key at {@code offset}
     * @param value 0 to {@link #MAX_VALUE}
     * @throws IllegalArgumentException if the key is not greater than the one before, or the value is out of range; then
     *     nothing has changed
     */
    public void append(byte[] key, int offset, long value) throws DiskException {
        checkNotFinished();
        if (value < 0 || value > MAX_VALUE) {
            throw new IllegalArgumentException("an index takes values from 0 to " + MAX_VALUE + ", not " + value);
        }
        if (entries > 0 && Arrays.compareUnsigned(key, offset, offset + keyLength, lastKey, 0, keyLength) <= 0) {
            HexFormat hex = HexFormat.of();
            throw new IllegalArgumentException("key " + hex.formatHex(key, offset, offset + keyLength) + " comes after "
                    + hex.formatHex(lastKey) + " and is not greater");
        }
        System.arraycopy(key, offset, lastKey, 0, keyLength);
        append(0, lastKey, value);
        entries++;
    }

    private void append(int level, byte[] key, long value) throws DiskException {
        if (level == levels.size()) {
            levels.add(new BtreeNodeBuilder(level, keyLength));
        }
        BtreeNodeBuilder node = levels.get(level);
        if (!node.add(key, value)) {
            write(node);
            node.add(key, value);
        }
    }

    /** Writes a node, tells its parent, and leaves it empty. */
    private void write(BtreeNodeBuilder node) throws DiskException {
        int number = writeBlock(node);
        append(node.level() + 1, node.firstKey(), (long) BtreeFormat.CHILD_MARK << 32 | number);
        node.clear();
    }

    private int writeBlock(BtreeNodeBuilder node) throws DiskException {
        if (blocks == Integer.MAX_VALUE) {
            throw new IllegalStateException("an index of more than " + blocks + " blocks");
        }
        node.encode(block);
        sink.write(ByteBuffer.wrap(block));
        return blocks++;
    }

    /** How large the tree would about be if it were finished now, in bytes: what is written, and one node per level. */
    public long estimatedBytes() {
        return (long) (blocks + levels.size()) * Block.SIZE;
    }

    /**
     * Writes what is left, the root last.
     *
     * @throws IllegalStateException if no entry was added: there is no empty tree
     */
    public Built finish() throws DiskException {
        checkNotFinished();
        if (entries == 0) {
            throw new IllegalStateException("an index needs at least one entry");
        }
        finished = true;
        // A downlink may overflow the parent and so add levels while this runs.
        for (int level = 0; level < levels.size() - 1; level++) {
            write(levels.get(level));
        }
        int root = writeBlock(levels.getLast());
        return new Built(root, blocks, levels.size(), entries);
    }

    private void checkNotFinished() {
        if (finished) {
            throw new IllegalStateException("the index is finished");
        }
    }
}
