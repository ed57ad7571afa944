package dev.palimpsest.storage.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.ShardIndex;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.blob.BlobCompression;
import dev.palimpsest.storage.compaction.CompactionSettings;
import dev.palimpsest.storage.compaction.L0Planner;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.LayerFileName;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layer.TimelineFile;
import dev.palimpsest.storage.layer.memory.SerializedBatch;
import dev.palimpsest.storage.remote.RemotePaths;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import dev.palimpsest.storage.timeline.StoreSettings;
import dev.palimpsest.storage.timeline.TenantTimelines;
import dev.palimpsest.storage.timeline.Timeline;
import dev.palimpsest.storage.timeline.TimelineWriter;
import dev.palimpsest.storage.value.Value;
import dev.palimpsest.storage.value.WalRecord;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A store whose local layers are gone, on real files: the object store is the truth. */
class RemoteTimelineTest {
    private static final TenantId TENANT = new TenantId(1, 1);
    private static final TimelineId ROOT = new TimelineId(2, 1);
    private static final TimelineId CHILD = new TimelineId(2, 2);
    private static final Lsn START = new Lsn(0x1000);
    private static final RequestContext CONTEXT = RequestContext.of(TaskKind.TOOL);
    private static final int ROUNDS = 5;
    private static final KeySpace DENSE = KeySpace.of(new KeyRange(key(0), key(3)));

    @TempDir
    Path directory;

    private EmbeddedStore open() throws Exception {
        return EmbeddedStore.open(directory, StoreSettings.DEFAULT, new AppendingRedo());
    }

    private static Key key(int number) {
        return Key.of(0, 1663, 5, 1000, 0, number);
    }

    /** One value a round for each of three keys, each round in a layer of its own. */
    private static void write(Timeline timeline, int fromRound, int toRound) throws Exception {
        for (int round = fromRound; round < toRound; round++) {
            for (int number = 0; number < 3; number++) {
                byte[] bytes = (round + " ").getBytes(StandardCharsets.UTF_8);
                Lsn lsn = lsn(round, number);
                SerializedBatch.Builder batch = new SerializedBatch.Builder();
                batch.put(key(number), lsn, round == 0 ? new Value.Image(bytes) : new WalRecord.Postgres(false, bytes));
                try (TimelineWriter writer = timeline.writer(CONTEXT)) {
                    writer.put(batch.build());
                    writer.finish(lsn);
                }
            }
            timeline.freezeAndFlush(CONTEXT);
        }
    }

    private static Lsn lsn(int round, int number) {
        return START.plus(0x100L * round + 8L * number);
    }

    private static void checkAll(Timeline timeline, int rounds) throws Exception {
        StringBuilder expected = new StringBuilder();
        for (int round = 0; round < rounds; round++) {
            expected.append(round).append(' ');
            for (int number = 0; number < 3; number++) {
                assertThat(new String(timeline.get(key(number), lsn(round, 2), CONTEXT), StandardCharsets.UTF_8))
                        .isEqualTo(expected.toString());
            }
        }
    }

    private Path local(TimelineId timeline) throws Exception {
        try (Stream<Path> files = Files.walk(directory.resolve("tenants"))) {
            return files.filter(path -> path.endsWith(timeline.toString()))
                    .findFirst()
                    .orElseThrow();
        }
    }

    private List<Path> layers(TimelineId timeline) throws Exception {
        try (Stream<Path> files = Files.list(local(timeline))) {
            return files.filter(
                            path -> TimelineFile.classify(path.getFileName().toString()) instanceof TimelineFile.Layer)
                    .sorted()
                    .toList();
        }
    }

    /** Deletes the local files of a timeline's layers: only the object store has them then. */
    private void forget(TimelineId timeline) throws Exception {
        for (Path layer : layers(timeline)) {
            Files.delete(layer);
        }
    }

    private void writeAndClose() throws Exception {
        try (EmbeddedStore store = open()) {
            TenantTimelines tenant = store.tenant(TENANT, CONTEXT);
            Timeline root = tenant.create(ROOT, START, 17, CONTEXT);
            write(root, 0, ROUNDS);
            Timeline child = tenant.branch(CHILD, ROOT, lsn(ROUNDS - 1, 2), CONTEXT);
            write(child, ROUNDS, 2 * ROUNDS);
        }
    }

    @Test
    void everythingComesBackAndOnlyWhatIsReadIsDownloaded() throws Exception {
        writeAndClose();
        int rootLayers = layers(ROOT).size();
        int childLayers = layers(CHILD).size();
        assertThat(rootLayers).isEqualTo(ROUNDS);
        assertThat(childLayers).isEqualTo(ROUNDS);
        forget(ROOT);
        forget(CHILD);
        try (EmbeddedStore store = open()) {
            TenantTimelines tenant = store.tenant(TENANT, CONTEXT);
            assertThat(layers(ROOT)).isEmpty();
            assertThat(tenant.timeline(ROOT).get(key(1), lsn(0, 1), CONTEXT)).isNotEmpty();
            assertThat(layers(ROOT)).hasSize(1);
            assertThat(layers(CHILD)).isEmpty();
            checkAll(tenant.timeline(CHILD), 2 * ROUNDS);
            checkAll(tenant.timeline(ROOT), ROUNDS);
            assertThat(layers(ROOT)).hasSize(rootLayers);
            assertThat(layers(CHILD)).hasSize(childLayers);
        }
        try (EmbeddedStore store = open()) {
            checkAll(store.tenant(TENANT, CONTEXT).timeline(CHILD), 2 * ROUNDS);
        }
    }

    @Test
    void aFileOfAnotherSizeIsPutAsideAndDownloaded() throws Exception {
        writeAndClose();
        List<Path> layers = new ArrayList<>(layers(ROOT));
        byte[] content = Files.readAllBytes(layers.getFirst());
        forget(ROOT);
        Files.write(layers.getFirst(), new byte[100]);
        try (EmbeddedStore store = open()) {
            checkAll(store.tenant(TENANT, CONTEXT).timeline(ROOT), ROUNDS);
            assertThat(layers.getFirst()).hasBinaryContent(content);
            assertThat(layers.getFirst().resolveSibling(layers.getFirst().getFileName() + ".old"))
                    .hasBinaryContent(new byte[100]);
        }
        open().close();
        try (EmbeddedStore store = open()) {
            checkAll(store.tenant(TENANT, CONTEXT).timeline(ROOT), ROUNDS);
            assertThat(layers.getFirst().resolveSibling(layers.getFirst().getFileName() + ".old"))
                    .doesNotExist();
        }
    }

    @Test
    void whatAnEarlierLifeHasNamedMayGoAtOnce() throws Exception {
        writeAndClose();
        try (EmbeddedStore store = open()) {
            TenantTimelines tenant = store.tenant(TENANT, CONTEXT);
            Timeline root = tenant.timeline(ROOT);
            long bytes = root.residentBytes();
            assertThat(bytes)
                    .isEqualTo(layers(ROOT).stream()
                            .mapToLong(path -> path.toFile().length())
                            .sum());
            assertThat(root.layers().historicLayers())
                    .extracting(layer -> ((PersistentLayer) layer).evict())
                    .hasSize(ROUNDS)
                    .containsOnly(PersistentLayer.Eviction.EVICTED);
            assertThat(root.residentBytes()).isZero();
            assertThat(layers(ROOT)).isEmpty();
            checkAll(tenant.timeline(CHILD), 2 * ROUNDS);
            checkAll(root, ROUNDS);
            assertThat(root.residentBytes()).isEqualTo(bytes);
        }
    }

    @Test
    void whatCompactionDownloadsIsNotTakenForUrgent() throws Exception {
        writeAndClose();
        forget(ROOT);
        PrometheusRegistry metrics = new PrometheusRegistry();
        RequestContext compaction = RequestContext.of(TaskKind.COMPACTION);
        try (EmbeddedStore store = EmbeddedStore.open(
                directory, StoreSettings.DEFAULT, new AppendingRedo(), (_, _, _) -> DENSE, metrics)) {
            Timeline root = store.tenant(TENANT, CONTEXT).timeline(ROOT);
            CompactionSettings settings = new CompactionSettings(3, 1 << 30, 1 << 20, 1, 100, BlobCompression.NONE);
            root.upkeep().createImages(settings, () -> false, compaction);
            root.upkeep().compactL0(settings, L0Planner.Trigger.ALWAYS, compaction);
            assertThat(downloads(metrics)).containsOnlyKeys("compaction").containsValue((double) ROUNDS);
            root.layers().historicLayers().forEach(layer -> ((PersistentLayer) layer).evict());
            root.get(key(0), lsn(ROUNDS - 1, 2), RequestContext.of(TaskKind.PAGE_SERVICE));
            assertThat(downloads(metrics)).containsOnlyKeys("compaction", "page_service");
        }
    }

    /** How many downloads were asked for, by the kind of task. */
    private static Map<String, Double> downloads(PrometheusRegistry metrics) {
        Map<String, Double> byKind = new TreeMap<>();
        for (MetricSnapshot snapshot : metrics.scrape("pageserver_ondemand_download_count"::equals)) {
            for (CounterSnapshot.CounterDataPointSnapshot point : ((CounterSnapshot) snapshot).getDataPoints()) {
                byKind.put(point.getLabels().get("task_kind"), point.getValue());
            }
        }
        return byKind;
    }

    @Test
    void whatNobodyHasIsSaidByTheReadThatNeedsIt() throws Exception {
        writeAndClose();
        LayerFileName lost =
                LayerFileName.parse(layers(ROOT).getFirst().getFileName().toString());
        forget(ROOT);
        Files.delete(directory
                .resolve("objects")
                .resolve(RemotePaths.layer(
                        TENANT, ShardIndex.UNSHARDED, ROOT, lost.name().toString(), lost.generation())));
        try (EmbeddedStore store = open()) {
            Timeline root = store.tenant(TENANT, CONTEXT).timeline(ROOT);
            assertThatThrownBy(() -> root.get(key(0), lsn(ROUNDS - 1, 0), CONTEXT))
                    .isInstanceOfSatisfying(
                            ObjectStoreException.class,
                            e -> assertThat(e.kind()).isEqualTo(ObjectStoreException.Kind.NOT_FOUND));
        }
    }
}
