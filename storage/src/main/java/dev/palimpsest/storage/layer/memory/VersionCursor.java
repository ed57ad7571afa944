package dev.palimpsest.storage.layer.memory;

import java.util.Arrays;

/** Walks over the entries of some keys of an index in ascending order of key and LSN. Used by one thread. */
final class VersionCursor {
    private final MemoryIndex index;
    private final SortedKeys keys;
    private final int end;
    private int place;
    private int key = MemoryIndex.NONE;
    /** The entries of the key, newest first; the last of those that are left is the current one. */
    private int[] versions = new int[16];

    private int left;

    /**
     * Stands before the first entry.
     *
     * @param start the place of the first key in {@code keys}, inclusive
     * @param end the place of the last one, exclusive
     */
    VersionCursor(MemoryIndex index, SortedKeys keys, int start, int end) {
        this.index = index;
        this.keys = keys;
        this.place = start;
        this.end = end;
    }

    /** Moves to the next entry; returns false at the end. */
    boolean next() {
        if (left > 1) {
            left--;
            return true;
        }
        if (place == end) {
            left = 0;
            return false;
        }
        key = keys.number(place++);
        left = 0;
        for (int entry = index.newest(key); entry != MemoryIndex.NONE; entry = index.older(entry)) {
            if (left == versions.length) {
                versions = Arrays.copyOf(versions, Math.multiplyExact(2, left));
            }
            versions[left++] = entry;
        }
        return true;
    }

    /** The number of the key it stands on. */
    int key() {
        return key;
    }

    /** The entry it stands on. */
    int entry() {
        return versions[left - 1];
    }
}
