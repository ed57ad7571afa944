package dev.palimpsest.storage.blob;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.ReadTrace;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.file.ReadableFile;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Keeps blocks of immutable files in memory, a fixed number of them. A block belongs to one small set of places, chosen by
 * its file and number; within a set the victim is found with a clock hand and a small count of uses per block, so that
 * what is read once goes before what is read often.
 *
 * <p>A file is known by a number that it gets when it is opened here and that is never given again: a file that replaces
 * another of the same name shares nothing with it.
 *
 * <p>Safe for use by many threads. A hit takes no lock and writes nothing shared but, at times, the count of uses. No lock
 * is held while a block is read; threads that miss the same block at the same time each read it. The same calls in the
 * same order always have the same effect.
 */
public final class BlockCache {
    private static final int WAYS = 8;
    private static final int MAX_USES = 3;
    /** One of so many blocks that would have to make others go may. */
    private static final int TURN = 4;
    /** One block of so many is for values. */
    private static final int VALUES_SHARE = 4;

    private final @Nullable BlockCache values;
    private final int ways;
    private final int sets;
    /** Set by set. */
    private final AtomicReferenceArray<@Nullable Entry> entries;
    /** Of each set, where to look for the next victim. */
    private final AtomicIntegerArray hands;

    private final AtomicLong nextFile = new AtomicLong();
    /** How many blocks would have had to make others go. */
    private final AtomicInteger turns = new AtomicInteger();

    private final LongAdder hits = new LongAdder();
    private final LongAdder misses = new LongAdder();
    private final LongAdder evictions = new LongAdder();

    /** A block in its place. */
    private static final class Entry {
        final long file;
        final int number;
        final Block block;
        /** How often it was found since the hand last passed, at most {@link #MAX_USES}. Inexact between threads. */
        int uses;

        Entry(long file, int number, Block block) {
            this.file = file;
            this.number = number;
            this.block = block;
        }
    }

    /**
     * @param blocks how many blocks of {@link Block#SIZE} bytes to keep at most, at least 1; rounded down to a multiple of
     *     8 from 8 on
     */
    public BlockCache(int blocks) {
        this(blocks, null);
    }

    /**
     * One for blocks of indexes, with another beside it for blocks of values, which so never make blocks of an index go: of these a
     * read needs several, and each is good for hundreds of values.
     *
     * @param blocks how many blocks both keep at most, at least 1; a quarter of them are for values, none if there are few
     */
    public static BlockCache withValues(int blocks) {
        int values = blocks / VALUES_SHARE;
        return values < WAYS ? new BlockCache(blocks) : new BlockCache(blocks - values, new BlockCache(values));
    }

    private BlockCache(int blocks, @Nullable BlockCache values) {
        if (blocks < 1) {
            throw new IllegalArgumentException("a block cache needs room for a block, got " + blocks);
        }
        this.values = values;
        this.ways = Math.min(WAYS, blocks);
        this.sets = blocks / ways;
        this.entries = new AtomicReferenceArray<>(sets * ways);
        this.hands = new AtomicIntegerArray(sets);
    }

    /**
     * The blocks of a file that is not written any more, through this cache. The file stays the caller's; once it is
     * closed, what is cached of it can still be read and makes room when that is needed.
     */
    public CachedBlocks open(ReadableFile file) {
        return open(file, BlockCheck.NONE);
    }

    /** As {@link #open(ReadableFile)}; a block is checked when it is read, and kept only if it passes. */
    public CachedBlocks open(ReadableFile file, BlockCheck check) {
        return new CachedFile(nextFile.getAndIncrement(), file, check);
    }

    /** The cache for blocks of values, which counts on its own; null if there is none. */
    public @Nullable BlockCache values() {
        return values;
    }

    /** How many blocks it keeps at most. */
    public int capacity() {
        return entries.length();
    }

    /** How many blocks it keeps. Looks at each place. */
    public int size() {
        int size = 0;
        for (int i = 0; i < entries.length(); i++) {
            size += entries.get(i) == null ? 0 : 1;
        }
        return size;
    }

    /** What it and the cache for values beside it keep, in bytes. Looks at each place. */
    public long bytes() {
        return (long) size() * Block.SIZE + (values == null ? 0 : values.bytes());
    }

    /** What both keep at most, in bytes. */
    public long maxBytes() {
        return (long) capacity() * Block.SIZE + (values == null ? 0 : values.maxBytes());
    }

    /** How often a block was found. */
    public long hits() {
        return hits.sum();
    }

    /** How often a block had to be read. */
    public long misses() {
        return misses.sum();
    }

    /** How often a block made room for another. */
    public long evictions() {
        return evictions.sum();
    }

    private final class CachedFile implements CachedBlocks {
        private final long id;
        private final ReadableFile file;
        private final BlockCheck check;

        CachedFile(long id, ReadableFile file, BlockCheck check) {
            this.id = id;
            this.file = file;
            this.check = check;
        }

        @Override
        public String name() {
            return file.path().toString();
        }

        @Override
        public Block block(int number) throws StorageException {
            return block(number, (ReadTrace) null);
        }

        @Override
        public Block block(int number, RequestContext context) throws StorageException {
            return block(number, context.trace());
        }

        @Override
        public @Nullable Block cached(int number) {
            Entry entry = find(set(id, number) * ways, id, number);
            if (entry == null) {
                return null;
            }
            hits.increment();
            return entry.block;
        }

        @Override
        public @Nullable Block cachedOrKept(int number) throws StorageException {
            Block found = cached(number);
            if (found != null) {
                return found;
            }
            misses.increment();
            int first = set(id, number) * ways;
            if (isFull(first) && turns.getAndIncrement() % TURN != 0) {
                return null;
            }
            Block block = read(number);
            keep(first, id, number, block);
            return block;
        }

        private Block block(int number, @Nullable ReadTrace trace) throws StorageException {
            int first = set(id, number) * ways;
            Entry entry = find(first, id, number);
            if (entry != null) {
                hits.increment();
                return entry.block;
            }
            misses.increment();
            long begin = trace == null ? 0 : trace.begin();
            Block block = read(number);
            if (trace != null) {
                trace.ended(ReadTrace.Step.INDEX_BLOCK, begin);
            }
            keep(first, id, number, block);
            return block;
        }

        private Block read(int number) throws StorageException {
            byte[] bytes = new byte[Block.SIZE];
            long offset = Integer.toUnsignedLong(number) * Block.SIZE;
            int length = file.read(offset, ByteBuffer.wrap(bytes));
            if (length != Block.SIZE) {
                throw new CorruptionException(
                        name(), offset, "the file ends after " + length + " bytes of a block of " + Block.SIZE);
            }
            check.check(offset, ByteBuffer.wrap(bytes));
            return new Block(bytes);
        }
    }

    private int set(long file, int number) {
        // Neighbouring blocks and files must not share sets: the multiplications spread them over all 64 bits.
        long hash = (file * 0x9E37_79B9_7F4A_7C15L + Integer.toUnsignedLong(number)) * 0xD6E8_FEB8_6659_FD93L;
        hash = (hash ^ (hash >>> 32)) * 0xD6E8_FEB8_6659_FD93L;
        return (int) (((hash >>> 32) * sets) >>> 32);
    }

    private @Nullable Entry find(int first, long file, int number) {
        for (int i = first; i < first + ways; i++) {
            Entry entry = entries.get(i);
            if (entry != null && entry.number == number && entry.file == file) {
                if (entry.uses < MAX_USES) {
                    entry.uses++;
                }
                return entry;
            }
        }
        return null;
    }

    private boolean isFull(int first) {
        for (int i = first; i < first + ways; i++) {
            if (entries.get(i) == null) {
                return false;
            }
        }
        return true;
    }

    private void keep(int first, long file, int number, Block block) {
        if (find(first, file, number) != null) {
            return;
        }
        Entry entry = new Entry(file, number, block);
        int set = first / ways;
        int hand = hands.get(set);
        // After MAX_USES rounds no uses are left unless others are at work in this set; then caching it can be left
        // out.
        for (int step = 0; step <= (MAX_USES + 1) * ways; step++) {
            int way = (hand + step) % ways;
            Entry victim = entries.get(first + way);
            if (victim != null && victim.uses > 0) {
                victim.uses--;
            } else if (entries.compareAndSet(first + way, victim, entry)) {
                hands.set(set, (way + 1) % ways);
                if (victim != null) {
                    evictions.increment();
                }
                return;
            }
        }
    }
}
