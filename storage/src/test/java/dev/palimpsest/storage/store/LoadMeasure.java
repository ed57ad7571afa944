package dev.palimpsest.storage.store;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.ShardIndex;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.file.LocalDisk;
import dev.palimpsest.storage.file.LocalDiskSettings;
import dev.palimpsest.storage.index.IndexPart;
import dev.palimpsest.storage.index.IndexPartCodec;
import dev.palimpsest.storage.index.LayerMetadata;
import dev.palimpsest.storage.index.TimelineMetadata;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.layer.DeltaLayerName;
import dev.palimpsest.storage.layer.LayerFileName;
import dev.palimpsest.storage.layer.LsnRange;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.ObjectSource;
import dev.palimpsest.storage.remote.PutCondition;
import dev.palimpsest.storage.remote.RemotePaths;
import dev.palimpsest.storage.remote.local.LocalDirectoryStore;
import dev.palimpsest.storage.runtime.SystemClock;
import dev.palimpsest.storage.runtime.VirtualThreadTasks;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import dev.palimpsest.storage.timeline.StoreSettings;
import dev.palimpsest.storage.timeline.Timeline;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;

/**
 * How long it takes to load a timeline of many layers, all of whose files are here or none. Arguments: an empty directory, the
 * number of layers. Their files are empty but for their size: nothing is read of them.
 */
final class LoadMeasure {
    private static final TenantId TENANT = new TenantId(1, 1);
    private static final TimelineId TIMELINE = new TimelineId(2, 2);
    private static final RequestContext CONTEXT = RequestContext.of(TaskKind.TOOL);
    private static final long BYTES = 128L << 20;
    private static final int LIVES = 3;

    private LoadMeasure() {}

    public static void main(String[] arguments) throws Exception {
        Path directory = Path.of(arguments[0]);
        int layers = Integer.parseInt(arguments[1]);
        LocalDisk disk = new LocalDisk(
                LocalDiskSettings.of(LocalDiskSettings.Mode.BUFFERED), new VirtualThreadTasks(new SystemClock()));
        disk.createDirectories(directory);
        LocalDirectoryStore objects = LocalDirectoryStore.open(disk, directory.resolve("objects"));
        Map<String, LayerMetadata> named = new HashMap<>();
        Path local = directory
                .resolve("tenants")
                .resolve(TENANT.toString())
                .resolve("timelines")
                .resolve(TIMELINE.toString());
        Files.createDirectories(local);
        for (int i = 0; i < layers; i++) {
            DeltaLayerName name = new DeltaLayerName(
                    KeyRange.ALL, new LsnRange(new Lsn(0x1000L * (i + 1)), new Lsn(0x1000L * (i + 2))));
            named.put(name.toString(), new LayerMetadata(BYTES, Generation.NONE, ShardIndex.UNSHARDED));
            Path file = local.resolve(new LayerFileName(name, Generation.NONE).local());
            try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
                sparse.setLength(BYTES);
            }
        }
        Lsn end = new Lsn(0x1000L * (layers + 1));
        IndexPart part =
                IndexPart.of(named, new TimelineMetadata(end, null, null, new Lsn(0x1000), new Lsn(0x1000), 17));
        ObjectKey key = new ObjectKey(RemotePaths.indexPart(TENANT, ShardIndex.UNSHARDED, TIMELINE, Generation.NONE));
        objects.put(key, ObjectSource.of(IndexPartCodec.encode(part)), PutCondition.ALWAYS, CONTEXT);
        for (int life = 0; life < LIVES; life++) {
            load(directory, "files here");
        }
        try (Stream<Path> files = Files.list(local)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        for (int life = 0; life < LIVES; life++) {
            load(directory, "no files");
        }
    }

    private static void load(Path directory, String what) throws Exception {
        long began = System.nanoTime();
        try (EmbeddedStore store = EmbeddedStore.open(directory, StoreSettings.DEFAULT, new AppendingRedo())) {
            Timeline timeline = store.tenant(TENANT, CONTEXT).timeline(TIMELINE);
            long loaded = System.nanoTime();
            long resident = timeline.residentBytes();
            int looked = store.tenant(TENANT, CONTEXT).evictable().stream()
                    .mapToInt(each -> each.persistentLayers().visible().size())
                    .sum();
            System.out.printf(
                    "%s: loaded in %.0f ms; %d GB resident; looked through by eviction in %.0f ms, %d visible%n",
                    what, (loaded - began) / 1e6, resident >> 30, (System.nanoTime() - loaded) / 1e6, looked);
        }
    }
}
