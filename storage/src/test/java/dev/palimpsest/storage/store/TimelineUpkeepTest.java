package dev.palimpsest.storage.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.blob.BlobCompression;
import dev.palimpsest.storage.compaction.BackgroundSettings;
import dev.palimpsest.storage.compaction.CompactionReport;
import dev.palimpsest.storage.compaction.CompactionSettings;
import dev.palimpsest.storage.compaction.L0Planner;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.gc.GarbageCollection;
import dev.palimpsest.storage.gc.GcInputs;
import dev.palimpsest.storage.gc.GcReport;
import dev.palimpsest.storage.jobs.JobPauses;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.Layer;
import dev.palimpsest.storage.layer.LayerKind;
import dev.palimpsest.storage.layer.memory.SerializedBatch;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Task;
import dev.palimpsest.storage.runtime.VirtualThreadTasks;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import dev.palimpsest.storage.timeline.StoreSettings;
import dev.palimpsest.storage.timeline.TenantTimelines;
import dev.palimpsest.storage.timeline.Timeline;
import dev.palimpsest.storage.timeline.TimelineConfig;
import dev.palimpsest.storage.timeline.TimelineWriter;
import dev.palimpsest.storage.value.Value;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Compaction and GC of a timeline on real files, one promise at a time. */
class TimelineUpkeepTest {
    private static final TenantId TENANT = new TenantId(1, 1);
    private static final TimelineId ROOT = new TimelineId(2, 1);
    private static final TimelineId CHILD = new TimelineId(2, 2);
    private static final RequestContext CONTEXT = RequestContext.of(TaskKind.TOOL);
    private static final int KEYS = 20;
    private static final KeySpace DENSE = KeySpace.of(new KeyRange(key(0), key(KEYS)));
    private static final CompactionSettings SETTINGS =
            new CompactionSettings(3, 1 << 30, 1 << 20, 1, 100, BlobCompression.NONE);

    @TempDir
    Path directory;

    private PrometheusRegistry metrics = new PrometheusRegistry();
    private EmbeddedStore store;
    private TenantTimelines tenant;
    private Timeline root;

    @BeforeEach
    void open() throws Exception {
        open(StoreSettings.DEFAULT);
        root = tenant.create(ROOT, new Lsn(0x1000), 17, CONTEXT);
    }

    private void open(StoreSettings settings) throws Exception {
        metrics = new PrometheusRegistry();
        store = EmbeddedStore.open(directory, settings, new AppendingRedo(), (_, _, _) -> DENSE, metrics);
        tenant = store.tenant(TENANT, CONTEXT);
    }

    @AfterEach
    void close() throws Exception {
        store.close();
    }

    private void reopen(StoreSettings settings) throws Exception {
        store.close();
        open(settings);
        root = tenant.timeline(ROOT);
    }

    private static Key key(int number) {
        return Key.of(0, 1663, 5, 1000, 0, number);
    }

    /** Puts a version of every key, at LSNs from {@code lsn} on, and flushes: one L0 layer. */
    private static void round(Timeline timeline, long lsn) throws Exception {
        for (int i = 0; i < KEYS; i++) {
            SerializedBatch.Builder batch = new SerializedBatch.Builder();
            Lsn at = new Lsn(lsn + 8L * i);
            batch.put(key(i), at, new Value.Image(bytes(i, lsn)));
            try (TimelineWriter writer = timeline.writer(CONTEXT)) {
                writer.put(batch.build());
                writer.finish(at);
            }
        }
        timeline.freezeAndFlush(CONTEXT);
    }

    private static byte[] bytes(int key, long round) {
        return ("key " + key + " round " + round).getBytes(StandardCharsets.US_ASCII);
    }

    private static void check(Timeline timeline, long lsn, long round) throws Exception {
        for (int i = 0; i < KEYS; i++) {
            assertThat(timeline.get(key(i), new Lsn(lsn), CONTEXT)).isEqualTo(bytes(i, round));
        }
    }

    private static Map<String, Long> levels(Timeline timeline) {
        Map<String, Long> levels = new TreeMap<>();
        timeline.layers()
                .historicLayers()
                .forEach(layer -> levels.merge(
                        layer.isL0() ? "l0" : layer.kind() == LayerKind.DELTA ? "l1" : "image", 1L, Long::sum));
        return levels;
    }

    private CompactionReport compact() throws Exception {
        return root.upkeep().compactL0(SETTINGS, L0Planner.Trigger.ALWAYS, CONTEXT);
    }

    private CompactionReport images() throws Exception {
        return root.upkeep().createImages(SETTINGS, (_, _) -> DENSE, () -> false, CONTEXT);
    }

    private GcReport collect(GcInputs inputs) throws Exception {
        return tenant.collectGarbage(ROOT, inputs, GarbageCollection.Mode.REMOVE, CONTEXT);
    }

    private List<String> files() throws Exception {
        Path timeline = directory
                .resolve("tenants")
                .resolve(TENANT.toString())
                .resolve("timelines")
                .resolve(ROOT.toString());
        try (Stream<Path> files = Files.list(timeline)) {
            return files.map(file -> String.valueOf(file.getFileName())).toList();
        }
    }

    @Test
    void thresholdsAreThoseOfTheSettings() throws Exception {
        round(root, 0x1000);
        round(root, 0x2000);
        assertThat(root.upkeep().compactL0(SETTINGS, L0Planner.Trigger.THRESHOLD, CONTEXT))
                .isEqualTo(CompactionReport.NOTHING);
        round(root, 0x3000);
        CompactionReport report = root.upkeep().compactL0(SETTINGS, L0Planner.Trigger.THRESHOLD, CONTEXT);
        assertThat(report.layersRead()).isEqualTo(3);
        assertThat(report.values()).isEqualTo(3 * KEYS);
        assertThat(levels(root)).isEqualTo(Map.of("l1", 1L));
        assertThat(files()).hasSize(1);
        check(root, 0x1FFF, 0x1000);
        check(root, 0x2FFF, 0x2000);
        reopen(StoreSettings.DEFAULT);
        check(root, 0x1FFF, 0x1000);
        check(root, 0x3098, 0x3000);
        assertThat(levels(root)).isEqualTo(Map.of("l1", 1L));
    }

    @Test
    void aReaderKeepsTheFileOfAReplacedLayer() throws Exception {
        round(root, 0x1000);
        Layer l0 = root.layers().l0Layers().getFirst();
        assertThat(l0.tryAcquire()).isTrue();
        compact();
        assertThat(files()).hasSize(2);
        assertThat(l0.tryAcquire()).isFalse();
        l0.release();
        assertThat(files()).hasSize(1);
    }

    @Test
    void historyBelowTheCutoffGoesAndTheRestStays() throws Exception {
        for (long lsn = 0x1000; lsn <= 0x5000; lsn += 0x1000) {
            round(root, lsn);
            compact();
            images();
        }
        assertThat(levels(root)).isEqualTo(Map.of("l1", 5L, "image", 5L));
        GcInputs inputs = GcInputs.keepFrom(new Lsn(0x3800));
        GcReport planned = tenant.collectGarbage(ROOT, inputs, GarbageCollection.Mode.DRY_RUN, CONTEXT);
        assertThat(planned.layersRemoved()).isEqualTo(5);
        assertThat(root.gcCutoffLsn()).isEqualTo(new Lsn(0x1000));
        assertThat(levels(root)).isEqualTo(Map.of("l1", 5L, "image", 5L));
        assertThat(collect(inputs)).isEqualTo(planned);
        assertThat(levels(root)).isEqualTo(Map.of("l1", 2L, "image", 3L));
        assertThat(files()).hasSize(5);
        check(root, 0x3800, 0x3000);
        check(root, 0x5098, 0x5000);
        assertThatThrownBy(() -> root.get(key(1), new Lsn(0x37FF), CONTEXT))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("its history begins at 0/3800");
        assertThatThrownBy(() -> tenant.branch(CHILD, ROOT, new Lsn(0x3700), CONTEXT))
                .isInstanceOf(InvalidRequestException.class);
        reopen(StoreSettings.DEFAULT);
        assertThat(root.gcCutoffLsn()).isEqualTo(new Lsn(0x3800));
        check(root, 0x3800, 0x3000);
        assertThat(files()).hasSize(5);
    }

    @Test
    void theCutoffNeverGoesBackNorBeyondWhatIsDurable() throws Exception {
        round(root, 0x1000);
        assertThat(collect(GcInputs.keepFrom(new Lsn(0x9000))).cutoff()).isEqualTo(root.diskConsistentLsn());
        assertThat(root.gcCutoffLsn()).isEqualTo(root.diskConsistentLsn());
        collect(GcInputs.keepFrom(new Lsn(0x1000)));
        assertThat(root.gcCutoffLsn()).isEqualTo(root.diskConsistentLsn());
    }

    @Test
    void aBranchAndALeaseKeepWhatTheyNeed() throws Exception {
        round(root, 0x1000);
        compact();
        images();
        round(root, 0x2000);
        compact();
        images();
        Timeline child = tenant.branch(CHILD, ROOT, new Lsn(0x1098), CONTEXT);
        round(root, 0x3000);
        compact();
        images();
        GcInputs inputs = GcInputs.keepFrom(root.diskConsistentLsn());
        assertThat(collect(new GcInputs(inputs.space(), inputs.time(), List.of(), List.of(new Lsn(0x2050))))
                        .layersRemoved())
                .as("the lease is between two images")
                .isZero();
        assertThat(root.get(key(1), new Lsn(0x2050), CONTEXT)).isEqualTo(bytes(1, 0x2000));
        assertThat(root.get(key(19), new Lsn(0x2050), CONTEXT)).isEqualTo(bytes(19, 0x1000));
        assertThat(collect(new GcInputs(inputs.space(), inputs.time(), List.of(), List.of(new Lsn(0x2100))))
                        .layersRemoved())
                .as("the lease is above the second image")
                .isEqualTo(1);
        check(root, 0x2100, 0x2000);
        assertThatThrownBy(() -> root.get(key(1), new Lsn(0x2101), CONTEXT))
                .isInstanceOf(InvalidRequestException.class);
        assertThat(collect(inputs).layersRemoved()).as("without the lease").isZero();
        assertThatThrownBy(() -> root.get(key(1), new Lsn(0x2100), CONTEXT))
                .isInstanceOf(InvalidRequestException.class);
        check(child, 0x1098, 0x1000);
        tenant.delete(CHILD, CONTEXT);
        assertThat(collect(inputs).layersRemoved()).as("without the branch").isEqualTo(2);
        check(root, root.diskConsistentLsn().value(), 0x3000);
    }

    @Test
    void layersAreCountedByLevel() throws Exception {
        round(root, 0x1000);
        compact();
        images();
        round(root, 0x2000);
        Map<String, Double> gauges = new TreeMap<>();
        metrics.scrape().stream()
                .filter(metric -> metric.getMetadata().getName().equals("palimpsest_layers"))
                .flatMap(metric -> ((GaugeSnapshot) metric).getDataPoints().stream())
                .forEach(point -> gauges.put(String.valueOf(point.getLabels().get("level")), point.getValue()));
        assertThat(gauges).isEqualTo(Map.of("l0", 1.0, "l1", 1.0, "image", 1.0));
    }

    @Test
    void inTheBackgroundEverythingHappensByItself() throws Exception {
        BackgroundSettings background = new BackgroundSettings(
                SETTINGS,
                1,
                Duration.ofMillis(2),
                1,
                Duration.ofMinutes(1),
                new JobPauses(Duration.ofMillis(1), Duration.ofSeconds(1)));
        reopen(StoreSettings.DEFAULT.withBackground(background));
        for (long lsn = 0x1000; lsn < 0x9000; lsn += 0x1000) {
            round(root, lsn);
        }
        VirtualThreadTasks tasks = new VirtualThreadTasks(store.clock());
        Task waiting = tasks.start("wait", () -> {
            while (root.layers().l0Layers().size() >= 3 || !levels(root).containsKey("image")) {
                tasks.sleep(1_000_000, Cancellation.NEVER);
            }
        });
        waiting.join();
        assertThat(levels(root)).containsKeys("l1", "image");
        assertThat(store.compactionState(ROOT).failures()).isZero();
        for (long lsn = 0x1000; lsn < 0x9000; lsn += 0x1000) {
            check(root, lsn + 0x98, lsn);
        }
    }

    @Test
    void backPressureHasDefaultsOnceThereIsCompaction() {
        TimelineConfig config =
                StoreSettings.DEFAULT.withBackground(BackgroundSettings.DEFAULT).timelines();
        assertThat(config.l0DelayThreshold()).isEqualTo(15);
        assertThat(config.l0StallThreshold()).isEqualTo(30);
        TimelineConfig given = new TimelineConfig(1, Duration.ofSeconds(1), 1, 5, 20, 1, Duration.ZERO);
        assertThat(given.withBackPressure(10).l0DelayThreshold()).isEqualTo(11);
        assertThat(given.withBackPressure(10).l0StallThreshold()).isEqualTo(20);
    }
}
