package dev.palimpsest.storage.layer.memory;

/**
 * How a list that only grows is cut into arrays, so that growing copies nothing: 256 elements, 256, 512, and so on up to
 * 2048, then 4096 each. The small ones keep an idle layer small, the bound keeps what is allocated ahead of use small.
 */
final class Chunks {
    private static final int FIRST_BITS = 8;
    private static final int LAST_BITS = 12;
    private static final int SMALL_CHUNKS = LAST_BITS - FIRST_BITS;

    private Chunks() {}

    /** In which chunk the element of that index is. */
    static int chunk(int index) {
        if (index >>> LAST_BITS != 0) {
            return SMALL_CHUNKS + (index >>> LAST_BITS);
        }
        return Math.max(0, Integer.SIZE - FIRST_BITS - Integer.numberOfLeadingZeros(index));
    }

    /** Where in its chunk the element of that index is. */
    static int offset(int index) {
        if (index >>> LAST_BITS != 0) {
            return index & ((1 << LAST_BITS) - 1);
        }
        return index >>> FIRST_BITS == 0 ? index : index ^ Integer.highestOneBit(index);
    }

    /** How many elements a chunk holds. */
    static int size(int chunk) {
        return 1 << (chunk == 0 ? FIRST_BITS : Math.min(FIRST_BITS + chunk - 1, LAST_BITS));
    }

    /** How many elements all chunks together hold that are needed for {@code count} of them. */
    static int capacityFor(int count) {
        if (count <= 1 << LAST_BITS) {
            return count == 0 ? 0 : Math.max(1 << FIRST_BITS, Integer.highestOneBit(2 * count - 1));
        }
        return (count + (1 << LAST_BITS) - 1) & -(1 << LAST_BITS);
    }
}
