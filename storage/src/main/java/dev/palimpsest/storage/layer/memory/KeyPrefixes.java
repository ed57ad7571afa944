package dev.palimpsest.storage.layer.memory;

import dev.palimpsest.storage.key.Key;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;

/**
 * Numbers the prefixes of keys: the 14 bytes before the block number, that is, the fork of a relation. A layer sees few of
 * them with many blocks each, so that a key in memory is the number of its prefix and its block.
 *
 * <p>One writer; any number of readers that take no lock. A number given out stays valid and keeps its meaning. Numbers
 * count from 0 in the order of their first use.
 */
final class KeyPrefixes {
    static final int NONE = -1;

    private static final VarHandle SLOT = MethodHandles.arrayElementVarHandle(int[].class);
    private static final int FIRST_CAPACITY = 8;

    /**
     * @param words two per prefix: bytes 0 to 7, and bytes 8 to 13 in the lowest 48 bits
     * @param slots open addressing, linear probing, twice as many as prefixes fit; a number + 1, or 0 for a free slot
     */
    private record Table(long[] words, int[] slots) {
        static Table ofCapacity(int capacity) {
            return new Table(new long[2 * capacity], new int[2 * capacity]);
        }
    }

    private volatile Table table = Table.ofCapacity(FIRST_CAPACITY);
    private volatile int count;

    private int last = NONE;
    private long lastHigh;
    private long lastUpper;

    /** Bytes 8 to 13 of a key, in the lowest 48 bits, from its middle word. */
    static long upper(long middle) {
        return middle >>> 16;
    }

    /** The number of a prefix, given to it now if it had none. For the writer only. */
    int findOrAdd(long high, long upper) {
        if (last != NONE && lastHigh == high && lastUpper == upper) {
            return last;
        }
        int number = find(high, upper);
        if (number == NONE) {
            number = add(high, upper);
        }
        last = number;
        lastHigh = high;
        lastUpper = upper;
        return number;
    }

    /** The number of a prefix, {@link #NONE} if it has none. */
    int find(long high, long upper) {
        Table now = table;
        int mask = now.slots.length - 1;
        for (int i = hash(high, upper) & mask; ; i = (i + 1) & mask) {
            int number = (int) SLOT.getAcquire(now.slots, i) - 1;
            if (number == NONE || (now.words[2 * number] == high && now.words[2 * number + 1] == upper)) {
                return number;
            }
        }
    }

    private int add(long high, long upper) {
        int number = count;
        Table now = table;
        if (2 * number == now.words.length) {
            now = grown(now, number);
            table = now;
        }
        now.words[2 * number] = high;
        now.words[2 * number + 1] = upper;
        insert(now, number);
        count = number + 1;
        return number;
    }

    private static Table grown(Table from, int count) {
        Table to = Table.ofCapacity(Math.multiplyExact(2, count));
        System.arraycopy(from.words, 0, to.words, 0, 2 * count);
        for (int number = 0; number < count; number++) {
            insert(to, number);
        }
        return to;
    }

    private static void insert(Table into, int number) {
        int mask = into.slots.length - 1;
        int i = hash(into.words[2 * number], into.words[2 * number + 1]) & mask;
        while (into.slots[i] != 0) {
            i = (i + 1) & mask;
        }
        SLOT.setRelease(into.slots, i, number + 1);
    }

    private static int hash(long high, long upper) {
        long h = (high ^ Long.rotateLeft(upper * 0x9E3779B97F4A7C15L, 29)) * 0xBF58476D1CE4E5B9L;
        return (int) (((h ^ (h >>> 29)) * 0x94D049BB133111EBL) >>> 32);
    }

    /** How many prefixes have a number. */
    int count() {
        return count;
    }

    /** Bytes 0 to 7 of the prefix of a number that was given out. */
    long high(int number) {
        return table.words[2 * number];
    }

    /** Bytes 8 to 13 of the prefix of a number that was given out, in the lowest 48 bits. */
    long upper(int number) {
        return table.words[2 * number + 1];
    }

    /** The key of a block under a prefix of a number that was given out. */
    Key key(int number, int block) {
        Table now = table;
        return new Key(now.words[2 * number], now.words[2 * number + 1] << 16 | block >>> 16, (char) block);
    }

    /** The numbers given out so far, in the order of their prefixes. */
    int[] inOrder() {
        int size = count;
        Table now = table;
        Integer[] numbers = new Integer[size];
        Arrays.setAll(numbers, i -> i);
        Arrays.sort(numbers, (a, b) -> {
            int order = Long.compareUnsigned(now.words[2 * a], now.words[2 * b]);
            return order != 0 ? order : Long.compare(now.words[2 * a + 1], now.words[2 * b + 1]);
        });
        int[] sorted = new int[size];
        Arrays.setAll(sorted, i -> numbers[i]);
        return sorted;
    }

    /** The memory that the prefixes take, in bytes. */
    long bytes() {
        Table now = table;
        return 8L * now.words.length + 4L * now.slots.length;
    }
}
