package dev.palimpsest.storage.check;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.ShardIndex;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.blob.BlobCompression;
import dev.palimpsest.storage.compaction.CompactionSettings;
import dev.palimpsest.storage.compaction.L0Planner;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.file.LocalDisk;
import dev.palimpsest.storage.file.LocalDiskSettings;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.ImageLayerName;
import dev.palimpsest.storage.layer.LayerFileName;
import dev.palimpsest.storage.layer.memory.SerializedBatch;
import dev.palimpsest.storage.remote.RemotePaths;
import dev.palimpsest.storage.remote.local.LocalDirectoryStore;
import dev.palimpsest.storage.runtime.SystemClock;
import dev.palimpsest.storage.runtime.VirtualThreadTasks;
import dev.palimpsest.storage.store.AppendingRedo;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import dev.palimpsest.storage.timeline.StoreSettings;
import dev.palimpsest.storage.timeline.TenantTimelines;
import dev.palimpsest.storage.timeline.Timeline;
import dev.palimpsest.storage.timeline.TimelineWriter;
import dev.palimpsest.storage.value.Value;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/** A store on real files with a bit of everything: two timelines, deltas of both levels, images, several lives. */
final class SmallStore {
    static final TenantId TENANT = new TenantId(1, 1);
    static final TimelineId ROOT = new TimelineId(2, 1);
    static final TimelineId CHILD = new TimelineId(2, 2);
    static final RequestContext CONTEXT = RequestContext.of(TaskKind.TOOL);
    static final int KEYS = 20;
    static final Lsn START = new Lsn(0x1000);

    private static final int VALUE_BYTES = 700;
    private static final CompactionSettings COMPACTION =
            new CompactionSettings(3, 1 << 30, 1 << 20, 1, 100, BlobCompression.NONE);

    /** Where objects are. */
    final Path objects;

    SmallStore(Path objects) {
        this.objects = objects;
    }

    static Key key(int number) {
        return Key.of(0, 1663, 5, 1000, 0, number);
    }

    /** What a key has in a round; does not compress. */
    static byte[] bytes(int key, long round) {
        byte[] bytes = new byte[VALUE_BYTES];
        new Random(31 * round + key).nextBytes(bytes);
        return bytes;
    }

    EmbeddedStore open(Path local) throws StorageException {
        KeySpace dense = KeySpace.of(new KeyRange(key(0), key(KEYS)));
        return EmbeddedStore.open(
                local,
                (disk, _) -> LocalDirectoryStore.open(disk, objects),
                StoreSettings.DEFAULT,
                new AppendingRedo(),
                (_, _, _) -> dense,
                new PrometheusRegistry());
    }

    /** Puts a version of every key, at LSNs from {@code lsn} on, and flushes. */
    static void round(Timeline timeline, long lsn) throws StorageException {
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

    /** Makes one L1 layer of what was flushed. */
    static void compact(Timeline timeline) throws StorageException {
        timeline.upkeep().compactL0(COMPACTION, L0Planner.Trigger.ALWAYS, CONTEXT);
    }

    /** The last LSN of a round. */
    static Lsn end(long round) {
        return new Lsn(round + 8L * (KEYS - 1));
    }

    /** Rounds 1000 to 3000 of the root, compacted and with images, 4000 as it was flushed; 5000 of the branch. */
    void fill(Path local) throws StorageException {
        try (EmbeddedStore store = open(local)) {
            TenantTimelines tenant = store.tenant(TENANT, CONTEXT);
            Timeline root = tenant.create(ROOT, START, 17, CONTEXT);
            for (long round = 0x1000; round <= 0x3000; round += 0x1000) {
                round(root, round);
            }
            compact(root);
            root.upkeep()
                    .createImages(
                            COMPACTION, (_, _) -> KeySpace.of(new KeyRange(key(0), key(KEYS))), () -> false, CONTEXT);
        }
        try (EmbeddedStore store = open(local)) {
            TenantTimelines tenant = store.tenant(TENANT, CONTEXT);
            Timeline root = tenant.timeline(ROOT);
            round(root, 0x4000);
            round(tenant.branch(CHILD, ROOT, root.lastRecordLsn(), CONTEXT), 0x5000);
        }
    }

    /** What a check says. */
    StorageReport check(boolean deep, Path temporary) throws StorageException, IOException {
        VirtualThreadTasks tasks = new VirtualThreadTasks(new SystemClock());
        LocalDisk disk = new LocalDisk(LocalDiskSettings.of(LocalDiskSettings.Mode.BUFFERED), tasks);
        // A server may be at work in it, and only its own open may delete what an unfinished put left.
        return CheckedStores.check(LocalDirectoryStore.reading(disk, objects), disk, tasks, deep, temporary);
    }

    Path object(String key) {
        return objects.resolve(key);
    }

    /** The keys of all objects, in their order. */
    List<String> keys() throws IOException {
        try (Stream<Path> files = Files.walk(objects)) {
            return files.filter(Files::isRegularFile)
                    .map(file -> objects.relativize(file).toString())
                    .filter(key -> !key.startsWith("."))
                    .sorted()
                    .toList();
        }
    }

    /** The keys of the root's layers, deltas or images. */
    List<String> layers(TimelineId timeline, boolean images) throws IOException {
        String folder = RemotePaths.timeline(TENANT, ShardIndex.UNSHARDED, timeline);
        return keys().stream()
                .filter(key -> key.startsWith(folder) && key.contains("__"))
                .filter(key -> images
                        == (LayerFileName.parse(key.substring(folder.length())).name() instanceof ImageLayerName))
                .toList();
    }

    /** The same objects in another directory. */
    SmallStore copy(Path target) throws IOException {
        for (String key : keys()) {
            Path to = target.resolve(key);
            Files.createDirectories(to.getParent());
            Files.write(to, Files.readAllBytes(object(key)));
        }
        return new SmallStore(target);
    }

    /** What is read of a timeline at the end of each of some rounds; throws what a read throws. */
    static void readAll(Timeline timeline, long fromRound, long toRound) throws StorageException {
        for (long round = fromRound; round <= toRound; round += 0x1000) {
            for (int i = 0; i < KEYS; i++) {
                byte[] read = timeline.get(key(i), end(round), CONTEXT);
                if (!Arrays.equals(read, bytes(i, round))) {
                    throw new AssertionError("key " + i + " of round " + Long.toHexString(round) + " is wrong");
                }
            }
        }
    }
}
