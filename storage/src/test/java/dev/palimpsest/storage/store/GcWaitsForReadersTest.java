package dev.palimpsest.storage.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.blob.BlobCompression;
import dev.palimpsest.storage.blob.Block;
import dev.palimpsest.storage.compaction.CompactionSettings;
import dev.palimpsest.storage.compaction.HistorySettings;
import dev.palimpsest.storage.compaction.L0Planner;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.gc.GarbageCollection;
import dev.palimpsest.storage.gc.GcInputs;
import dev.palimpsest.storage.gc.GcPlanner;
import dev.palimpsest.storage.gc.GcReport;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.memory.SerializedBatch;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.Task;
import dev.palimpsest.storage.simulation.DiskFaults;
import dev.palimpsest.storage.simulation.ObjectStoreFaults;
import dev.palimpsest.storage.simulation.Simulation;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import dev.palimpsest.storage.timeline.Hold;
import dev.palimpsest.storage.timeline.StoreSettings;
import dev.palimpsest.storage.timeline.TenantTimelines;
import dev.palimpsest.storage.timeline.Timeline;
import dev.palimpsest.storage.timeline.TimelineWriter;
import dev.palimpsest.storage.timeline.UploadSettings;
import dev.palimpsest.storage.value.Value;
import dev.palimpsest.storage.value.WalRecord;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Who may still read below the cutoff, where simulated tasks meet in exactly one order. */
class GcWaitsForReadersTest {
    private static final TenantId TENANT = new TenantId(1, 1);
    private static final TimelineId ROOT = new TimelineId(2, 1);
    private static final TimelineId CHILD = new TimelineId(2, 2);
    private static final Lsn CUTOFF = lsn(3).plus(8);
    private static final RequestContext CONTEXT = RequestContext.of(TaskKind.TOOL);
    private static final Key KEY = Key.of(0, 1663, 5, 1000, 0, 7);
    private static final CompactionSettings SETTINGS =
            new CompactionSettings(1, 1 << 30, 1 << 20, 1, 100, BlobCompression.NONE);

    private final Simulation simulation = new Simulation(1);
    private final List<String> events = new ArrayList<>();

    /** The base in the first layer, a record in each of three more; an image above them, and one more record. */
    private static Timeline fill(TenantTimelines tenant) throws Exception {
        Timeline root = tenant.create(ROOT, new Lsn(0x1000), 17, CONTEXT);
        for (int round = 0; round < 5; round++) {
            write(root, round, CONTEXT);
            root.upkeep().compactL0(SETTINGS, L0Planner.Trigger.ALWAYS, CONTEXT);
            if (round == 3) {
                root.upkeep().createImages(SETTINGS, (_, _) -> KeySpace.of(KEY), () -> false, CONTEXT);
            }
        }
        return root;
    }

    private static void write(Timeline timeline, int round, RequestContext context) throws StorageException {
        byte[] bytes = (round + " ").getBytes(StandardCharsets.UTF_8);
        Lsn lsn = lsn(round);
        SerializedBatch.Builder batch = new SerializedBatch.Builder();
        batch.put(KEY, lsn, round == 0 ? new Value.Image(bytes) : new WalRecord.Postgres(false, bytes));
        try (TimelineWriter writer = timeline.writer(context)) {
            writer.put(batch.build());
            writer.finish(lsn);
        }
        timeline.freezeAndFlush(context);
    }

    private static Lsn lsn(int round) {
        return new Lsn(0x1000 + 0x1000L * round);
    }

    private static String read(Timeline timeline, Lsn lsn) throws StorageException {
        return new String(timeline.get(KEY, lsn, CONTEXT), StandardCharsets.UTF_8);
    }

    private static GcReport collect(TenantTimelines tenant, Lsn cutoff) throws StorageException {
        return tenant.collectGarbage(ROOT, GcInputs.keepFrom(cutoff), GarbageCollection.Mode.REMOVE, CONTEXT);
    }

    /** With a cache so small that it has no blocks of values, so that a read of a page is one of the disk; one byte may wait for its upload. */
    private static StoreSettings withLittle(StoreSettings settings) {
        return new StoreSettings(
                settings.disk(),
                settings.timelines(),
                settings.maxDirtyBytes(),
                16 * Block.SIZE,
                settings.readBuffers(),
                settings.maxReadBytes(),
                settings.maxValueBytes(),
                settings.l0FlushConcurrency(),
                settings.l0FlushBufferBytes(),
                settings.writeBackBytes(),
                new UploadSettings(1, 1, settings.uploads().retryPause()),
                settings.downloads(),
                settings.background(),
                settings.eviction());
    }

    private interface Script {
        void run(Environment environment, StoppingDisk disk, TenantTimelines tenant, Timeline root) throws Exception;
    }

    private void run(Script script) throws Exception {
        simulation.run(() -> {
            Environment environment = simulation.environment();
            StoppingDisk disk = new StoppingDisk(
                    simulation.newDisk("disk", DiskFaults.NONE),
                    environment.tasks().newSignal());
            TenantTimelines tenant = TenantTimelines.load(
                    EmbeddedStore.engine(
                            environment,
                            disk,
                            simulation.newObjectStore("objects", ObjectStoreFaults.NONE),
                            new AppendingRedo(),
                            withLittle(StoreSettings.DEFAULT),
                            new PrometheusRegistry()),
                    TENANT,
                    Path.of("/work"),
                    CONTEXT);
            script.run(environment, disk, tenant, fill(tenant));
            tenant.shutdown(CONTEXT);
        });
    }

    @Test
    void aReaderThatBeganBeforeTheCutoffRoseGetsItsPage() throws Exception {
        run((environment, disk, tenant, root) -> {
            disk.stopNextRead();
            Task reading = environment.tasks().start("read", () -> events.add(read(root, lsn(2))));
            disk.awaitStopped();
            Task collecting = environment
                    .tasks()
                    .start(
                            "collect",
                            () -> events.add(
                                    "removed " + collect(tenant, CUTOFF).layersRemoved()));
            // Far longer than a GC takes that waits for nobody.
            environment.tasks().sleep(60_000_000_000L, Cancellation.NEVER);
            assertThat(events).isEmpty();
            assertThatThrownBy(() -> read(root, lsn(2))).as("a newcomer").isInstanceOf(InvalidRequestException.class);
            disk.goOn();
            reading.join();
            collecting.join();
            assertThat(reading.failure()).isEmpty();
            assertThat(collecting.failure()).isEmpty();
            assertThat(events).containsExactly("0 1 2 ", "removed 4");
            assertThat(read(root, lsn(4))).isEqualTo("0 1 2 3 4 ");
        });
    }

    @Test
    void aHeldLsnStaysReadableUntilItsLastHolderLetsGo() throws Exception {
        run((_, _, tenant, root) -> {
            try (Hold first = root.hold(lsn(1))) {
                try (Hold _ = root.hold(lsn(1))) {
                    assertThat(collect(tenant, CUTOFF).layersKept()).containsEntry(GcPlanner.Kept.BY_LEASE, 2);
                }
                Hold twice = root.hold(lsn(1));
                twice.close();
                twice.close();
                collect(tenant, CUTOFF);
                assertThat(root.heldLsns()).containsExactly(first.lsn());
                assertThat(read(root, lsn(1))).isEqualTo("0 1 ");
                assertThatThrownBy(() -> root.get(KEY, lsn(2), CONTEXT)).hasMessageContaining("its history begins at");
                assertThatThrownBy(() -> root.hold(lsn(2))).isInstanceOf(InvalidRequestException.class);
                Timeline child = tenant.branch(CHILD, ROOT, lsn(1), CONTEXT);
                assertThat(read(child, lsn(1))).isEqualTo("0 1 ");
                assertThat(child.gcCutoffLsn()).isEqualTo(lsn(1));
            }
            assertThat(root.heldLsns()).isEmpty();
            assertThat(collect(tenant, CUTOFF).layersKept()).containsEntry(GcPlanner.Kept.BY_BRANCH, 2);
            assertThatThrownBy(() -> read(root, lsn(1))).isInstanceOf(InvalidRequestException.class);
            assertThat(read(tenant.timeline(CHILD), lsn(1))).isEqualTo("0 1 ");
            tenant.delete(CHILD, CONTEXT);
            assertThat(collect(tenant, CUTOFF).layersRemoved()).isEqualTo(2);
        });
    }

    /** What replaced history waits for its upload, and flushes for that; but neither for who still reads what was replaced. */
    @Test
    void aFlushDoesNotWaitForReadersOfHistoryThatWasCompacted() throws Exception {
        run((environment, disk, tenant, root) -> {
            Hold hold = root.hold(lsn(1));
            collect(tenant, CUTOFF);
            disk.stopNextRead();
            Task compacting = environment
                    .tasks()
                    .start(
                            "compact",
                            () -> root.upkeep()
                                    .compactHistory(
                                            tenant,
                                            SETTINGS,
                                            new HistorySettings(0, 1, 1 << 30, 1),
                                            () -> false,
                                            _ -> {},
                                            CONTEXT.withDeadline(
                                                    environment.clock().nanos() + 60_000_000_000L)));
            disk.awaitStopped();
            disk.stopNextRead();
            Task reading = environment.tasks().start("read", () -> events.add(read(root, lsn(4))));
            disk.awaitStopped();
            disk.goOn();
            compacting.join();
            assertThat(compacting.failure()).get().isInstanceOf(DeadlineExceededException.class);
            write(root, 5, CONTEXT.withDeadline(environment.clock().nanos() + 60_000_000_000L));
            disk.goOn();
            reading.join();
            assertThat(events).containsExactly("0 1 2 3 4 ");
            assertThat(read(root, lsn(1))).isEqualTo("0 1 ");
            assertThat(read(root, lsn(5))).isEqualTo("0 1 2 3 4 5 ");
            hold.close();
        });
    }

    /** Somebody who waits for readers must not bring back what was leased before. */
    @Test
    void whatIsHeldBetweenTwoCollectionsIsHeld() throws Exception {
        run((environment, disk, tenant, root) -> {
            disk.stopNextRead();
            Task reading = environment.tasks().start("read", () -> events.add(read(root, lsn(2))));
            disk.awaitStopped();
            Task first = environment.tasks().start("collect", () -> collect(tenant, lsn(1).plus(8)));
            environment.tasks().sleep(1_000_000_000L, Cancellation.NEVER);
            try (Hold _ = root.hold(lsn(2))) {
                Task second = environment.tasks().start("collect", () -> collect(tenant, CUTOFF));
                environment.tasks().sleep(1_000_000_000L, Cancellation.NEVER);
                disk.goOn();
                for (Task task : List.of(reading, first, second)) {
                    task.join();
                    assertThat(task.failure()).isEmpty();
                }
                assertThat(read(root, lsn(2))).isEqualTo("0 1 2 ");
            }
        });
    }
}
