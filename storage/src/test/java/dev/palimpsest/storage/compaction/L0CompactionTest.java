package dev.palimpsest.storage.compaction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.blob.BlobCompression;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.file.Disk;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.layer.ImageLayerName;
import dev.palimpsest.storage.layer.Layer;
import dev.palimpsest.storage.layer.LayerKind;
import dev.palimpsest.storage.layer.Layers;
import dev.palimpsest.storage.layer.Layers.At;
import dev.palimpsest.storage.layer.LsnRange;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.value.Value;
import dev.palimpsest.storage.value.ValueCodec;
import dev.palimpsest.storage.value.WalRecord;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** L0 layers become L1 layers: which values are in them, and what they cover. */
class L0CompactionTest {
    private static final RequestContext CONTEXT = RequestContext.of(TaskKind.COMPACTION);

    private static CompactionSettings settings(long target) {
        return new CompactionSettings(1, 1 << 30, target, 3, 5, BlobCompression.NONE);
    }

    private static L0Compaction.Result compact(LayersInMemory timeline, long target) throws Exception {
        return new L0Compaction(timeline, settings(target), CONTEXT).run(L0Planner.Trigger.ALWAYS);
    }

    private static void addL0(LayersInMemory timeline, LsnRange lsns, Map<At, Value> contents) throws Exception {
        timeline.add(timeline.layers.open(timeline.layers.writeDelta(KeyRange.ALL, lsns, contents)));
    }

    private static LsnRange lsns(long start, long end) {
        return new LsnRange(new Lsn(start), new Lsn(end));
    }

    private static List<PersistentLayer> layers(LayersInMemory timeline) {
        List<PersistentLayer> layers = new ArrayList<>();
        timeline.map.historicLayers().forEach(layer -> layers.add((PersistentLayer) layer));
        layers.sort((a, b) -> a.name().compareTo(b.name()));
        return layers;
    }

    private static NavigableMap<At, Value> values(LayersInMemory timeline) throws Exception {
        TreeMap<At, Value> all = new TreeMap<>();
        for (PersistentLayer layer : layers(timeline)) {
            for (Map.Entry<At, Value> entry :
                    Layers.all(layer.iterator(CONTEXT)).entrySet()) {
                assertThat(all.put(entry.getKey(), entry.getValue()))
                        .as("%s is in one layer only", entry.getKey())
                        .isNull();
            }
        }
        return all;
    }

    private static void sameValues(String what, Map<At, Value> actual, Map<At, Value> expected) {
        assertThat(actual.keySet()).as(what).isEqualTo(expected.keySet());
        expected.forEach((at, value) -> assertThat(Layers.encoded(Layers.get(actual, at)))
                .as("%s: %s", what, at)
                .isEqualTo(Layers.encoded(value)));
    }

    @Test
    void everyVersionIsKeptInLayersThatTile() throws Exception {
        for (long seed = 1; seed <= 60; seed++) {
            Random random = new Random(seed);
            LayersInMemory timeline = new LayersInMemory();
            TreeMap<At, Value> expected = new TreeMap<>();
            long start = 1000;
            for (int i = random.nextInt(1, 6); i > 0; i--) {
                LsnRange lsns = lsns(start, start + random.nextInt(1, 500));
                start = lsns.end().value();
                NavigableMap<At, Value> contents =
                        Layers.contents(random, random.nextInt(1, 30), lsns, random.nextInt(1, 40), 3000);
                addL0(timeline, lsns, contents);
                expected.putAll(contents);
            }
            long target = random.nextBoolean() ? random.nextInt(200, 5_000) : 1 << 20;
            L0Compaction.Result result = compact(timeline, target);
            String what = "seed " + seed;
            sameValues(what, values(timeline), expected);
            assertThat(result.report().values()).as(what).isEqualTo(expected.size());
            assertThat(timeline.map.l0Layers()).as(what).isEmpty();
            assertThat(timeline.map.check()).as(what).isEmpty();
            checkTiles(what, timeline, lsns(1000, start), target);
            assertThat(timeline.layers.disk.list(Layers.DIRECTORY).stream().map(Disk.Entry::name))
                    .as(what)
                    .hasSize(layers(timeline).size());
        }
    }

    /** Layers cover all LSNs, or are pieces of one key that together do; none is larger than it must be. */
    private static void checkTiles(String what, LayersInMemory timeline, LsnRange lsns, long target) throws Exception {
        List<PersistentLayer> layers = layers(timeline);
        for (int i = 0; i < layers.size(); i++) {
            PersistentLayer layer = layers.get(i);
            PersistentLayer before = i == 0 ? null : layers.get(i - 1);
            boolean continues = before != null && before.keyRange().equals(layer.keyRange());
            if (before != null && !continues) {
                assertThat(before.keyRange().end().compareTo(layer.keyRange().start()))
                        .as(what)
                        .isLessThanOrEqualTo(0);
                assertThat(before.lsnEnd()).as(what).isEqualTo(lsns.end());
            }
            assertThat(layer.lsnStart())
                    .as(what)
                    .isEqualTo(before != null && continues ? before.lsnEnd() : lsns.start());
            long bytes = 0;
            int values = 0;
            for (Value value : Layers.all(layer.iterator(CONTEXT)).values()) {
                bytes += ValueCodec.encodedSize(value) + 32L;
                values++;
            }
            if (values > 1) {
                long slack =
                        layer.keyRange().equals(KeyRange.single(layer.keyRange().start())) ? target / 4 + 3100 : 0;
                assertThat(bytes).as("%s: bytes of %s", what, layer).isLessThanOrEqualTo(target + slack);
            }
        }
        assertThat(layers.getLast().lsnEnd()).as(what).isEqualTo(lsns.end());
    }

    private static Value record(int size, boolean init) {
        return new WalRecord.Postgres(init, new byte[size]);
    }

    @Test
    void aKeyWithALongHistoryIsCutByLsn() throws Exception {
        LayersInMemory timeline = new LayersInMemory();
        TreeMap<At, Value> contents = new TreeMap<>();
        contents.put(new At(Layers.key(1), new Lsn(1000)), record(10, true));
        for (int i = 0; i < 50; i++) {
            contents.put(new At(Layers.key(2), new Lsn(1000 + i)), record(100, i == 0));
        }
        contents.put(new At(Layers.key(3), new Lsn(1000)), record(10, true));
        addL0(timeline, lsns(1000, 2000), contents);
        L0Compaction.Result result = compact(timeline, 2000);
        List<PersistentLayer> layers = layers(timeline);
        assertThat(layers).hasSizeBetween(5, 6);
        assertThat(layers.getFirst().keyRange()).isEqualTo(KeyRange.single(Layers.key(1)));
        assertThat(layers.getLast().keyRange()).isEqualTo(KeyRange.single(Layers.key(3)));
        assertThat(layers.subList(1, layers.size() - 1))
                .allMatch(layer -> layer.keyRange().equals(KeyRange.single(Layers.key(2))));
        assertThat(result.longChains()).isEqualTo(Map.of(Layers.key(2), new Lsn(2000)));
    }

    @Test
    void chainsBeginAnewAtWhatInitialises() throws Exception {
        LayersInMemory timeline = new LayersInMemory();
        TreeMap<At, Value> contents = new TreeMap<>();
        for (int i = 0; i < 20; i++) {
            contents.put(new At(Layers.key(1), new Lsn(1000 + i)), record(1, i == 15));
            contents.put(new At(Layers.key(2), new Lsn(1000 + i)), record(1, i == 13));
            contents.put(
                    new At(Layers.key(3), new Lsn(1000 + i)),
                    i == 14 ? new Value.Image(new byte[9]) : record(1, false));
        }
        addL0(timeline, lsns(1000, 2000), contents);
        // Five are allowed: four follow upon block 1's, six upon block 2's, five upon block 3's.
        assertThat(compact(timeline, 1 << 20).longChains()).containsOnlyKeys(Layers.key(2));
    }

    @Test
    void aHoleUnderThreeImagesEndsALayer() throws Exception {
        for (int images = 2; images <= 3; images++) {
            LayersInMemory timeline = new LayersInMemory();
            TreeMap<At, Value> contents = new TreeMap<>();
            contents.put(new At(Layers.key(1), new Lsn(1000)), record(1, true));
            contents.put(new At(Layers.key(1000), new Lsn(1000)), record(1, true));
            addL0(timeline, lsns(1000, 2000), contents);
            for (int i = 0; i < images; i++) {
                KeyRange keys = new KeyRange(Layers.key(100 * i + 100), Layers.key(100 * i + 200));
                timeline.add(timeline.layers.open(timeline.layers.writeImage(
                        new ImageLayerName(keys, new Lsn(1500)),
                        Map.of(keys.start(), new byte[1]),
                        BlobCompression.NONE)));
            }
            compact(timeline, 1 << 20);
            assertThat(layers(timeline).stream().filter(layer -> layer.kind() == LayerKind.DELTA))
                    .hasSize(images - 1);
        }
    }

    @Test
    void noOutputIsAnL0() throws Exception {
        LayersInMemory timeline = new LayersInMemory();
        TreeMap<At, Value> contents = new TreeMap<>();
        Key last = new Key(-1L, -1L, '\uFFFE');
        contents.put(new At(Key.MIN, new Lsn(1000)), record(1, true));
        contents.put(new At(last, new Lsn(1000)), record(1, true));
        addL0(timeline, lsns(1000, 2000), contents);
        compact(timeline, 1 << 20);
        assertThat(timeline.map.l0Layers()).isEmpty();
        sameValues("both", values(timeline), contents);
    }

    @Test
    void whatIsNotDurableYetIsLeftAlone() throws Exception {
        LayersInMemory timeline = new LayersInMemory();
        Map<At, Value> one = Map.of(new At(Layers.key(1), new Lsn(1000)), record(1, true));
        addL0(timeline, lsns(1000, 1100), one);
        addL0(timeline, lsns(1100, 1200), Map.of(new At(Layers.key(1), new Lsn(1100)), record(1, true)));
        timeline.diskConsistent = new Lsn(1099);
        assertThat(compact(timeline, 1000).report().layersRead()).isEqualTo(1);
        assertThat(timeline.map.l0Layers()).extracting(Layer::lsnStart).containsExactly(new Lsn(1100));
    }

    @Test
    void namesAreDurableBeforeReadersSeeLayersAndThoseBeforeTheIndexPart() throws Exception {
        LayersInMemory timeline = new LayersInMemory();
        addL0(timeline, lsns(1000, 1100), Map.of(new At(Layers.key(1), new Lsn(1000)), record(1, true)));
        compact(timeline, 1000);
        assertThat(timeline.calls).containsExactly("finish", "sync", "swap", "publish");
    }

    @Test
    void aCancelledRunLeavesNothing() throws Exception {
        LayersInMemory timeline = new LayersInMemory();
        addL0(timeline, lsns(1000, 1100), Map.of(new At(Layers.key(1), new Lsn(1000)), record(1, true)));
        Cancellation cancellation = new Cancellation();
        cancellation.cancel();
        RequestContext cancelled = new RequestContext(TaskKind.COMPACTION, Clock.NEVER, cancellation);
        assertThatThrownBy(() -> new L0Compaction(timeline, settings(1000), cancelled).run(L0Planner.Trigger.ALWAYS))
                .isInstanceOf(CancelledException.class);
        assertThat(timeline.layers.disk.list(Layers.DIRECTORY)).hasSize(1);
        assertThat(timeline.map.l0Layers()).hasSize(1);
        assertThat(((PersistentLayer) timeline.map.l0Layers().getFirst())
                        .references()
                        .readers())
                .isZero();
    }
}
