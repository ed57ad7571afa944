package dev.palimpsest.storage.btree;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.blob.Block;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * The checks that make a node safe to use. After {@link #structure} every accessor of {@link BtreeFormat} stays within the
 * node and a search in it is right; after {@link #place} it is the child that its parent means, so that every walk down
 * ends in a leaf and every walk along the leaves ascends.
 */
final class NodeCheck {
    private final String resource;
    private final int startBlock;

    /**
     * @param resource the file
     * @param startBlock the block in which the tree begins in it, unsigned
     */
    NodeCheck(String resource, int startBlock) {
        this.resource = resource;
        this.startBlock = startBlock;
    }

    /** Where the node of a block number, counted from the first block of the tree, begins in the file, in bytes. */
    long offset(int number) {
        return (Integer.toUnsignedLong(startBlock) + Integer.toUnsignedLong(number)) * Block.SIZE;
    }

    /**
     * What can be told from the node alone.
     *
     * @param number its block number, counted from the first block of the tree
     */
    void structure(int number, byte[] node, int keyLength) throws CorruptionException {
        int count = BtreeFormat.count(node);
        int prefix = BtreeFormat.prefixLength(node);
        int suffix = BtreeFormat.suffixLength(node);
        if (count == 0) {
            throw damage(number, BtreeFormat.OFFSET_COUNT, "an index node without entries");
        }
        if (prefix + suffix != keyLength) {
            throw damage(
                    number,
                    BtreeFormat.OFFSET_PREFIX,
                    "an index node with keys of " + prefix + " + " + suffix + " bytes, expected " + keyLength);
        }
        if (BtreeFormat.valueOffset(node, count) >= Block.SIZE) {
            throw damage(
                    number,
                    BtreeFormat.OFFSET_COUNT,
                    "an index node with " + count + " entries of " + suffix + " + 5 bytes, more than it can hold");
        }
        for (int i = 1; i < count; i++) {
            int at = BtreeFormat.suffixOffset(node, i);
            if (Arrays.compareUnsigned(node, at - suffix, at, node, at, at + suffix) >= 0) {
                throw damage(number, at, "key " + i + " of an index node is not greater than the one before");
            }
        }
        if (BtreeFormat.level(node) == 0) {
            leafValues(number, node, count);
        } else {
            children(number, node, count);
        }
    }

    private void leafValues(int number, byte[] node, int count) throws CorruptionException {
        for (int i = 0; i < count; i++) {
            long value = BtreeFormat.value(node, i);
            if (value > BtreeFormat.MAX_VALUE) {
                throw damage(
                        number,
                        BtreeFormat.valueOffset(node, i),
                        "value " + i + " of an index leaf is %010X, more than 39 bits".formatted(value));
            }
        }
    }

    private void children(int number, byte[] node, int count) throws CorruptionException {
        long before = -1;
        for (int i = 0; i < count; i++) {
            long value = BtreeFormat.value(node, i);
            long child = value & 0xFFFF_FFFFL;
            if (value >>> 32 != BtreeFormat.CHILD_MARK || child <= before || child >= Integer.toUnsignedLong(number)) {
                throw damage(
                        number,
                        BtreeFormat.valueOffset(node, i),
                        "value " + i
                                + " of an inner index node is %010X, expected a child after block %d and before %s"
                                        .formatted(value, before, Integer.toUnsignedString(number)));
            }
            before = child;
        }
    }

    /**
     * What its parent says of the node.
     *
     * @param number its block number, counted from the first block of the tree
     * @param level the parent's less one
     * @param firstKey the key of the parent's entry for it
     * @param bound a node in whose entry {@code boundIndex} is a key that all of this node's keys are below; empty for
     *     none
     */
    void place(int number, byte[] node, int level, byte[] firstKey, byte[] bound, int boundIndex, byte[] scratch)
            throws CorruptionException {
        if (BtreeFormat.level(node) != level) {
            throw damage(
                    number,
                    BtreeFormat.OFFSET_LEVEL,
                    "an index node of level " + BtreeFormat.level(node) + ", expected " + level);
        }
        if (BtreeFormat.compare(node, 0, firstKey) != 0) {
            BtreeFormat.copyKey(node, 0, scratch);
            throw damage(
                    number,
                    BtreeFormat.suffixOffset(node, 0),
                    "an index node that begins with key " + HexFormat.of().formatHex(scratch) + ", its parent says "
                            + HexFormat.of().formatHex(firstKey));
        }
        if (bound.length > 0) {
            BtreeFormat.copyKey(bound, boundIndex, scratch);
            int last = BtreeFormat.count(node) - 1;
            if (BtreeFormat.compare(node, last, scratch) >= 0) {
                throw damage(
                        number,
                        BtreeFormat.suffixOffset(node, last),
                        "the last key of an index node is not below "
                                + HexFormat.of().formatHex(scratch) + ", where the next node begins");
            }
        }
    }

    /** That the rest of the node is zeros. Harmless if not, but then somebody wrote what should not be there. */
    void padding(int number, byte[] node) throws CorruptionException {
        for (int i = BtreeFormat.valueOffset(node, BtreeFormat.count(node)); i < Block.SIZE; i++) {
            if (node[i] != 0) {
                throw damage(number, i, "an index node has bytes after its last value, expected zeros");
            }
        }
    }

    private CorruptionException damage(int number, int at, String problem) {
        return new CorruptionException(resource, offset(number) + at, problem);
    }
}
