package dev.palimpsest.storage.btree;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * The layout of a node of the B-tree on disk: Neon's, one node per block of 8192 bytes, all numbers big-endian and
 * unsigned. Every key of a tree has the same length L.
 *
 * <pre>
 * offset  size            field
 *      0     2            n, the number of entries, at least 1
 *      2     1            level: 0 in a leaf, one more than its children's elsewhere
 *      3     1            p, the bytes that all keys of the node begin with
 *      4     1            s, the other bytes of each key; p + s = L
 *      5     p            the common bytes
 *    5+p   n × s          the other bytes of each key, ascending
 *      …   n × 5          the values, in the same order
 *      …  to 8192         zeros
 * </pre>
 *
 * <p>The value of a leaf entry is a number of 39 bits in 5 bytes. The value of an inner entry is the byte 80 and the
 * child's block number in 4 bytes, counted from the first block of the tree; its key is the first key of that child. A
 * child has a smaller block number than its parent: nodes are written when they are full and the root last. A node never
 * fills its block to the last byte.
 */
final class BtreeFormat {
    /** Bytes before the common bytes. */
    static final int HEADER = 5;

    static final int OFFSET_COUNT = 0;
    static final int OFFSET_LEVEL = 2;
    static final int OFFSET_PREFIX = 3;
    static final int OFFSET_SUFFIX = 4;

    /** Bytes in a value. */
    static final int VALUE = 5;

    /** The first byte of an inner entry's value. */
    static final int CHILD_MARK = 0x80;

    /** The greatest value of a leaf entry: 2^39 − 1. */
    static final long MAX_VALUE = 0x7F_FFFF_FFFFL;

    /** The longest key, for the lengths take one byte. */
    static final int MAX_KEY = 255;

    static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
    static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
    static final VarHandle CHAR = MethodHandles.byteArrayViewVarHandle(char[].class, ByteOrder.BIG_ENDIAN);

    private BtreeFormat() {}

    static int count(byte[] node) {
        return (char) CHAR.get(node, OFFSET_COUNT);
    }

    static int level(byte[] node) {
        return node[OFFSET_LEVEL] & 0xFF;
    }

    static int prefixLength(byte[] node) {
        return node[OFFSET_PREFIX] & 0xFF;
    }

    static int suffixLength(byte[] node) {
        return node[OFFSET_SUFFIX] & 0xFF;
    }

    /** Where the bytes of key {@code index} after the common ones are. */
    static int suffixOffset(byte[] node, int index) {
        return HEADER + prefixLength(node) + index * suffixLength(node);
    }

    /** Where value {@code index} is; with {@code index} = n, where the zeros begin. */
    static int valueOffset(byte[] node, int index) {
        return HEADER + prefixLength(node) + count(node) * suffixLength(node) + index * VALUE;
    }

    /** The five bytes of value {@code index} as a number. */
    static long value(byte[] node, int index) {
        int offset = valueOffset(node, index);
        return (node[offset] & 0xFFL) << 32 | ((int) INT.get(node, offset + 1) & 0xFFFF_FFFFL);
    }

    /** The block number in value {@code index} of an inner node, unsigned. */
    static int child(byte[] node, int index) {
        return (int) INT.get(node, valueOffset(node, index) + 1);
    }

    /** Copies the whole key of entry {@code index}. */
    static void copyKey(byte[] node, int index, byte[] target) {
        int prefix = prefixLength(node);
        System.arraycopy(node, HEADER, target, 0, prefix);
        System.arraycopy(node, suffixOffset(node, index), target, prefix, suffixLength(node));
    }

    /** Compares the key of entry {@code index} with {@code key}, as unsigned bytes. */
    static int compare(byte[] node, int index, byte[] key) {
        int prefix = prefixLength(node);
        int order = Arrays.compareUnsigned(node, HEADER, HEADER + prefix, key, 0, prefix);
        if (order != 0) {
            return order;
        }
        int at = suffixOffset(node, index);
        return Arrays.compareUnsigned(node, at, at + suffixLength(node), key, prefix, key.length);
    }

    /** The entry with that key; if there is none, −1 − the number of entries with smaller keys. */
    static int search(byte[] node, byte[] key) {
        int prefix = prefixLength(node);
        int count = count(node);
        int order = Arrays.compareUnsigned(key, 0, prefix, node, HEADER, HEADER + prefix);
        if (order != 0) {
            return order < 0 ? -1 : -1 - count;
        }
        int suffix = suffixLength(node);
        int low = 0;
        int high = count;
        while (low < high) {
            int middle = (low + high) >>> 1;
            int at = HEADER + prefix + middle * suffix;
            order = Arrays.compareUnsigned(node, at, at + suffix, key, prefix, key.length);
            if (order == 0) {
                return middle;
            }
            if (order < 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return -1 - low;
    }
}
