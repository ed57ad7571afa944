package dev.palimpsest.storage.btree;

import dev.palimpsest.storage.blob.Block;
import java.util.Arrays;

/** A node that is being filled. Used again for the next node of its level. */
final class BtreeNodeBuilder {
    private final int level;
    private final int keyLength;
    private final byte[] firstKey;
    private final byte[] suffixes = new byte[Block.SIZE];
    private final byte[] values = new byte[Block.SIZE];
    private int prefixLength;
    private int suffixLength;
    private int count;

    BtreeNodeBuilder(int level, int keyLength) {
        this.level = level;
        this.keyLength = keyLength;
        this.firstKey = new byte[keyLength];
        clear();
    }

    int level() {
        return level;
    }

    /** The first key; the array belongs to this node. Undefined in an empty node. */
    byte[] firstKey() {
        return firstKey;
    }

    /** Adds an entry; false if it must go to the next node, which never happens to the first one. */
    boolean add(byte[] key, long value) {
        return push(key, value) || (compress() && push(key, value));
    }

    private boolean push(byte[] key, long value) {
        // The common bytes are the first ones of the first key.
        if (prefixLength > 0 && !Arrays.equals(key, 0, prefixLength, firstKey, 0, prefixLength)) {
            return false;
        }
        int size = BtreeFormat.HEADER + prefixLength + count * (suffixLength + BtreeFormat.VALUE);
        if (size + suffixLength + BtreeFormat.VALUE >= Block.SIZE) {
            return false;
        }
        if (count == 0) {
            System.arraycopy(key, 0, firstKey, 0, keyLength);
        }
        System.arraycopy(key, prefixLength, suffixes, count * suffixLength, suffixLength);
        int at = count * BtreeFormat.VALUE;
        values[at] = (byte) (value >>> 32);
        BtreeFormat.INT.set(values, at + 1, (int) value);
        count++;
        return true;
    }

    /** Takes the bytes out that all keys have in common; false if there are none but those taken out before. */
    private boolean compress() {
        // Keys ascend, so what the first and the last have in common all have.
        int last = (count - 1) * suffixLength;
        int mismatch = Arrays.mismatch(suffixes, 0, suffixLength, suffixes, last, last + suffixLength);
        int common = mismatch < 0 ? suffixLength : mismatch;
        if (common == 0) {
            return false;
        }
        int shorter = suffixLength - common;
        for (int i = 0; i < count; i++) {
            System.arraycopy(suffixes, i * suffixLength + common, suffixes, i * shorter, shorter);
        }
        prefixLength += common;
        suffixLength = shorter;
        return true;
    }

    /** Fills {@code block} with the node. */
    void encode(byte[] block) {
        BtreeFormat.CHAR.set(block, BtreeFormat.OFFSET_COUNT, (char) count);
        block[BtreeFormat.OFFSET_LEVEL] = (byte) level;
        block[BtreeFormat.OFFSET_PREFIX] = (byte) prefixLength;
        block[BtreeFormat.OFFSET_SUFFIX] = (byte) suffixLength;
        System.arraycopy(firstKey, 0, block, BtreeFormat.HEADER, prefixLength);
        int at = BtreeFormat.HEADER + prefixLength;
        System.arraycopy(suffixes, 0, block, at, count * suffixLength);
        at += count * suffixLength;
        System.arraycopy(values, 0, block, at, count * BtreeFormat.VALUE);
        Arrays.fill(block, at + count * BtreeFormat.VALUE, block.length, (byte) 0);
    }

    void clear() {
        count = 0;
        prefixLength = 0;
        suffixLength = keyLength;
    }
}
