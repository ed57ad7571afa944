package dev.palimpsest.storage.layer.memory;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.NavigableMap;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class MemoryIndexTest {
    private static final Comparator<Long> UNSIGNED = Long::compareUnsigned;

    private final MemoryIndex index = new MemoryIndex();

    private boolean put(Key key, long lsn, long position) {
        return index.put(key.high(), key.middle(), key.low(), lsn, ValueLocation.pack(position, 100, false, false));
    }

    private List<Long> versions(Key key) {
        List<Long> lsns = new ArrayList<>();
        int number = index.find(key);
        if (number != MemoryIndex.NONE) {
            for (int entry = index.newest(number); entry != MemoryIndex.NONE; entry = index.older(entry)) {
                lsns.add(index.lsn(entry));
            }
        }
        return lsns;
    }

    private static Key block(int number) {
        return Key.of(0, 1663, 5, 16384, 0, number);
    }

    @Test
    void anEmptyIndexHasNoKey() {
        assertThat(index.find(Key.MIN)).isEqualTo(MemoryIndex.NONE);
        assertThat(index.find(Key.MAX)).isEqualTo(MemoryIndex.NONE);
        assertThat(index.sort().count()).isZero();
        assertThat(KeySelector.select(index, KeySpace.of(KeyRange.ALL)).size()).isZero();
    }

    @Test
    void versionsAreKeptInOrderHoweverTheyArrive() {
        for (long lsn : new long[] {50, 10, 30, 60, 20, -1L, 40, Long.MIN_VALUE}) {
            assertThat(put(block(1), lsn, lsn >>> 30)).isFalse();
        }
        assertThat(versions(block(1))).containsExactly(-1L, Long.MIN_VALUE, 60L, 50L, 40L, 30L, 20L, 10L);
        assertThat(versions(block(2))).isEmpty();
    }

    @Test
    void theLastOfTwoValuesAtOneLsnCounts() {
        for (long lsn : new long[] {10, 20, 30}) {
            put(block(1), lsn, lsn);
        }
        for (long lsn : new long[] {30, 10, 20}) {
            assertThat(put(block(1), lsn, lsn + 1000)).isTrue();
        }
        index.publish();
        assertThat(index.entryCount()).isEqualTo(3);
        assertThat(versions(block(1))).containsExactly(30L, 20L, 10L);
        int newest = index.newest(index.find(block(1)));
        assertThat(ValueLocation.position(index.location(newest))).isEqualTo(1030);
        assertThat(ValueLocation.position(index.location(index.older(newest)))).isEqualTo(1020);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void agreesWithASortedMap(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        NavigableMap<Key, NavigableMap<Long, Long>> model = new TreeMap<>();
        int prefixes = 1 + random.nextInt(40);
        int blocks = 1 << random.nextInt(16);
        long step = random.nextLong(4);
        int jitter = 1 + random.nextInt(500);
        int puts = 60_000;
        int entries = 0;
        for (int i = 0; i < puts; i++) {
            Key key = randomKey(random, prefixes, blocks);
            long lsn = Long.MAX_VALUE - 50_000 + i * step + random.nextInt(jitter);
            long location = ValueLocation.pack(i, random.nextInt(1 << 28), false, random.nextBoolean());
            boolean replaced =
                    model.computeIfAbsent(key, k -> new TreeMap<>(UNSIGNED)).put(lsn, location) != null;
            assertThat(index.put(key.high(), key.middle(), key.low(), lsn, location))
                    .as("seed %d, put %d", seed, i)
                    .isEqualTo(replaced);
            entries += replaced ? 0 : 1;
        }
        index.publish();
        assertThat(index.entryCount()).as("seed %d", seed).isEqualTo(entries);
        assertThat(index.keyCount()).as("seed %d", seed).isEqualTo(model.size());
        assertSameVersions(model, seed);
        assertSameSelections(model, random, prefixes, blocks, seed);
        index.sorted();
        assertSameSelections(model, random, prefixes, blocks, seed);
    }

    private static Key randomKey(SplittableRandom random, int prefixes, int blocks) {
        int prefix = random.nextInt(prefixes);
        int block = random.nextInt(blocks) - random.nextInt(2) * blocks;
        return switch (prefix % 4) {
            case 0 -> Key.of(0, 1663, prefix, 16384, 0, block);
            case 1 -> Key.of(0, 1663, 5, 16384 + prefix, 1, block);
            case 2 -> Key.of(0xFF, -prefix, -1, -1, 0xFF, block);
            default -> Key.of(0x62, 0, 0, 0, prefix, block);
        };
    }

    private void assertSameVersions(NavigableMap<Key, NavigableMap<Long, Long>> model, long seed) {
        SortedKeys sorted = index.sort();
        VersionCursor cursor = new VersionCursor(index, sorted, 0, sorted.count());
        model.forEach((key, versions) -> versions.forEach((lsn, location) -> {
            assertThat(cursor.next()).as("seed %d", seed).isTrue();
            assertThat(index.key(cursor.key())).as("seed %d", seed).isEqualTo(key);
            assertThat(index.lsn(cursor.entry())).as("seed %d", seed).isEqualTo(lsn);
            assertThat(index.location(cursor.entry())).as("seed %d", seed).isEqualTo(location);
        }));
        assertThat(cursor.next()).isFalse();
    }

    private void assertSameSelections(
            NavigableMap<Key, NavigableMap<Long, Long>> model,
            SplittableRandom random,
            int prefixes,
            int blocks,
            long seed) {
        for (int i = 0; i < 40; i++) {
            List<KeyRange> ranges = new ArrayList<>();
            for (int n = random.nextInt(5); n >= 0; n--) {
                Key a = randomKey(random, prefixes, blocks);
                Key b = random.nextInt(3) == 0 ? a.next() : randomKey(random, prefixes, blocks);
                if (!a.equals(b)) {
                    ranges.add(a.compareTo(b) < 0 ? new KeyRange(a, b) : new KeyRange(b, a));
                }
            }
            KeySpace space = KeySpace.ofUnordered(ranges);
            List<Key> expected = new ArrayList<>();
            space.ranges()
                    .forEach(range -> expected.addAll(
                            model.subMap(range.start(), range.end()).keySet()));
            KeyNumbers numbers = KeySelector.select(index, space);
            List<Key> selected = new ArrayList<>();
            for (int n = 0; n < numbers.size(); n++) {
                selected.add(index.key(numbers.get(n)));
            }
            selected.sort(Comparator.naturalOrder());
            assertThat(selected.equals(expected)).as("seed %d, %s", seed, space).isTrue();
        }
    }

    @Test
    void rangesAcrossTheEndOfAForkAreLookedUp() {
        Key last = Key.of(0, 1, 2, 3, 0, -1);
        put(last, 1, 1);
        put(last.next(), 1, 2);
        put(Key.of(0, 1, 2, 3, 0xFF, -1), 1, 3);
        put(new Key(-1, -1, '\uFFFE'), 1, 4);
        index.publish();
        assertThat(KeySelector.select(index, KeySpace.of(last)).size()).isEqualTo(1);
        KeyRange both = new KeyRange(Key.of(0, 1, 2, 3, 0, -2), last.next().next());
        assertThat(KeySelector.select(index, KeySpace.of(both)).size()).isEqualTo(2);
        assertThat(KeySelector.select(index, KeySpace.of(Key.of(0, 1, 2, 3, 0xFF, -1)))
                        .size())
                .isEqualTo(1);
        assertThat(KeySelector.select(index, KeySpace.of(new Key(-1, -1, '\uFFFE')))
                        .size())
                .isEqualTo(1);
        assertThat(KeySelector.select(index, KeySpace.of(KeyRange.ALL)).size()).isEqualTo(4);
    }

    /** How keys are spread. */
    enum Layout {
        SEQUENTIAL,
        RANDOM,
        REUSED;

        Key key(int i, SplittableRandom random) {
            return block(
                    switch (this) {
                        case SEQUENTIAL -> i;
                        case RANDOM -> random.nextInt();
                        case REUSED -> random.nextInt(1023);
                    });
        }
    }

    @ParameterizedTest
    @EnumSource(Layout.class)
    void anEntryTakesLessThan48Bytes(Layout layout) {
        SplittableRandom random = new SplittableRandom(7);
        double most = 0;
        for (int i = 0; i < 2_000_000; i++) {
            put(layout.key(i, random), i, i);
            if (i > 50_000 && i % 999 == 0) {
                index.publish();
                most = Math.max(most, (double) index.bytes() / index.entryCount());
            }
        }
        assertThat(most).isLessThan(48);
    }

    @ParameterizedTest
    @EnumSource(Layout.class)
    void puttingAllocatesNothingButThePiecesOfTheIndex(Layout layout) {
        com.sun.management.ThreadMXBean threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        SplittableRandom random = new SplittableRandom(7);
        int puts = 500_000;
        Key[] keys = new Key[puts];
        for (int i = 0; i < puts; i++) {
            keys[i] = layout.key(i, random);
        }
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < puts; i++) {
            index.put(keys[i].high(), keys[i].middle(), keys[i].low(), i, i);
        }
        long allocated = threads.getCurrentThreadAllocatedBytes() - before;
        index.publish();
        // Each hash table but the last is garbage: together they are as large as the last.
        assertThat(allocated).isLessThan(2 * index.bytes());
    }
}
