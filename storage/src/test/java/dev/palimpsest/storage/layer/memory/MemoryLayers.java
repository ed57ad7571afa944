package dev.palimpsest.storage.layer.memory;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.blob.BlockCache;
import dev.palimpsest.storage.blob.ZstdContexts;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.file.Disk;
import dev.palimpsest.storage.file.MemoryDisk;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.layer.file.DirectorySync;
import dev.palimpsest.storage.layer.file.LayerIo;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.SystemClock;
import dev.palimpsest.storage.runtime.Tasks;
import dev.palimpsest.storage.runtime.VirtualThreadTasks;
import dev.palimpsest.storage.value.Value;
import dev.palimpsest.storage.value.WalRecord;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.nio.file.Path;
import java.util.Random;

/** What tests of in-memory layers need around them. */
final class MemoryLayers {
    static final RequestContext CONTEXT = RequestContext.of(TaskKind.INGEST);
    static final TimelineId TIMELINE = TimelineId.parse("11223344556677881122334455667788");
    static final TenantId TENANT = TenantId.parse("aabbccddeeff00112233445566778899");
    static final Path DIRECTORY = Path.of("/timeline");

    final SystemClock clock = new SystemClock();
    final Tasks tasks = new VirtualThreadTasks(clock);
    final Disk disk;
    final PrometheusRegistry registry = new PrometheusRegistry();
    final DirtyBytes dirtyBytes;
    final InMemoryLayers layers;
    final LayerIo io;
    private long unique;

    MemoryLayers() {
        this(new MemoryDisk(1), 0);
    }

    MemoryLayers(Disk disk, long maxDirtyBytes) {
        this.disk = disk;
        this.dirtyBytes = new DirtyBytes(maxDirtyBytes, registry);
        this.layers = new InMemoryLayers(disk, new Environment(clock, tasks, new Random(1)), dirtyBytes);
        this.io = new LayerIo(
                disk,
                tasks,
                new BlockCache(256),
                new dev.palimpsest.storage.blob.ReadBuffers(128 << 10, 4, 4096, tasks),
                new ZstdContexts(2),
                128 << 10,
                0x0FFFFFFF,
                64 << 10);
        try {
            disk.createDirectories(DIRECTORY);
        } catch (DiskException e) {
            throw new AssertionError(e);
        }
    }

    InMemoryLayer open(long start) throws DiskException {
        return layers.open(DIRECTORY, TIMELINE, new Lsn(start));
    }

    L0Flush flush(int bufferBytes) {
        return new L0Flush(2, bufferBytes, tasks.newSignal());
    }

    InMemoryLayer.L0Target target() {
        return new InMemoryLayer.L0Target(io, DIRECTORY, TENANT, new Generation(1), DirectorySync.NOW, ++unique);
    }

    static Key block(int number) {
        return Key.of(0, 1663, 5, 16384, 0, number);
    }

    static Value image(int length, int seed) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return new Value.Image(bytes);
    }

    static Value record(boolean willInit, int length, int seed) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return new WalRecord.Postgres(willInit, bytes);
    }
}
