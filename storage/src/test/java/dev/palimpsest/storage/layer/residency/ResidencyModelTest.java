package dev.palimpsest.storage.layer.residency;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.layer.Layers;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layer.PersistentLayer.Eviction;
import dev.palimpsest.storage.layer.residency.RemoteLayers.Sample;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.Task;
import dev.palimpsest.storage.simulation.DiskFaults;
import dev.palimpsest.storage.simulation.ObjectStoreFaults;
import dev.palimpsest.storage.simulation.SimulatedDisk;
import dev.palimpsest.storage.simulation.SimulatedObjectStore;
import dev.palimpsest.storage.simulation.Simulation;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Readers, evictors and owners of some layers at once, in many schedules. The model is small: whatever happens, a read gives
 * what was written or fails for a reason that was injected; a file that is not uploaded is here; and when all is quiet, a
 * layer is resident if and only if its file is here, whole, and nothing else is.
 */
class ResidencyModelTest {
    private static final int LAYERS = 3;

    /** What is injected. */
    enum Weather {
        CALM,
        SLOW,
        FAULTS
    }

    @ParameterizedTest
    @EnumSource
    void everyReadIsRightAndEveryStateIsTrue(Weather weather) throws Exception {
        run(weather, Long.getLong("palimpsest.seed", 1), 60);
    }

    @Test
    @Tag("long")
    void manySeeds() throws Exception {
        for (Weather weather : Weather.values()) {
            run(weather, Long.getLong("palimpsest.seed", 1000), 5_000);
        }
    }

    private static void run(Weather weather, long firstSeed, int seeds) throws Exception {
        Totals totals = new Totals();
        for (long seed = firstSeed; seed < firstSeed + seeds; seed++) {
            try {
                new World(seed, weather, totals).live();
            } catch (AssertionError | Exception e) {
                throw new AssertionError(weather + ", -Dpalimpsest.seed=" + seed, e);
            }
        }
        // A run in which nothing happens finds nothing.
        assertThat(totals.reads).isGreaterThan(20L * seeds);
        assertThat(totals.evicted).isGreaterThan(seeds);
        assertThat(totals.postponed).isPositive();
        assertThat(totals.downloads).isGreaterThan(2L * seeds);
    }

    private static final class Totals {
        long reads;
        long evicted;
        long postponed;
        long downloads;
    }

    private static final class World {
        private final Weather weather;
        private final Totals totals;
        private final Simulation simulation;
        private final SplittableRandom random;
        private final SimulatedDisk disk;
        private final SimulatedObjectStore store;
        private final List<Sample> samples;
        private final List<PersistentLayer> layers = new ArrayList<>();
        private final boolean[] uploaded = new boolean[LAYERS];

        World(long seed, Weather weather, Totals totals) throws StorageException {
            this.weather = weather;
            this.totals = totals;
            this.simulation = new Simulation(seed);
            this.random = simulation.random("test");
            this.disk = simulation.newDisk("disk", DiskFaults.NONE);
            this.store = simulation.newObjectStore("store", ObjectStoreFaults.NONE);
            this.samples = RemoteLayers.samples(LAYERS, new Random(seed));
            RemoteLayers.upload(store, samples);
        }

        void live() throws Exception {
            simulation.run(() -> live(simulation.environment()));
        }

        private void live(Environment environment) throws Exception {
            RemoteLayers life = new RemoteLayers(
                    environment,
                    disk,
                    store,
                    new DownloadSettings(1 + random.nextInt(3), 1, 1 + random.nextInt(300_000)));
            for (int i = 0; i < LAYERS; i++) {
                layers.add(open(life, i));
            }
            misbehave();
            List<Task> tasks = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                tasks.add(environment.tasks().start("reader " + i, () -> readOften(environment)));
            }
            for (int i = 0; i < 2; i++) {
                tasks.add(environment.tasks().start("evictor " + i, () -> evictOften(environment)));
            }
            int droppedAfter = random.nextInt(200);
            for (Task task : tasks) {
                task.join();
                if (task.failure().isPresent()) {
                    throw new AssertionError(task.name(), task.failure().get());
                }
            }
            disk.misbehave(DiskFaults.NONE);
            store.misbehave(ObjectStoreFaults.NONE);
            environment.tasks().sleep(1_000_000_000, Cancellation.NEVER);
            checkQuiet(life);
            for (int i = 0; i < LAYERS; i++) {
                RemoteLayers.readAll(layers.get(i), samples.get(i), RemoteLayers.page());
            }
            end(environment, life, droppedAfter);
        }

        private PersistentLayer open(RemoteLayers life, int i) throws StorageException {
            Sample sample = samples.get(i);
            uploaded[i] = random.nextInt(4) > 0;
            if (uploaded[i] && random.nextBoolean()) {
                return life.layers.remote(sample.layer());
            }
            new Layers(disk).replace(sample.path(), sample.bytes());
            return uploaded[i]
                    ? life.layers.resident(sample.layer())
                    : life.layers.written(
                            sample.layer().fileName(), sample.layer().size());
        }

        private void misbehave() {
            switch (weather) {
                case CALM -> {}
                case SLOW -> {
                    disk.misbehave(DiskFaults.SLOW);
                    store.misbehave(ObjectStoreFaults.SLOW);
                }
                case FAULTS -> {
                    disk.misbehave(DiskFaults.SLOW.withFailingWrites(0.05, 0.05).withFailingChanges(0.05));
                    store.misbehave(ObjectStoreFaults.SLOW.withFailing(0.2, 0));
                }
            }
        }

        private void readOften(Environment environment) throws StorageException {
            for (int n = 0; n < 15; n++) {
                int i = random.nextInt(LAYERS);
                TaskKind kind = random.nextInt(3) == 0 ? TaskKind.COMPACTION : TaskKind.PAGE_SERVICE;
                RequestContext context = RequestContext.of(kind);
                boolean hurried = random.nextInt(5) == 0;
                if (hurried) {
                    context = context.withDeadline(environment.clock().nanos() + random.nextLong(50_000_000));
                }
                try {
                    if (random.nextInt(4) == 0) {
                        RemoteLayers.readAll(layers.get(i), samples.get(i), context);
                    } else {
                        RemoteLayers.read(layers.get(i), samples.get(i), context);
                    }
                    totals.reads++;
                } catch (DeadlineExceededException e) {
                    assertThat(hurried).as(e.getMessage()).isTrue();
                } catch (CancelledException e) {
                    throw new AssertionError("nobody has cancelled anything", e);
                } catch (StorageException e) {
                    assertThat(weather).as(e.getMessage()).isEqualTo(Weather.FAULTS);
                    assertThat(e.isRetryable()
                                    || String.valueOf(e.getMessage()).contains("EIO")
                                    || String.valueOf(e.getMessage()).contains("simulated"))
                            .as(e.getMessage())
                            .isTrue();
                }
                if (random.nextBoolean()) {
                    environment.tasks().sleep(random.nextInt(20_000_000), Cancellation.NEVER);
                }
            }
        }

        private void evictOften(Environment environment) throws StorageException {
            for (int n = 0; n < 15; n++) {
                int i = random.nextInt(LAYERS);
                if (random.nextInt(8) == 0) {
                    layers.get(i).uploaded();
                    uploaded[i] = true;
                }
                boolean mayGo = uploaded[i];
                Eviction done = layers.get(i).evict();
                assertThat(mayGo || done == Eviction.NOT_UPLOADED || uploaded[i])
                        .as("%s of a layer that is not uploaded", done)
                        .isTrue();
                totals.evicted += done == Eviction.EVICTED ? 1 : 0;
                totals.postponed += done == Eviction.WHEN_IDLE ? 1 : 0;
                environment.tasks().sleep(random.nextInt(30_000_000), Cancellation.NEVER);
            }
        }

        private void checkQuiet(RemoteLayers life) throws StorageException {
            assertThat(life.queue.downloads()).isEmpty();
            List<String> expected = new ArrayList<>();
            long bytes = 0;
            for (int i = 0; i < LAYERS; i++) {
                PersistentLayer.Residency residency = layers.get(i).residency();
                assertThat(layers.get(i).references().readers()).isZero();
                assertThat(residency.resident() || uploaded[i]).isTrue();
                byte[] file = RemoteLayers.local(disk, samples.get(i).path());
                if (residency.resident()) {
                    assertThat(file).isEqualTo(samples.get(i).bytes());
                    expected.add(samples.get(i).layer().fileName().local());
                    bytes += file.length;
                } else if (weather != Weather.FAULTS) {
                    // A disk that fails may keep what was to be deleted.
                    assertThat(file).isEmpty();
                }
            }
            assertThat(life.queue.resident().bytes()).isEqualTo(bytes);
            if (weather != Weather.FAULTS) {
                assertThat(RemoteLayers.files(disk)).containsExactlyInAnyOrderElementsOf(expected);
            }
            totals.downloads += store.calls() - LAYERS;
        }

        /** The owner lets go while somebody may be reading, evicting or waiting for a download. */
        private void end(Environment environment, RemoteLayers life, int afterMicros) throws Exception {
            List<Task> tasks = new ArrayList<>();
            for (int i = 0; i < LAYERS; i++) {
                PersistentLayer layer = layers.get(i);
                Sample sample = samples.get(i);
                layer.uploaded();
                tasks.add(environment.tasks().start("evict", layer::evict));
                tasks.add(environment.tasks().start("read", () -> {
                    if (layer.tryAcquire()) {
                        try {
                            assertThat(Layers.all(layer.iterator(RemoteLayers.page())))
                                    .isEqualTo(sample.contents());
                        } finally {
                            layer.release();
                        }
                    }
                }));
            }
            environment.tasks().sleep(afterMicros * 1000L, Cancellation.NEVER);
            layers.forEach(PersistentLayer::drop);
            for (Task task : tasks) {
                task.join();
                if (task.failure().isPresent()) {
                    throw new AssertionError(task.name(), task.failure().get());
                }
            }
            life.layers.shutdown(RequestContext.of(TaskKind.LIFECYCLE));
            life.queue.close(RequestContext.of(TaskKind.LIFECYCLE));
            assertThat(disk.openFiles()).isEmpty();
            assertThat(life.queue.resident().bytes()).isZero();
            if (weather != Weather.FAULTS) {
                assertThat(RemoteLayers.files(disk)).isEmpty();
            }
        }
    }
}
