package dev.palimpsest.storage.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.blob.BlobCompression;
import dev.palimpsest.storage.context.ContentKind;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.file.MemoryDisk;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.Layers.At;
import dev.palimpsest.storage.layer.file.LayerFile;
import dev.palimpsest.storage.layer.file.LayerReport;
import dev.palimpsest.storage.layer.verify.LayerVerifier;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.value.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Random;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Layers of random content against a sorted map. */
class LayerContentTest {
    private static final LsnRange LSNS = new LsnRange(new Lsn(0x1000), new Lsn(0x1400));
    private static final KeyRange KEYS = new KeyRange(Layers.key(0), Layers.key(100_000));

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
    void aDeltaLayerGivesWhatWasPut(long seed) throws StorageException {
        Random random = new Random(seed);
        Layers layers = new Layers(new MemoryDisk(1), random.nextBoolean() ? 1 : 32 * 1024);
        NavigableMap<At, Value> contents =
                Layers.contents(random, 1 + random.nextInt(300), LSNS, 1 + random.nextInt(40), 9000);
        LayerFile file = layers.writeDelta(KEYS, LSNS, contents);
        assertThat(file.path().getFileName()).hasToString(file.fileName().local());
        PersistentLayer layer = layers.open(file);
        assertThat(Layers.all(layer.iterator(Layers.context())))
                .as("seed %d", seed)
                .isEqualTo(contents);
        for (int i = 0; i < 60; i++) {
            checkRead(layer, contents, random, "seed " + seed + ", read " + i);
        }
        LayerReport report = new LayerVerifier(layers.io).verify(file.path(), Layers.TENANT, Layers.context());
        assertThat(report.damage()).as("seed %d", seed).isEmpty();
        assertThat(report.values()).isEqualTo(contents.size());
        assertThat(report.images())
                .isEqualTo(contents.values().stream()
                        .filter(v -> v instanceof Value.Image)
                        .count());
        assertThat(report.protection()).isEqualTo(LayerReport.Protection.CHECKSUMS);
        assertThat(report.size()).isEqualTo(file.size()).isEqualTo(layers.bytes(file.path()).length);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void anImageLayerGivesWhatWasPut(long seed) throws StorageException {
        Random random = new Random(seed);
        Layers layers = new Layers();
        ImageLayerName name = new ImageLayerName(KEYS, new Lsn(0x1100));
        TreeMap<Key, byte[]> images = new TreeMap<>();
        TreeMap<At, Value> contents = new TreeMap<>();
        int count = 1 + random.nextInt(900);
        for (int i = 0; i < count; i++) {
            Value.Image image =
                    Layers.image(random, random.nextInt(6) == 0 ? 0 : random.nextInt(9000), random.nextBoolean());
            Key key = Layers.key(random.nextInt(5000));
            images.put(key, image.bytes());
            contents.put(new At(key, name.lsn()), image);
        }
        BlobCompression compression = random.nextBoolean() ? BlobCompression.NONE : new BlobCompression.Zstd(1);
        LayerFile file = layers.writeImage(name, images, compression);
        PersistentLayer layer = layers.open(file);
        assertThat(Layers.all(layer.iterator(Layers.context())))
                .as("seed %d", seed)
                .isEqualTo(contents);
        for (int i = 0; i < 60; i++) {
            checkRead(layer, contents, random, "seed " + seed + ", read " + i);
        }
        LayerReport report = new LayerVerifier(layers.io).verify(file.path(), Layers.TENANT, Layers.context());
        assertThat(report.damage()).as("seed %d", seed).isEmpty();
        assertThat(report.values()).isEqualTo(images.size()).isEqualTo(report.images());
        assertThat(report.valueBytes())
                .isEqualTo(images.values().stream().mapToLong(b -> b.length).sum());
    }

    /** One read of random keys and LSNs, with some keys complete or cached before, against the map. */
    private static void checkRead(PersistentLayer layer, NavigableMap<At, Value> contents, Random random, String what)
            throws StorageException {
        List<Key> present = contents.keySet().stream().map(At::key).distinct().toList();
        List<KeyRange> ranges = new ArrayList<>();
        int count = 1 + random.nextInt(5);
        for (int i = 0; i < count; i++) {
            Key start = present.get(random.nextInt(present.size()));
            Key end = present.get(random.nextInt(present.size()));
            boolean single = random.nextInt(3) > 0 || start.compareTo(end) >= 0;
            ranges.add(single ? KeyRange.single(start) : new KeyRange(start, end));
        }
        KeySpace keys = KeySpace.ofUnordered(ranges);
        Lsn floor = new Lsn(0xF00 + random.nextInt(0x600));
        Lsn end = random.nextInt(3) == 0 ? Lsn.MAX : floor.plus(1 + random.nextInt(0x600));
        ReconstructState state = new ReconstructState();
        Map<Key, Lsn> cached = new TreeMap<>();
        for (Key key : present) {
            int luck = random.nextInt(12);
            if (luck == 0) {
                Lsn lsn = new Lsn(0xF00 + random.nextInt(0x600));
                cached.put(key, lsn);
                state.cache(key, lsn, new Value.Image(new byte[1]));
            } else if (luck == 1) {
                state.add(key, Lsn.MAX, new Value.Image(new byte[2]));
            }
        }
        List<Key> done = present.stream().filter(state::isComplete).toList();

        layer.collect(keys, floor, end, state, Layers.context());

        Lsn reachable = Lsn.max(floor, layer.lsnStart());
        for (Key key : present) {
            ReconstructState.KeyState found = state.keys().get(key);
            if (done.contains(key)) {
                assertThat(Layers.get(state.keys(), key).versions())
                        .as("%s, done %s", what, key)
                        .hasSize(1);
                continue;
            }
            Lsn known = cached.get(key);
            boolean wanted = keys.contains(key);
            List<ReconstructState.Version> expected = wanted ? expected(contents, key, floor, end, known) : List.of();
            boolean complete =
                    (!expected.isEmpty() && expected.getLast().value().willInit())
                            || (wanted
                                    && known != null
                                    && !known.isBefore(reachable)
                                    && reachable.isBefore(Lsn.min(end, layer.lsnEnd())));
            if (found == null) {
                assertThat(expected).as("%s, key %s", what, key).isEmpty();
            } else {
                assertThat(found.failure()).as("%s, key %s", what, key).isNull();
                assertThat(found.versions()).as("%s, key %s", what, key).isEqualTo(expected);
                assertThat(found.isComplete()).as("%s, complete %s", what, key).isEqualTo(complete);
            }
        }
    }

    /** What a read from {@code floor} to {@code end} must add for a key of which {@code cached} is known. */
    private static List<ReconstructState.Version> expected(
            NavigableMap<At, Value> contents, Key key, Lsn floor, Lsn end, @Nullable Lsn cached) {
        List<ReconstructState.Version> expected = new ArrayList<>();
        for (Map.Entry<At, Value> entry : contents.subMap(new At(key, floor), true, new At(key, end), false)
                .descendingMap()
                .entrySet()) {
            Lsn lsn = entry.getKey().lsn();
            if (cached != null && !lsn.isAfter(cached)) {
                break;
            }
            expected.add(new ReconstructState.Version(lsn, entry.getValue()));
            if (entry.getValue().willInit()) {
                break;
            }
        }
        return expected;
    }

    @Test
    void indexesOfSeveralLevelsAreRead() throws StorageException {
        Layers layers = new Layers();
        TreeMap<At, Value> contents = new TreeMap<>();
        Random random = new Random(5);
        for (int i = 0; i < 150_000; i++) {
            At at = new At(
                    Key.of(0, random.nextInt(), random.nextInt(), random.nextInt(), 0, i), new Lsn(0x1000 + i % 7));
            contents.put(at, Layers.image(random, i % 9, false));
        }
        LayerFile file = layers.writeDelta(KeyRange.ALL, LSNS, contents);
        LayerReport report = new LayerVerifier(layers.io).verify(file.path(), Layers.TENANT, Layers.context());
        assertThat(report.damage()).isEmpty();
        assertThat(report.indexBlocks()).isGreaterThan(264);
        PersistentLayer layer = layers.open(file);
        assertThat(layer.isL0()).isTrue();
        assertThat(Layers.all(layer.iterator(Layers.context()))).isEqualTo(contents);
        At at = contents.keySet().stream().skip(70_000).findFirst().orElseThrow();
        RequestContext context = Layers.context();
        ReconstructState state = new ReconstructState();
        layer.collect(KeySpace.of(at.key()), Lsn.INVALID, Lsn.MAX, state, context);
        assertThat(Layers.get(state.keys(), at.key()).versions())
                .containsExactly(new ReconstructState.Version(at.lsn(), Layers.get(contents, at)));
        assertThat(context.accesses(ContentKind.DELTA_LAYER_INDEX)).isBetween(3L, 5L);
        assertThat(context.accesses(ContentKind.DELTA_LAYER_VALUE)).isEqualTo(1);
        assertThat(context.bytes(ContentKind.DELTA_LAYER_VALUE)).isBetween(8192L, 16384L);
    }

    @Test
    void valuesLargerThanAnyBufferAreRead() throws StorageException {
        Layers layers = new Layers();
        TreeMap<At, Value> contents = new TreeMap<>();
        for (int i = 0; i < 5; i++) {
            contents.put(new At(Layers.key(i), new Lsn(0x1000)), Layers.image(new Random(i), 200_000 + i, false));
        }
        PersistentLayer layer = layers.open(layers.writeDelta(KEYS, LSNS, contents));
        assertThat(Layers.all(layer.iterator(Layers.context()))).isEqualTo(contents);
        ReconstructState state = new ReconstructState();
        layer.collect(KeySpace.of(KEYS), Lsn.INVALID, Lsn.MAX, state, Layers.context());
        contents.forEach(
                (at, value) -> assertThat(Layers.get(state.keys(), at.key()).versions())
                        .containsExactly(new ReconstructState.Version(at.lsn(), value)));
    }

    @Test
    void anotherTenantsLayerIsRefusedAnotherTimelinesIsNot() throws StorageException {
        Layers layers = new Layers();
        TreeMap<At, Value> contents =
                new TreeMap<>(Map.of(new At(Layers.key(1), new Lsn(0x1001)), new Value.Image(new byte[9])));
        LayerFile file = layers.writeDelta(KEYS, LSNS, contents);
        PersistentLayer foreign = layers.open(
                file.path(), file.fileName().name(), file.size(), TenantId.parse("99999999999999999999999999999999"));
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> foreign.iterator(Layers.context()).next())
                    .isInstanceOf(CorruptionException.class)
                    .hasMessageContaining(file.path() + ":4: ")
                    .hasMessageContaining("tenant");
        }
        ImageLayerName other = new ImageLayerName(KEYS, new Lsn(0x1001));
        assertThatThrownBy(() -> layers.open(file.path(), other, file.size())
                        .iterator(Layers.context())
                        .next())
                .isInstanceOf(CorruptionException.class);
        LayerName shifted =
                new DeltaLayerName(KEYS, new LsnRange(LSNS.start(), LSNS.end().plus(1)));
        assertThatThrownBy(() -> layers.open(file.path(), shifted, file.size())
                        .iterator(Layers.context())
                        .next())
                .isInstanceOf(CorruptionException.class)
                .hasMessageContaining(":72: ");
    }

    @Test
    void aFileThatIsNotThereMayBeThereLater() throws StorageException {
        Layers layers = new Layers();
        TreeMap<At, Value> contents =
                new TreeMap<>(Map.of(new At(Layers.key(1), new Lsn(0x1001)), new Value.Image(new byte[9])));
        LayerFile file = layers.writeDelta(KEYS, LSNS, contents);
        PersistentLayer layer = layers.open(file);
        layers.disk.rename(file.path(), Layers.DIRECTORY.resolve("away"));
        assertThatThrownBy(() -> layer.iterator(Layers.context()).next()).isInstanceOf(DiskException.class);
        layers.disk.rename(Layers.DIRECTORY.resolve("away"), file.path());
        assertThat(Layers.all(layer.iterator(Layers.context()))).isEqualTo(contents);
    }

    @Test
    void aReaderKeepsTheFileOfADroppedLayer() throws StorageException {
        Layers layers = new Layers();
        NavigableMap<At, Value> contents = Layers.contents(new Random(3), 50, LSNS, 5, 9000);
        LayerFile file = layers.writeDelta(KEYS, LSNS, contents);
        PersistentLayer layer = layers.open(file);
        assertThat(layer.tryAcquire()).isTrue();
        LayerIterator iterator = layer.iterator(Layers.context());
        layer.drop();
        assertThat(layer.tryAcquire()).isFalse();
        assertThat(layers.disk.exists(file.path())).isTrue();
        assertThat(Layers.all(iterator)).isEqualTo(contents);
        layer.release();
        assertThat(layers.disk.exists(file.path())).isFalse();
        assertThat(layer.references().readers()).isZero();
    }

    @Test
    void aCancelledRequestReadsNothing() throws StorageException {
        Layers layers = new Layers();
        LayerFile file = layers.writeDelta(KEYS, LSNS, Layers.contents(new Random(3), 50, LSNS, 5, 900));
        PersistentLayer layer = layers.open(file);
        Cancellation cancellation = new Cancellation();
        cancellation.cancel();
        RequestContext context = Layers.context().withCancellation(cancellation);
        ReconstructState state = new ReconstructState();
        assertThatThrownBy(() -> layer.collect(KeySpace.of(KEYS), Lsn.INVALID, Lsn.MAX, state, context))
                .isInstanceOf(CancelledException.class);
        assertThat(state.keys()).isEmpty();
        assertThat(context.accesses(ContentKind.DELTA_LAYER_VALUE)).isZero();
        assertThatThrownBy(() -> layer.iterator(context).next()).isInstanceOf(CancelledException.class);
    }
}
