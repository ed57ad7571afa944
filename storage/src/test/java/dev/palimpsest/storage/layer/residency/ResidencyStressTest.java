package dev.palimpsest.storage.layer.residency;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.file.MemoryDisk;
import dev.palimpsest.storage.layer.Layers;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layer.download.ObjectStoreDownloads;
import dev.palimpsest.storage.layer.residency.RemoteLayers.Sample;
import dev.palimpsest.storage.remote.local.LocalDirectoryStore;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.SystemClock;
import dev.palimpsest.storage.runtime.Tasks;
import dev.palimpsest.storage.runtime.VirtualThreadTasks;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Real threads: readers compare what they read while layers are evicted under them. */
class ResidencyStressTest {
    private static final int READERS = 6;
    private static final int DOWNLOADS = 30;

    @Test
    void readersNeverMeetAFileThatGoes() throws Exception {
        long seed = Long.getLong("palimpsest.seed", 42);
        Clock clock = new SystemClock();
        Environment environment = new Environment(clock, new VirtualThreadTasks(clock), new SplittableRandom(seed));
        MemoryDisk disk = new MemoryDisk(1);
        LocalDirectoryStore store = LocalDirectoryStore.open(disk, Path.of("/objects"));
        List<Sample> samples = RemoteLayers.samples(3, new Random(seed));
        RemoteLayers.upload(store, samples);
        AtomicLong downloads = new AtomicLong();
        LayerDownloads fromStore =
                new ObjectStoreDownloads(disk, store, Layers.TENANT, Layers.TIMELINE, new AtomicLong());
        LayerDownloads counted = (layer, target, progress, context) -> {
            downloads.incrementAndGet();
            fromStore.fetch(layer, target, progress, context);
        };
        RemoteLayers life = new RemoteLayers(environment, disk, counted, DownloadSettings.DEFAULT);
        List<PersistentLayer> layers = samples.stream()
                .map(sample -> life.layers.remote(sample.layer()))
                .toList();
        List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
        AtomicBoolean reading = new AtomicBoolean(true);
        List<Thread> readers = new ArrayList<>();
        for (int i = 0; i < READERS; i++) {
            SplittableRandom random = new SplittableRandom(seed + i);
            readers.add(start(failures, () -> {
                while (downloads.get() < DOWNLOADS && failures.isEmpty()) {
                    int which = random.nextInt(layers.size());
                    RemoteLayers.read(layers.get(which), samples.get(which), RemoteLayers.page());
                }
            }));
        }
        List<Thread> evictors = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            SplittableRandom random = new SplittableRandom(seed - 1 - i);
            evictors.add(start(failures, () -> {
                while (reading.get()) {
                    PersistentLayer layer = layers.get(random.nextInt(layers.size()));
                    assertThat(layer.evict()).isNotEqualTo(PersistentLayer.Eviction.NOT_UPLOADED);
                }
            }));
        }
        join(readers);
        reading.set(false);
        join(evictors);
        assertThat(failures).as("seed %d", seed).isEmpty();
        for (int i = 0; i < layers.size(); i++) {
            RemoteLayers.readAll(layers.get(i), samples.get(i), RemoteLayers.page());
            layers.get(i).drop();
        }
        life.layers.shutdown(RequestContext.of(TaskKind.LIFECYCLE));
        life.queue.close(RequestContext.of(TaskKind.LIFECYCLE));
        assertThat(RemoteLayers.files(disk)).isEmpty();
    }

    private static Thread start(List<Throwable> failures, Tasks.Body body) {
        return Thread.ofPlatform().start(() -> {
            try {
                body.run();
            } catch (Throwable e) {
                failures.add(e);
            }
        });
    }

    private static void join(List<Thread> threads) throws InterruptedException {
        for (Thread thread : threads) {
            thread.join();
        }
    }
}
