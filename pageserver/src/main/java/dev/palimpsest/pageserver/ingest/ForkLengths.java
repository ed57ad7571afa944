package dev.palimpsest.pageserver.ingest;

import java.util.Arrays;

/**
 * For each fork of a relation how long the interpreter has said it is, at least; so that it says so once, not for each
 * record. May forget: then it is said again. Open addressing, no object for each fork. Used by one thread.
 */
final class ForkLengths {
    private static final int FIRST_CAPACITY = 1 << 10;
    private static final int MAX_FORKS = 1 << 18;

    private long[] databases = new long[FIRST_CAPACITY];
    private long[] forks = new long[FIRST_CAPACITY];
    private int[] lengths = new int[FIRST_CAPACITY];
    private int count;

    private long lastDatabase;
    private long lastFork;
    private int lastAt = -1;

    /** Whether this is the first time that the fork has {@code blocks} (unsigned) blocks or more. */
    boolean grow(int spcNode, int dbNode, int relNode, int forkNumber, int blocks) {
        long database = (long) spcNode << 32 | (dbNode & 0xFFFF_FFFFL);
        // Never 0, which marks a free place.
        long fork = (long) relNode << 32 | forkNumber + 1;
        int at = lastAt;
        if (at < 0 || database != lastDatabase || fork != lastFork) {
            at = place(database, fork);
        }
        if (Integer.compareUnsigned(lengths[at], blocks) >= 0) {
            return false;
        }
        lengths[at] = blocks;
        return true;
    }

    private int place(long database, long fork) {
        int mask = forks.length - 1;
        int at = hash(database, fork) & mask;
        while (forks[at] != 0) {
            if (forks[at] == fork && databases[at] == database) {
                return remember(database, fork, at);
            }
            at = at + 1 & mask;
        }
        if (count >= MAX_FORKS) {
            clear();
            at = hash(database, fork) & mask;
        } else if (count >= forks.length / 2) {
            enlarge();
            return place(database, fork);
        }
        databases[at] = database;
        forks[at] = fork;
        lengths[at] = 0;
        count++;
        return remember(database, fork, at);
    }

    private int remember(long database, long fork, int at) {
        lastDatabase = database;
        lastFork = fork;
        lastAt = at;
        return at;
    }

    private static int hash(long database, long fork) {
        long mixed = (database ^ Long.rotateLeft(fork, 23)) * 0x9E37_79B9_7F4A_7C15L;
        return (int) (mixed ^ mixed >>> 32);
    }

    private void enlarge() {
        long[] oldDatabases = databases;
        long[] oldForks = forks;
        int[] oldLengths = lengths;
        int capacity = 2 * oldForks.length;
        databases = new long[capacity];
        forks = new long[capacity];
        lengths = new int[capacity];
        for (int i = 0; i < oldForks.length; i++) {
            if (oldForks[i] != 0) {
                int at = hash(oldDatabases[i], oldForks[i]) & capacity - 1;
                while (forks[at] != 0) {
                    at = at + 1 & capacity - 1;
                }
                databases[at] = oldDatabases[i];
                forks[at] = oldForks[i];
                lengths[at] = oldLengths[i];
            }
        }
        lastAt = -1;
    }

    /** Forgets everything: forks were cut or dropped. */
    void clear() {
        Arrays.fill(forks, 0);
        count = 0;
        lastAt = -1;
    }
}
