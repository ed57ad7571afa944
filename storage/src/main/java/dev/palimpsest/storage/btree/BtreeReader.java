package dev.palimpsest.storage.btree;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.blob.Block;
import dev.palimpsest.storage.blob.BlockSource;

/**
 * A tree that {@link BtreeBuilder} wrote. Format: see {@link BtreeFormat}.
 *
 * <p>Every node is checked before it is used, when it comes into memory on its own, and on each way down against its
 * parent: whatever the bytes are, a read ends and either gives entries in strictly ascending (or descending) order of keys
 * or throws {@link CorruptionException}. The format has no checksum, so damage that leaves a well-formed tree is not
 * noticed here.
 *
 * <p>Safe for use by many threads; each uses a cursor of its own.
 */
public final class BtreeReader {
    private final BlockSource source;
    private final int startBlock;
    private final int rootBlock;
    private final int keyLength;
    private final NodeCheck nodeCheck;
    /** Names the structure check, with all it depends on, in a {@link Block}. */
    private final long check;

    /**
     * What a whole tree is made of.
     *
     * @param entries entries in the leaves
     * @param nodes leaves and inner nodes
     * @param height levels: 1 for a tree that is one leaf
     * @param bytes size of all nodes
     */
    public record Statistics(long entries, long nodes, int height, long bytes) {}

    /** Looks at entries one by one. */
    @FunctionalInterface
    public interface Visitor {
        /** Whether to go on. */
        enum Next {
            /** To the next entry, if there is one. */
            CONTINUE,
            /** No further. */
            STOP
        }

        /**
         * Looks at the entry that the cursor is at.
         *
         * @param entry not to be moved; belongs to the visit
         */
        Next visit(BtreeCursor entry) throws StorageException;
    }

    /**
     * @param source where its nodes are
     * @param startBlock the block of the source where the tree begins, unsigned
     * @param rootBlock the root's block, counted from {@code startBlock}, unsigned
     * @param keyLength bytes of each key, 1 to 255
     */
    public BtreeReader(BlockSource source, int startBlock, int rootBlock, int keyLength) {
        if (keyLength < 1 || keyLength > BtreeFormat.MAX_KEY) {
            throw new IllegalArgumentException("keys must have 1 to 255 bytes, not " + keyLength);
        }
        this.source = source;
        this.startBlock = startBlock;
        this.rootBlock = rootBlock;
        this.keyLength = keyLength;
        this.nodeCheck = new NodeCheck(source.name(), startBlock);
        this.check = (long) keyLength << 32 | Integer.toUnsignedLong(startBlock);
    }

    /** Bytes of each key. */
    public int keyLength() {
        return keyLength;
    }

    /** A new cursor, at no entry. */
    public BtreeCursor cursor() {
        return new BtreeCursor(this);
    }

    /** The value of {@code key}; −1 if the tree does not hold it. */
    public long get(byte[] key) throws StorageException {
        BtreeCursor cursor = cursor();
        return cursor.seek(key) && cursor.compareKey(key) == 0 ? cursor.value() : -1;
    }

    /** Visits the entries whose keys are {@code key} or greater, ascending. */
    public void visitFrom(byte[] key, Visitor visitor) throws StorageException {
        BtreeCursor cursor = cursor();
        boolean found = cursor.seek(key);
        while (found && visitor.visit(cursor) == Visitor.Next.CONTINUE) {
            found = cursor.next();
        }
    }

    /** Visits the entries whose keys are {@code key} or smaller, descending. */
    public void visitBackFrom(byte[] key, Visitor visitor) throws StorageException {
        BtreeCursor cursor = cursor();
        boolean found = cursor.seekBack(key);
        while (found && visitor.visit(cursor) == Visitor.Next.CONTINUE) {
            found = cursor.previous();
        }
    }

    /**
     * Reads every node and checks all that can be checked: also that each block up to the root belongs to the tree and
     * that nothing stands after the entries of a node.
     *
     * @throws CorruptionException at the first thing that is wrong
     */
    public Statistics verify() throws StorageException {
        BtreeCursor cursor = cursor();
        long entries = 0;
        for (boolean found = cursor.first(); found; found = cursor.next()) {
            entries++;
        }
        long nodes = 0;
        for (int number = 0; number - 1 != rootBlock; number++) {
            nodeCheck.padding(number, node(number));
            nodes++;
        }
        if (nodes != cursor.nodesEntered()) {
            throw new CorruptionException(
                    source.name(),
                    nodeCheck.offset(rootBlock),
                    "the index has " + nodes + " blocks, but only " + cursor.nodesEntered() + " belong to its tree");
        }
        return new Statistics(entries, nodes, BtreeFormat.level(root()) + 1, nodes * Block.SIZE);
    }

    /** The root, checked. */
    byte[] root() throws StorageException {
        return node(rootBlock);
    }

    /** A node whose structure has been checked. */
    byte[] node(int number) throws StorageException {
        Block block = source.block(blockNumber(number));
        byte[] bytes = block.bytes();
        if (!block.hasPassed(check)) {
            nodeCheck.structure(number, bytes, keyLength);
            block.pass(check);
        }
        return bytes;
    }

    NodeCheck nodeCheck() {
        return nodeCheck;
    }

    private int blockNumber(int number) throws CorruptionException {
        long absolute = Integer.toUnsignedLong(startBlock) + Integer.toUnsignedLong(number);
        if (absolute > 0xFFFF_FFFFL) {
            throw new CorruptionException(
                    source.name(), nodeCheck.offset(number), "an index node in a block that no file can have");
        }
        return (int) absolute;
    }
}
