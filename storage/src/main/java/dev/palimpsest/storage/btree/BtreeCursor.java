package dev.palimpsest.storage.btree;

import dev.palimpsest.storage.StorageException;
import java.util.Arrays;

/**
 * Walks along the entries of a tree. A cursor is at an entry or at none; a move that finds no entry, or throws, leaves it
 * at none. Allocates nothing per entry and, once it has been at a leaf, nothing per search but what reading blocks takes.
 * Not safe for use by many threads; may be used again and again.
 */
public final class BtreeCursor {
    private static final byte[] NO_BOUND = new byte[0];

    private final BtreeReader reader;
    /** The way from the root to the current leaf: nodes, and the entry taken in each. */
    private byte[][] nodes = new byte[4][];

    private int[] indexes = new int[4];
    private final byte[] key;
    private final byte[] expected;
    private final byte[] scratch;
    /** The place of the current leaf on the way; −1 if at no entry. */
    private int leaf = -1;

    private long nodesEntered;

    BtreeCursor(BtreeReader reader) {
        this.reader = reader;
        this.key = new byte[reader.keyLength()];
        this.expected = new byte[reader.keyLength()];
        this.scratch = new byte[reader.keyLength()];
    }

    /** Goes to the first entry of the tree; false if it has none, which no tree that was written has. */
    public boolean first() throws StorageException {
        start();
        return arrive(descendToFirst(0), 0);
    }

    /** Goes to the first entry whose key is {@code from} or greater; false if there is none. */
    public boolean seek(byte[] from) throws StorageException {
        checkKey(from);
        if (leaf >= 0 && seekInLeaf(from)) {
            return true;
        }
        start();
        int depth = 0;
        while (true) {
            byte[] node = nodes[depth];
            int found = BtreeFormat.search(node, from);
            if (BtreeFormat.level(node) == 0) {
                int index = found >= 0 ? found : -1 - found;
                return index < BtreeFormat.count(node) ? arrive(depth, index) : moveToNextLeaf(depth);
            }
            // The child may begin above the key only if nothing in the tree is below it.
            indexes[depth] = found >= 0 ? found : Math.max(-2 - found, 0);
            depth = enterChild(depth);
        }
    }

    /** Looks in the leaf that it is at, where most of many searches in ascending order end; false if it cannot be told from that. */
    private boolean seekInLeaf(byte[] from) {
        byte[] node = nodes[leaf];
        int found = BtreeFormat.search(node, from);
        int index = found >= 0 ? found : -1 - found;
        // Where all keys of the leaf are greater or all are smaller, the entry may be in another one.
        return (found >= 0 || (index > 0 && index < BtreeFormat.count(node))) && arrive(leaf, index);
    }

    /** Goes to the last entry whose key is {@code from} or smaller; false if there is none. */
    public boolean seekBack(byte[] from) throws StorageException {
        checkKey(from);
        start();
        int depth = 0;
        while (true) {
            byte[] node = nodes[depth];
            int found = BtreeFormat.search(node, from);
            int index = found >= 0 ? found : -2 - found;
            if (index < 0) {
                return false;
            }
            if (BtreeFormat.level(node) == 0) {
                return arrive(depth, index);
            }
            indexes[depth] = index;
            depth = enterChild(depth);
        }
    }

    /** Goes to the entry after this one; false if this was the last. */
    public boolean next() throws StorageException {
        int depth = leave();
        int index = indexes[depth] + 1;
        return index < BtreeFormat.count(nodes[depth]) ? arrive(depth, index) : moveToNextLeaf(depth);
    }

    /** Goes to the entry before this one; false if this was the first. */
    public boolean previous() throws StorageException {
        int depth = leave();
        if (indexes[depth] > 0) {
            return arrive(depth, indexes[depth] - 1);
        }
        while (depth > 0) {
            depth--;
            if (indexes[depth] > 0) {
                indexes[depth]--;
                while (BtreeFormat.level(nodes[depth]) > 0) {
                    depth = enterChild(depth);
                    indexes[depth] = BtreeFormat.count(nodes[depth]) - 1;
                }
                return arrive(depth, indexes[depth]);
            }
        }
        return false;
    }

    private boolean moveToNextLeaf(int from) throws StorageException {
        int depth = from;
        while (depth > 0) {
            depth--;
            if (indexes[depth] + 1 < BtreeFormat.count(nodes[depth])) {
                indexes[depth]++;
                return arrive(descendToFirst(enterChild(depth)), 0);
            }
        }
        return false;
    }

    private int descendToFirst(int from) throws StorageException {
        int depth = from;
        while (BtreeFormat.level(nodes[depth]) > 0) {
            indexes[depth] = 0;
            depth = enterChild(depth);
        }
        return depth;
    }

    private void start() throws StorageException {
        leaf = -1;
        byte[] root = reader.root();
        int height = BtreeFormat.level(root) + 1;
        if (height > nodes.length) {
            nodes = new byte[height][];
            indexes = new int[height];
        }
        nodes[0] = root;
        nodesEntered++;
    }

    /** Puts the child that {@code depth}'s current entry names on the way, and returns its place there. */
    private int enterChild(int depth) throws StorageException {
        byte[] parent = nodes[depth];
        int index = indexes[depth];
        int number = BtreeFormat.child(parent, index);
        byte[] child = reader.node(number);
        BtreeFormat.copyKey(parent, index, expected);
        // All keys of the child are below the key after its own, which the nearest ancestor that has one tells.
        int above = depth;
        while (above >= 0 && indexes[above] + 1 == BtreeFormat.count(nodes[above])) {
            above--;
        }
        byte[] bound = above < 0 ? NO_BOUND : nodes[above];
        int boundIndex = above < 0 ? 0 : indexes[above] + 1;
        reader.nodeCheck().place(number, child, BtreeFormat.level(parent) - 1, expected, bound, boundIndex, scratch);
        nodes[depth + 1] = child;
        nodesEntered++;
        return depth + 1;
    }

    private boolean arrive(int depth, int index) {
        indexes[depth] = index;
        BtreeFormat.copyKey(nodes[depth], index, key);
        leaf = depth;
        return true;
    }

    private int leave() {
        int depth = at();
        leaf = -1;
        return depth;
    }

    private int at() {
        if (leaf < 0) {
            throw new IllegalStateException("the cursor is at no entry");
        }
        return leaf;
    }

    private void checkKey(byte[] from) {
        if (from.length != key.length) {
            throw new IllegalArgumentException("the index has keys of " + key.length + " bytes, not of " + from.length);
        }
    }

    /** The value of the entry: 0 to 2^39 − 1. */
    public long value() {
        int depth = at();
        return BtreeFormat.value(nodes[depth], indexes[depth]);
    }

    /** Bytes {@code offset} to {@code offset + 7} of the key, big-endian. */
    public long keyLong(int offset) {
        at();
        return (long) BtreeFormat.LONG.get(key, offset);
    }

    /** Bytes {@code offset} and {@code offset + 1} of the key, big-endian. */
    public char keyChar(int offset) {
        at();
        return (char) BtreeFormat.CHAR.get(key, offset);
    }

    /** Copies the key into {@code target} at {@code offset}. */
    public void copyKey(byte[] target, int offset) {
        at();
        System.arraycopy(key, 0, target, offset, key.length);
    }

    /** Compares the key with another, as unsigned bytes. */
    public int compareKey(byte[] other) {
        at();
        return Arrays.compareUnsigned(key, other);
    }

    /** How many times the cursor came down into a node, the root included. */
    long nodesEntered() {
        return nodesEntered;
    }
}
