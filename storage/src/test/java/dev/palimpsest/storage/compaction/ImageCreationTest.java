package dev.palimpsest.storage.compaction;

import static dev.palimpsest.storage.compaction.PlainLayer.block;
import static dev.palimpsest.storage.compaction.PlainLayer.blocks;
import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.blob.BlobCompression;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.LayerKind;
import dev.palimpsest.storage.layer.Layers;
import dev.palimpsest.storage.layer.Layers.At;
import dev.palimpsest.storage.layer.LsnRange;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.value.Value;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Image layers: which they are, what is in them, and how they come to count. */
class ImageCreationTest {
    private static final RequestContext CONTEXT = RequestContext.of(TaskKind.COMPACTION);
    private static final CompactionSettings SETTINGS =
            new CompactionSettings(10, 1 << 20, 20 * 8192, 2, 100, BlobCompression.NONE);
    private static final KeySpace DENSE = KeySpace.ofUnordered(List.of(blocks(0, 30), blocks(100, 115)));

    private LayersInMemory timeline;

    @BeforeEach
    void twoDeltasOverAllKeys() throws Exception {
        timeline = new LayersInMemory();
        for (long start : new long[] {1000, 1100}) {
            timeline.add(timeline.layers.open(timeline.layers.writeDelta(
                    new KeyRange(block(0), block(200)),
                    new LsnRange(new Lsn(start), new Lsn(start + 100)),
                    Map.of(new At(block(1), new Lsn(start)), new Value.Image(new byte[10])))));
        }
    }

    private List<PersistentLayer> images() {
        return timeline.map
                .historicLayers()
                .filter(layer -> layer.kind() == LayerKind.IMAGE)
                .map(PersistentLayer.class::cast)
                .sorted((a, b) -> a.name().compareTo(b.name()))
                .toList();
    }

    @Test
    void everyKeyIsInAnImageLayerAsOfWhatIsDurable() throws Exception {
        CompactionReport report = new ImageCreation(timeline, SETTINGS, CONTEXT)
                .run((_, _) -> DENSE, Collections.emptySortedMap(), () -> false);
        assertThat(images())
                .extracting(PersistentLayer::keyRange)
                .containsExactly(blocks(0, 20), blocks(20, 30), blocks(30, 115));
        TreeMap<Key, byte[]> expected = new TreeMap<>();
        for (KeyRange range : DENSE.ranges()) {
            for (Key key = range.start(); key.compareTo(range.end()) < 0; key = key.next()) {
                expected.put(key, LayersInMemory.image(key, new Lsn(1199)));
            }
        }
        TreeMap<Key, byte[]> found = new TreeMap<>();
        for (PersistentLayer layer : images()) {
            assertThat(layer.lsnStart()).isEqualTo(new Lsn(1199));
            Layers.all(layer.iterator(CONTEXT))
                    .forEach((at, value) -> found.put(at.key(), ((Value.Image) value).bytes()));
        }
        assertThat(found.keySet()).isEqualTo(expected.keySet());
        expected.forEach((key, bytes) -> assertThat(found.get(key)).isEqualTo(bytes));
        assertThat(report)
                .isEqualTo(new CompactionReport(
                        CompactionReport.Outcome.DONE,
                        0,
                        0,
                        3,
                        images().stream().mapToLong(PersistentLayer::size).sum(),
                        45));
        assertThat(timeline.mostAtOnce).isEqualTo(timeline.maxKeysPerRead());
        assertThat(timeline.calls).containsExactly("finish", "finish", "finish", "sync", "swap", "publish");
        assertThat(new ImageCreation(timeline, SETTINGS, CONTEXT)
                        .run((_, _) -> DENSE, Collections.emptySortedMap(), () -> false))
                .isEqualTo(CompactionReport.NOTHING);
    }

    @Test
    void yieldingKeepsWhatIsDoneAndTheNextRunDoesTheRest() throws Exception {
        CompactionReport report = new ImageCreation(timeline, SETTINGS, CONTEXT)
                .run((_, _) -> DENSE, Collections.emptySortedMap(), () -> true);
        assertThat(report.outcome()).isEqualTo(CompactionReport.Outcome.YIELDED);
        assertThat(images()).extracting(PersistentLayer::keyRange).containsExactly(blocks(0, 20));
        new ImageCreation(timeline, SETTINGS, CONTEXT).run((_, _) -> DENSE, Collections.emptySortedMap(), () -> false);
        assertThat(images()).hasSize(3);
    }

    @Test
    void withoutKeysOrLayersNothingHappens() throws Exception {
        assertThat(new ImageCreation(timeline, SETTINGS, CONTEXT)
                        .run((_, _) -> KeySpace.EMPTY, Collections.emptySortedMap(), () -> false))
                .isEqualTo(CompactionReport.NOTHING);
        assertThat(new ImageCreation(new LayersInMemory(), SETTINGS, CONTEXT)
                        .run((_, _) -> DENSE, Collections.emptySortedMap(), () -> false))
                .isEqualTo(CompactionReport.NOTHING);
    }
}
