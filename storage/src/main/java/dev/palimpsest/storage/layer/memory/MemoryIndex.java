package dev.palimpsest.storage.layer.memory;

import dev.palimpsest.storage.key.Key;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * From keys and LSNs to where the values lie. One writer; any number of readers that take no lock and never wait.
 *
 * <pre>
 *   slots (hash table)      keys, by number                      entries, by number
 *   ┌────────────┐          ┌──────────────────────────┐         ┌────────────────────────────┐
 *   │ key number ├────────► │ prefix number, block (8) │         │ LSN (8)                    │
 *   └────────────┘          │ newest entry         (4) ├───────► │ location (8)               │
 *                           └──────────────────────────┘    ┌────┤ next older entry of it (4) │
 *                                                           ▼    └────────────────────────────┘
 * </pre>
 *
 * <p><b>Size.</b> An entry takes 20 bytes, a key 12 and 6 to 12 in the hash table, whose load is between 1/3 and 2/3:
 * 38 to 44 bytes per entry where every key has one value, towards 20 where keys have many. A prefix (the fork of a
 * relation) takes 24 to 48 bytes once. {@link #sorted()} adds 4 bytes per key. Putting allocates nothing but the next piece
 * of a list, once in up to 4096 puts, and a hash table of twice the size.
 *
 * <p><b>What readers see.</b> The writer fills an entry and a key in before it publishes their numbers with release
 * semantics (the newest entry of a key, the next older entry of an entry, the slot of a key); readers follow numbers with
 * acquire semantics. So whoever finds an entry finds all of it and, since the bytes are appended to the file before the
 * entry is put, the bytes. An entry never changes but for two words, each replaced as a whole: the next older entry, when
 * a value arrives out of order, and the location, when a value is put again at the same LSN.
 *
 * <p>The versions of a key form a list from the newest to the oldest. A value that arrives out of order walks down that list
 * to its place; ingest puts keys nearly in order, so that the walk is short.
 */
final class MemoryIndex {
    /** No key or no entry. */
    static final int NONE = -1;

    /** The greatest number of entries, and so of keys. */
    static final int MAX_ENTRIES = 1 << 29;

    private static final VarHandle INT = MethodHandles.arrayElementVarHandle(int[].class);
    private static final VarHandle LONG = MethodHandles.arrayElementVarHandle(long[].class);
    private static final int FIRST_SLOTS = 512;

    private record EntryChunk(long[] lsns, long[] locations, int[] older) {
        static EntryChunk ofSize(int size) {
            return new EntryChunk(new long[size], new long[size], new int[size]);
        }
    }

    private record KeyChunk(long[] words, int[] newest) {
        static KeyChunk ofSize(int size) {
            return new KeyChunk(new long[size], new int[size]);
        }
    }

    private final KeyPrefixes prefixes = new KeyPrefixes();
    private volatile @Nullable EntryChunk[] entryChunks = new EntryChunk[8];
    private volatile @Nullable KeyChunk[] keyChunks = new KeyChunk[8];
    /** Open addressing with linear probing: the number of a key + 1, or 0 for a free slot. */
    private volatile int[] slots = new int[FIRST_SLOTS];

    /** The writer's own counts; what others may count is published after each batch. */
    private int entries;

    private int keys;
    private volatile int entryCount;
    private volatile int keyCount;
    private volatile @Nullable SortedKeys sorted;

    /** Whether {@code more} entries can be put. */
    boolean hasRoomFor(int more) {
        return more <= MAX_ENTRIES - entries;
    }

    /**
     * Puts one value; for the writer only. What lies at {@code location} must be readable already.
     *
     * @return whether the key had a value at that LSN, which is now replaced
     */
    boolean put(long high, long middle, char low, long lsn, long location) {
        int prefix = prefixes.findOrAdd(high, KeyPrefixes.upper(middle));
        long word = (long) prefix << 32 | (middle & 0xFFFF) << 16 | low;
        int[] table = slots;
        int mask = table.length - 1;
        int slot = slotOf(word, table.length);
        while (table[slot] != 0) {
            int key = table[slot] - 1;
            if (word(key) == word) {
                return putVersion(key, lsn, location);
            }
            slot = (slot + 1) & mask;
        }
        putKey(word, slot, appendEntry(lsn, location, NONE));
        return false;
    }

    /** Lets the counts, and whoever goes through all keys, see what was put; for the writer only, after each batch. */
    void publish() {
        entryCount = entries;
        keyCount = keys;
    }

    private void putKey(long word, int slot, int entry) {
        int key = keys;
        int chunk = Chunks.chunk(key);
        if (chunk == keyChunks.length) {
            keyChunks = Arrays.copyOf(keyChunks, 2 * chunk);
        }
        KeyChunk into = keyChunks[chunk];
        if (into == null) {
            into = KeyChunk.ofSize(Chunks.size(chunk));
            keyChunks[chunk] = into;
        }
        int offset = Chunks.offset(key);
        into.words[offset] = word;
        into.newest[offset] = entry;
        INT.setRelease(slots, slot, key + 1);
        keys = key + 1;
        if (3L * (key + 1) > 2L * slots.length) {
            slots = rehashed(2 * slots.length);
        }
    }

    private int[] rehashed(int size) {
        int[] table = new int[size];
        for (int key = 0; key < keys; key++) {
            int slot = slotOf(word(key), size);
            while (table[slot] != 0) {
                slot = (slot + 1) & (size - 1);
            }
            table[slot] = key + 1;
        }
        return table;
    }

    private boolean putVersion(int key, long lsn, long location) {
        int newer = NONE;
        int entry = newest(key);
        while (entry != NONE && Long.compareUnsigned(lsn(entry), lsn) > 0) {
            newer = entry;
            entry = older(entry);
        }
        if (entry != NONE && lsn(entry) == lsn) {
            LONG.setRelease(chunkOfEntry(entry).locations, Chunks.offset(entry), location);
            return true;
        }
        int added = appendEntry(lsn, location, entry);
        if (newer == NONE) {
            INT.setRelease(chunkOfKey(key).newest, Chunks.offset(key), added);
        } else {
            INT.setRelease(chunkOfEntry(newer).older, Chunks.offset(newer), added);
        }
        return false;
    }

    private int appendEntry(long lsn, long location, int older) {
        int entry = entries;
        int chunk = Chunks.chunk(entry);
        if (chunk == entryChunks.length) {
            entryChunks = Arrays.copyOf(entryChunks, 2 * chunk);
        }
        EntryChunk into = entryChunks[chunk];
        if (into == null) {
            into = EntryChunk.ofSize(Chunks.size(chunk));
            entryChunks[chunk] = into;
        }
        int offset = Chunks.offset(entry);
        into.lsns[offset] = lsn;
        into.locations[offset] = location;
        into.older[offset] = older;
        entries = entry + 1;
        return entry;
    }

    /** Fibonacci hashing: runs of blocks spread without a collision. */
    private static int slotOf(long word, int size) {
        return (int) ((word * 0x9E3779B97F4A7C15L) >>> (Integer.numberOfLeadingZeros(size) + 33));
    }

    /** The number of a key, {@link #NONE} if it has no value. */
    int find(Key key) {
        int prefix = prefixes.find(key.high(), KeyPrefixes.upper(key.middle()));
        return prefix == NONE ? NONE : find(prefix, key.field6());
    }

    /** The number of the key of a block under a prefix, {@link #NONE} if it has no value. */
    int find(int prefix, int block) {
        long word = (long) prefix << 32 | (block & 0xFFFFFFFFL);
        int[] table = slots;
        int mask = table.length - 1;
        for (int slot = slotOf(word, table.length); ; slot = (slot + 1) & mask) {
            int key = (int) INT.getAcquire(table, slot) - 1;
            if (key == NONE || word(key) == word) {
                return key;
            }
        }
    }

    private EntryChunk chunkOfEntry(int entry) {
        return Objects.requireNonNull(entryChunks[Chunks.chunk(entry)]);
    }

    private KeyChunk chunkOfKey(int key) {
        return Objects.requireNonNull(keyChunks[Chunks.chunk(key)]);
    }

    private long word(int key) {
        return chunkOfKey(key).words[Chunks.offset(key)];
    }

    /** The prefixes of the keys. */
    KeyPrefixes prefixes() {
        return prefixes;
    }

    /** The key of a number. */
    Key key(int number) {
        long word = word(number);
        return prefixes.key((int) (word >>> 32), (int) word);
    }

    /** The number of the prefix of the key of a number. */
    int prefixOf(int number) {
        return (int) (word(number) >>> 32);
    }

    /** The block of the key of a number, unsigned. */
    int blockOf(int number) {
        return (int) word(number);
    }

    /** How the key of a number compares to another. */
    int compare(int number, Key other) {
        long word = word(number);
        int prefix = (int) (word >>> 32);
        int order = Long.compareUnsigned(prefixes.high(prefix), other.high());
        if (order == 0) {
            order = Long.compare(prefixes.upper(prefix), KeyPrefixes.upper(other.middle()));
        }
        return order != 0 ? order : Integer.compareUnsigned((int) word, other.field6());
    }

    /** The newest entry of a key. */
    int newest(int key) {
        return (int) INT.getAcquire(chunkOfKey(key).newest, Chunks.offset(key));
    }

    /** The entry of the same key with the next lower LSN, {@link #NONE} if there is none. */
    int older(int entry) {
        return (int) INT.getAcquire(chunkOfEntry(entry).older, Chunks.offset(entry));
    }

    /** The LSN of an entry, to be read as unsigned. */
    long lsn(int entry) {
        return chunkOfEntry(entry).lsns[Chunks.offset(entry)];
    }

    /** The {@link ValueLocation} of an entry. */
    long location(int entry) {
        return (long) LONG.getAcquire(chunkOfEntry(entry).locations, Chunks.offset(entry));
    }

    /** How many keys have values; their numbers are those below. */
    int keyCount() {
        return keyCount;
    }

    /** How many values there are; one that was replaced counts once. */
    int entryCount() {
        return entryCount;
    }

    /** The keys in order, sorted now. Later puts do not show in it. */
    SortedKeys sort() {
        return new SortedKeys(this, keyCount);
    }

    /**
     * The keys in order, sorted by the first call. Only when nothing more is put; two first calls at once both sort.
     */
    SortedKeys sorted() {
        SortedKeys known = sorted;
        if (known == null) {
            known = sort();
            sorted = known;
        }
        return known;
    }

    /** What {@link #sorted()} has made; null if it was not called yet. */
    @Nullable
    SortedKeys ifSorted() {
        return sorted;
    }

    /** The memory it takes, in bytes: all its arrays, whether filled or not. */
    long bytes() {
        long bytes = prefixes.bytes() + 4L * slots.length + 4L * (entryChunks.length + keyChunks.length);
        bytes += 20L * Chunks.capacityFor(entryCount) + 12L * Chunks.capacityFor(keyCount);
        SortedKeys order = sorted;
        return order == null ? bytes : bytes + 4L * order.count();
    }
}
