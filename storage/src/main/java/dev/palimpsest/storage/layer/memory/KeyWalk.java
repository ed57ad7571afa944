package dev.palimpsest.storage.layer.memory;

import dev.palimpsest.storage.key.Key;

/** The keys of an index that nothing is put into any more. Used by one thread. */
final class KeyWalk implements FrozenKeys {
    private final MemoryIndex index;
    private final SortedKeys keys;
    private int place;
    private Key key = Key.MIN;
    private long bytes;
    private int chain;
    private boolean startsAnew;

    KeyWalk(MemoryIndex index, SortedKeys keys) {
        this.index = index;
        this.keys = keys;
    }

    @Override
    public boolean next() {
        if (place == keys.count()) {
            return false;
        }
        int number = keys.number(place++);
        key = index.key(number);
        bytes = 0;
        chain = 0;
        startsAnew = false;
        for (int entry = index.newest(number); entry != MemoryIndex.NONE; entry = index.older(entry)) {
            long location = index.location(entry);
            bytes += ValueLocation.blobLength(location);
            startsAnew |= ValueLocation.willInit(location);
            chain += startsAnew ? 0 : 1;
        }
        return true;
    }

    @Override
    public Key key() {
        return key;
    }

    @Override
    public long bytes() {
        return bytes;
    }

    @Override
    public int chain() {
        return chain;
    }

    @Override
    public boolean startsAnew() {
        return startsAnew;
    }
}
