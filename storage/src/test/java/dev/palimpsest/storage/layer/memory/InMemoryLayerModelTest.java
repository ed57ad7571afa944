package dev.palimpsest.storage.layer.memory;

import static dev.palimpsest.storage.layer.memory.MemoryLayers.CONTEXT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.blob.BlobHeader;
import dev.palimpsest.storage.file.ReadableFile;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.DeltaLayerName;
import dev.palimpsest.storage.layer.LayerIterator;
import dev.palimpsest.storage.layer.LayerReferences;
import dev.palimpsest.storage.layer.LsnRange;
import dev.palimpsest.storage.layer.ReconstructState;
import dev.palimpsest.storage.layer.delta.DeltaLayerFormat;
import dev.palimpsest.storage.layer.delta.DeltaLayerWriter;
import dev.palimpsest.storage.layer.file.DirectorySync;
import dev.palimpsest.storage.layer.file.LayerFile;
import dev.palimpsest.storage.layer.file.LayerFileReader;
import dev.palimpsest.storage.value.Value;
import dev.palimpsest.storage.value.ValueCodec;
import dev.palimpsest.storage.value.Values;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Random batches against a sorted map: reads at random LSNs and key spaces, open and frozen, and what is flushed. */
class InMemoryLayerModelTest {
    private static final long START = 1000;

    private final TreeMap<Key, TreeMap<Lsn, Value>> model = new TreeMap<>();
    private final MemoryLayers memory = new MemoryLayers();

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void agreesWithASortedMap(long seed) throws Exception {
        SplittableRandom random = new SplittableRandom(seed);
        InMemoryLayer layer = memory.open(START);
        SerializedBatch.Builder builder = new SerializedBatch.Builder();
        int blocks = 1 + random.nextInt(300);
        long lsn = START;
        for (int batch = 0; batch < 40; batch++) {
            lsn = putBatch(layer, builder, random, blocks, lsn, seed);
            assertSameReads(layer, random, blocks, lsn, seed);
        }
        layer.freeze(new Lsn(lsn + 1), CONTEXT);
        assertSameReads(layer, random, blocks, lsn, seed);
        assertFlushed(layer, List.of(KeyRange.ALL), random, seed);
        for (int i = 0; i < 3; i++) {
            assertFlushed(layer, randomRanges(random), random, seed);
        }
        assertSameReads(layer, random, blocks, lsn, seed);
        layer.close();
    }

    private static Key key(int number) {
        return Key.of(number % 7 == 0 ? 0x62 : 0, 1663, 5, 16384 + number % 3, number % 2, number / 2);
    }

    private long putBatch(
            InMemoryLayer layer,
            SerializedBatch.Builder builder,
            SplittableRandom random,
            int blocks,
            long from,
            long seed)
            throws Exception {
        builder.clear();
        int replaced = 0;
        long highest = from;
        for (int i = random.nextInt(200); i > 0; i--) {
            Key key = key(random.nextInt(blocks));
            Lsn lsn = new Lsn(from + random.nextInt(100));
            int length = random.nextInt(20) == 0 ? random.nextInt(200_000) : random.nextInt(300);
            Value value = switch (random.nextInt(4)) {
                case 0 -> MemoryLayers.image(length, random.nextInt());
                case 1 -> Values.any(random.nextInt(Values.KINDS), random);
                default -> MemoryLayers.record(random.nextInt(4) == 0, length, random.nextInt());
            };
            builder.put(key, lsn, value);
            highest = Math.max(highest, lsn.value());
            if (model.computeIfAbsent(key, k -> new TreeMap<>()).put(lsn, value) != null) {
                replaced++;
            }
        }
        assertThat(layer.putBatch(builder.build(), CONTEXT)).as("seed %d", seed).isEqualTo(replaced);
        return highest;
    }

    private void assertSameReads(InMemoryLayer layer, SplittableRandom random, int blocks, long lsn, long seed)
            throws Exception {
        for (int i = 0; i < 5; i++) {
            KeySpace keys = randomKeys(random, blocks);
            Lsn floor = new Lsn(random.nextInt(3) == 0 ? START + random.nextLong(lsn - START + 2) : 0);
            Lsn end = new Lsn(START + random.nextLong(lsn - START + 2));
            ReconstructState state = new ReconstructState();
            ReconstructState expected = new ReconstructState();
            for (int n = random.nextInt(4); n > 0; n--) {
                Key cached = key(random.nextInt(blocks));
                Lsn at = new Lsn(START - 5 + random.nextLong(lsn - START + 5));
                state.cache(cached, at, (Value.Image) MemoryLayers.image(10, n));
                expected.cache(cached, at, (Value.Image) MemoryLayers.image(10, n));
            }
            layer.collect(keys, floor, end, state, CONTEXT);
            expect(keys, Lsn.max(floor, new Lsn(START)), end, expected);
            assertThat(describe(state))
                    .as("seed %d, keys %s from %s to %s", seed, keys, floor, end)
                    .isEqualTo(describe(expected));
        }
    }

    private static KeySpace randomKeys(SplittableRandom random, int blocks) {
        List<KeyRange> ranges = new ArrayList<>();
        for (int n = random.nextInt(6); n >= 0; n--) {
            Key a = key(random.nextInt(blocks));
            Key b = key(random.nextInt(blocks));
            ranges.add(
                    random.nextInt(2) == 0 || a.equals(b)
                            ? KeyRange.single(a)
                            : a.compareTo(b) < 0 ? new KeyRange(a, b) : new KeyRange(b, a));
        }
        return random.nextInt(10) == 0 ? KeySpace.of(KeyRange.ALL) : KeySpace.ofUnordered(ranges);
    }

    private void expect(KeySpace keys, Lsn floor, Lsn end, ReconstructState state) {
        for (KeyRange range : keys.ranges()) {
            for (Map.Entry<Key, TreeMap<Lsn, Value>> entry :
                    model.subMap(range.start(), range.end()).entrySet()) {
                Lsn cached = state.cachedLsn(entry.getKey());
                for (Map.Entry<Lsn, Value> version :
                        entry.getValue().headMap(end, false).descendingMap().entrySet()) {
                    Lsn lsn = version.getKey();
                    if (lsn.isBefore(floor) || (cached != null && !lsn.isAfter(cached))) {
                        break;
                    }
                    if (state.add(entry.getKey(), lsn, version.getValue()) == ReconstructState.Situation.COMPLETE) {
                        break;
                    }
                }
            }
            for (Key key : List.copyOf(state.keys().keySet())) {
                Lsn cached = state.cachedLsn(key);
                if (floor.isBefore(end) && range.contains(key) && cached != null && !cached.isBefore(floor)) {
                    state.reachedCached(key);
                }
            }
        }
    }

    private static List<String> describe(ReconstructState state) {
        List<String> lines = new ArrayList<>();
        new TreeMap<>(state.keys()).forEach((key, known) -> {
            StringBuilder line = new StringBuilder(key.toString());
            known.versions()
                    .forEach(version ->
                            line.append(' ').append(version.lsn()).append('=').append(fingerprint(version.value())));
            lines.add(line.append(known.isComplete() ? " complete " : " ")
                    .append(known.failure())
                    .toString());
        });
        return lines;
    }

    private static int fingerprint(Value value) {
        java.nio.ByteBuffer bytes = java.nio.ByteBuffer.allocate(ValueCodec.encodedSize(value));
        ValueCodec.encode(value, bytes);
        return java.util.Arrays.hashCode(bytes.array());
    }

    private void assertFlushed(InMemoryLayer layer, List<KeyRange> ranges, SplittableRandom random, long seed)
            throws Exception {
        L0Flush flush = memory.flush(random.nextBoolean() ? L0Flush.MIN_BUFFER_BYTES : 1 << 28);
        Map<KeyRange, List<String>> expected = new LinkedHashMap<>();
        for (KeyRange range : ranges) {
            List<String> values = new ArrayList<>();
            model.subMap(range.start(), range.end())
                    .forEach((key, versions) -> versions.forEach(
                            (lsn, value) -> values.add(key + "@" + lsn + "=" + fingerprint(value) + value.willInit())));
            if (!values.isEmpty()) {
                expected.put(range, values);
            }
        }
        List<LayerFile> written = layer.writeToDisk(
                keys -> {
                    assertWalked(keys);
                    return ranges;
                },
                flush,
                memory.target(),
                CONTEXT);
        flush.close();
        Map<KeyRange, List<String>> found = new LinkedHashMap<>();
        for (LayerFile file : written) {
            DeltaLayerName name = (DeltaLayerName) file.fileName().name();
            assertThat(name.lsnRange()).isEqualTo(new LsnRange(layer.lsnStart(), layer.lsnEnd()));
            LayerFile encoded = encoded(file, name);
            assertThat(bytes(file)).as("seed %d", seed).isEqualTo(bytes(encoded));
            memory.disk.delete(encoded.path());
            found.put(name.keyRange(), content(file, name));
        }
        assertThat(found).as("seed %d", seed).isEqualTo(expected);
        assertThat(List.copyOf(found.keySet())).isEqualTo(List.copyOf(expected.keySet()));
    }

    /** Ranges in which all keys lie that have values, though they need not abut; the last has none. */
    private List<KeyRange> randomRanges(SplittableRandom random) {
        List<Key> keys = List.copyOf(model.keySet());
        List<KeyRange> ranges = new ArrayList<>();
        int from = 0;
        while (from < keys.size()) {
            int to = Math.min(keys.size(), from + random.nextInt(1, keys.size() + 1));
            ranges.add(new KeyRange(keys.get(from), keys.get(to - 1).next()));
            from = to;
        }
        ranges.add(new KeyRange(keys.getLast().next(), Key.MAX));
        return ranges;
    }

    /** What the planner of a flush is told. */
    private void assertWalked(FrozenKeys keys) {
        for (Map.Entry<Key, TreeMap<Lsn, Value>> entry : model.entrySet()) {
            assertThat(keys.next()).isTrue();
            assertThat(keys.key()).isEqualTo(entry.getKey());
            long bytes = 0;
            int chain = 0;
            for (Value value : entry.getValue().values()) {
                int size = ValueCodec.encodedSize(value);
                bytes += size + (size < BlobHeader.LONG_FROM ? 1 : BlobHeader.MAX_SIZE);
                chain = value.willInit() ? 0 : chain + 1;
            }
            assertThat(keys.bytes()).isEqualTo(bytes);
            assertThat(keys.chain()).isEqualTo(chain);
            assertThat(keys.startsAnew()).isEqualTo(chain < entry.getValue().size());
        }
        assertThat(keys.next()).isFalse();
    }

    /** The same layer, of values that went from the encoder to the writer, and never to a layer in memory. */
    private LayerFile encoded(LayerFile file, DeltaLayerName name) throws Exception {
        try (DeltaLayerWriter writer = new DeltaLayerWriter(
                memory.io,
                MemoryLayers.DIRECTORY,
                MemoryLayers.TENANT,
                MemoryLayers.TIMELINE,
                name.keyRange().start(),
                name.lsnRange(),
                memory.target().unique())) {
            for (Map.Entry<Key, TreeMap<Lsn, Value>> entry :
                    model.subMap(name.keyRange().start(), name.keyRange().end()).entrySet()) {
                for (Map.Entry<Lsn, Value> version : entry.getValue().entrySet()) {
                    Value value = version.getValue();
                    ByteBuffer bytes = ByteBuffer.allocate(ValueCodec.encodedSize(value));
                    ValueCodec.encode(value, bytes);
                    writer.put(entry.getKey(), version.getKey(), bytes.flip(), value.willInit());
                }
            }
            Generation other = file.fileName().generation().next();
            return writer.finish(name.keyRange().end(), other, DirectorySync.NOW);
        }
    }

    private ByteBuffer bytes(LayerFile file) throws Exception {
        try (ReadableFile open = memory.disk.open(file.path())) {
            ByteBuffer bytes = ByteBuffer.allocate((int) file.size());
            open.read(0, bytes);
            assertThat(bytes.hasRemaining()).isFalse();
            return bytes.flip();
        }
    }

    private List<String> content(LayerFile file, DeltaLayerName name) throws Exception {
        LayerFileReader delta =
                new LayerFileReader(memory.io, DeltaLayerFormat.INSTANCE, file.path(), MemoryLayers.TENANT, name);
        List<String> found = new ArrayList<>();
        try (LayerIterator values = delta.iterator(CONTEXT)) {
            while (values.next()) {
                Value value = ValueCodec.decode(values.value(), "test", 0);
                found.add(values.key() + "@" + values.lsn() + "=" + fingerprint(value) + values.willInit());
            }
        }
        delta.dispose(LayerReferences.Fate.DELETE);
        return found;
    }
}
