package dev.palimpsest.storage.store;

import com.sun.management.OperatingSystemMXBean;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.compaction.CompactionReport;
import dev.palimpsest.storage.compaction.CompactionSettings;
import dev.palimpsest.storage.compaction.L0Planner;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.layer.memory.SerializedBatch;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import dev.palimpsest.storage.timeline.StoreSettings;
import dev.palimpsest.storage.timeline.TenantTimelines;
import dev.palimpsest.storage.timeline.Timeline;
import dev.palimpsest.storage.timeline.TimelineConfig;
import dev.palimpsest.storage.timeline.TimelineWriter;
import dev.palimpsest.storage.value.WalRecord;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.nio.file.Path;
import java.time.Duration;
import java.util.SplittableRandom;

/**
 * Measures how fast L0 layers are compacted: ten of them, of records of 100 bytes for random pages. Takes an empty directory,
 * the size of an L0 layer in MiB, and the number of pages. Give it one processor ({@code taskset -c 0}) and a heap to see what
 * it needs.
 */
final class CompactionMeasure {
    private static final RequestContext CONTEXT = RequestContext.of(TaskKind.COMPACTION);
    private static final int VALUE_BYTES = 100;

    private CompactionMeasure() {}

    public static void main(String[] arguments) throws Exception {
        long layerBytes = Long.parseLong(arguments[1]) << 20;
        int pages = Integer.parseInt(arguments[2]);
        StoreSettings settings = StoreSettings.DEFAULT.withTimelines(
                new TimelineConfig(1L << 40, Duration.ofHours(1), 4, 0, 0, 256, Duration.ofMillis(100)));
        try (EmbeddedStore store = EmbeddedStore.open(Path.of(arguments[0]), settings, new AppendingRedo())) {
            TenantTimelines tenant = store.tenant(new TenantId(1, 1), CONTEXT);
            Timeline timeline = tenant.create(new TimelineId(1, 2), new Lsn(0x1000), 17, CONTEXT);
            SplittableRandom random = new SplittableRandom(1);
            for (int i = 0; i < 10; i++) {
                fill(timeline, random, layerBytes, pages);
            }
            resetPeaks();
            long began = System.nanoTime();
            long cpuBegan = cpuNanos();
            CompactionReport report =
                    timeline.upkeep().compactL0(CompactionSettings.DEFAULT, L0Planner.Trigger.ALWAYS, CONTEXT);
            double wall = (System.nanoTime() - began) / 1e9;
            double seconds = (cpuNanos() - cpuBegan) / 1e9;
            System.out.printf(
                    "%d L0 layers, %d MiB, %d values -> %d L1 layers, %d MiB in %.2f s of CPU (%.2f s): %.0f MiB/s,"
                            + " %.2f million values/s; heap after GC at most %d MiB, peak %d MiB, direct buffers now %d"
                            + " MiB%n",
                    report.layersRead(),
                    report.bytesRead() >> 20,
                    report.values(),
                    report.layersWritten(),
                    report.bytesWritten() >> 20,
                    seconds,
                    wall,
                    (report.bytesRead() >> 20) / seconds,
                    report.values() / seconds / 1e6,
                    ManagementFactory.getMemoryPoolMXBeans().stream()
                                    .filter(pool ->
                                            pool.getType() == MemoryType.HEAP && pool.getCollectionUsage() != null)
                                    .mapToLong(pool -> pool.getCollectionUsage().getUsed())
                                    .sum()
                            >> 20,
                    heapPools() >> 20,
                    ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                                    .mapToLong(BufferPoolMXBean::getMemoryUsed)
                                    .sum()
                            >> 20);
        }
    }

    private static long cpuNanos() {
        return ManagementFactory.getOperatingSystemMXBean() instanceof OperatingSystemMXBean system
                ? system.getProcessCpuTime()
                : System.nanoTime();
    }

    private static void resetPeaks() {
        System.gc();
        ManagementFactory.getMemoryPoolMXBeans().forEach(MemoryPoolMXBean::resetPeakUsage);
    }

    private static long heapPools() {
        return ManagementFactory.getMemoryPoolMXBeans().stream()
                .filter(pool -> pool.getType() == MemoryType.HEAP)
                .mapToLong(pool -> pool.getPeakUsage().getUsed())
                .sum();
    }

    private static void fill(Timeline timeline, SplittableRandom random, long layerBytes, int pages) throws Exception {
        byte[] record = new byte[VALUE_BYTES];
        Lsn lsn = Lsn.max(timeline.lastRecordLsn(), new Lsn(0xFF8));
        for (long bytes = 0; bytes < layerBytes; ) {
            SerializedBatch.Builder batch = new SerializedBatch.Builder();
            for (int i = 0; i < 5_000; i++) {
                lsn = lsn.plus(8);
                random.nextBytes(record);
                Key key = Key.of(0, 1663, 5, 1000, 0, random.nextInt(pages));
                batch.put(key, lsn, new WalRecord.Postgres(false, record));
                bytes += VALUE_BYTES;
            }
            try (TimelineWriter writer = timeline.writer(CONTEXT)) {
                writer.put(batch.build());
                writer.finish(lsn);
            }
        }
        timeline.freezeAndFlush(CONTEXT);
    }
}
