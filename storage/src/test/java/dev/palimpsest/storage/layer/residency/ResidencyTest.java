package dev.palimpsest.storage.layer.residency;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.blob.Block;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.layer.Layers;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layer.residency.RemoteLayers.Sample;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.Task;
import dev.palimpsest.storage.simulation.DiskFaults;
import dev.palimpsest.storage.simulation.ObjectStoreFaults;
import dev.palimpsest.storage.simulation.SimulatedDisk;
import dev.palimpsest.storage.simulation.SimulatedObjectStore;
import dev.palimpsest.storage.simulation.SimulatedProcess;
import dev.palimpsest.storage.simulation.Simulation;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ResidencyTest {
    private static final DownloadSettings ONE = new DownloadSettings(1, 1, 1 << 30);
    private static final ObjectStoreFaults ALWAYS_SLOW = ObjectStoreFaults.NONE.withSlow(1, 200_000_000);
    private static final long SEEDS = 20;

    private long seed;
    private Simulation simulation = new Simulation(0);
    private SimulatedDisk disk = simulation.newDisk("disk", DiskFaults.NONE);
    private SimulatedObjectStore store = simulation.newObjectStore("store", ObjectStoreFaults.NONE);
    private List<Sample> samples = List.of();

    private interface Scenario {
        void run(Environment environment) throws Exception;
    }

    /** Runs a scenario in the simulations of some seeds, with three layers in the object store. */
    private void inSimulations(Scenario scenario) throws Exception {
        for (seed = 1; seed <= SEEDS; seed++) {
            simulation = new Simulation(seed);
            disk = simulation.newDisk("disk", DiskFaults.NONE);
            store = simulation.newObjectStore("store", ObjectStoreFaults.NONE);
            samples = RemoteLayers.samples(3, new Random(seed));
            RemoteLayers.upload(store, samples);
            try {
                simulation.run(() -> scenario.run(simulation.environment()));
            } catch (AssertionError | Exception e) {
                throw new AssertionError("seed " + seed, e);
            }
        }
    }

    private RemoteLayers life(Environment environment) throws Exception {
        return new RemoteLayers(environment, disk, store, DownloadSettings.DEFAULT);
    }

    private static void joinAll(List<Task> tasks) throws Exception {
        for (Task task : tasks) {
            task.join();
        }
        for (Task task : tasks) {
            if (task.failure().isPresent()) {
                throw new AssertionError(task.name(), task.failure().get());
            }
        }
    }

    /** Lets the others go on until they wait for what takes long. */
    private static void settle(Environment environment) {
        environment.tasks().sleep(1_000_000, Cancellation.NEVER);
    }

    private void assertNothingHalf() throws Exception {
        assertThat(RemoteLayers.files(disk)).noneMatch(name -> name.contains("temp"));
    }

    @Test
    void aRemoteLayerIsDownloadedOnceHoweverManyAsk() throws Exception {
        inSimulations(environment -> {
            RemoteLayers life = life(environment);
            PersistentLayer layer = life.layers.remote(samples.getFirst().layer());
            assertThat(layer.residency().resident()).isFalse();
            long before = store.calls();
            List<Task> readers = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                boolean whole = i % 2 == 0;
                readers.add(environment.tasks().start("reader " + i, () -> {
                    if (whole) {
                        RemoteLayers.readAll(layer, samples.getFirst(), RequestContext.of(TaskKind.COMPACTION));
                    } else {
                        RemoteLayers.read(layer, samples.getFirst(), RemoteLayers.page());
                    }
                }));
            }
            joinAll(readers);
            assertThat(store.calls() - before).isEqualTo(1);
            assertThat(layer.residency().resident()).isTrue();
            assertThat(RemoteLayers.local(disk, layer.path()))
                    .isEqualTo(samples.getFirst().bytes());
            assertNothingHalf();
        });
    }

    @Test
    void whoWaitsHasItsOwnDeadlineAndCancellation() throws Exception {
        inSimulations(environment -> {
            store.misbehave(ALWAYS_SLOW);
            RemoteLayers life = life(environment);
            PersistentLayer layer = life.layers.remote(samples.getFirst().layer());
            Cancellation cancellation = new Cancellation();
            long before = store.calls();
            List<Task> tasks = new ArrayList<>();
            tasks.add(environment
                    .tasks()
                    .start(
                            "hurried",
                            () -> assertThatThrownBy(() -> RemoteLayers.read(
                                            layer,
                                            samples.getFirst(),
                                            RemoteLayers.page()
                                                    .withDeadline(
                                                            environment.clock().nanos() + 1)))
                                    .isInstanceOf(DeadlineExceededException.class)
                                    .hasMessageContaining(
                                            samples.getFirst().layer().toString())));
            tasks.add(environment
                    .tasks()
                    .start(
                            "cancelled",
                            () -> assertThatThrownBy(() -> RemoteLayers.read(
                                            layer,
                                            samples.getFirst(),
                                            RemoteLayers.page().withCancellation(cancellation)))
                                    .isInstanceOf(CancelledException.class)));
            tasks.add(environment.tasks().start("patient", () -> {
                RemoteLayers.read(layer, samples.getFirst(), RemoteLayers.page());
            }));
            settle(environment);
            cancellation.cancel();
            joinAll(tasks);
            assertThat(store.calls() - before).isEqualTo(1);
            assertThat(layer.references().readers()).isZero();
        });
    }

    @Test
    void aDownloadThatNobodyWaitsForIsWithdrawnBeforeItsTurn() throws Exception {
        inSimulations(environment -> {
            store.misbehave(ALWAYS_SLOW);
            RemoteLayers life = new RemoteLayers(environment, disk, store, ONE);
            PersistentLayer first = life.layers.remote(samples.getFirst().layer());
            PersistentLayer second = life.layers.remote(samples.get(1).layer());
            long before = store.calls();
            Task reader = environment
                    .tasks()
                    .start("reader", () -> RemoteLayers.read(first, samples.getFirst(), RemoteLayers.page()));
            settle(environment);
            assertThatThrownBy(() -> RemoteLayers.read(
                            second,
                            samples.get(1),
                            RemoteLayers.page().withDeadline(environment.clock().nanos() + 1)))
                    .isInstanceOf(DeadlineExceededException.class);
            joinAll(List.of(reader));
            assertThat(life.queue.downloads()).isEmpty();
            assertThat(store.calls() - before).isEqualTo(1);
            RemoteLayers.readAll(second, samples.get(1), RemoteLayers.page());
        });
    }

    @Test
    void aFailedDownloadFailsThoseWhoWaitAndTheNextReadTriesAgain() throws Exception {
        inSimulations(environment -> {
            RemoteLayers life = life(environment);
            PersistentLayer layer = life.layers.remote(samples.getFirst().layer());
            store.misbehave(ALWAYS_SLOW.withFailing(1, 0));
            long before = store.calls();
            List<Task> readers = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                readers.add(environment
                        .tasks()
                        .start(
                                "reader " + i,
                                () -> assertThatThrownBy(
                                                () -> RemoteLayers.read(layer, samples.getFirst(), RemoteLayers.page()))
                                        .isInstanceOf(ObjectStoreException.class)
                                        .hasMessageStartingWith(
                                                "download " + samples.getFirst().layer())
                                        .hasMessageContaining("does not answer")));
            }
            joinAll(readers);
            assertThat(store.calls() - before).isEqualTo(1);
            assertThat(layer.residency().resident()).isFalse();
            assertNothingHalf();
            store.misbehave(ObjectStoreFaults.NONE);
            RemoteLayers.readAll(layer, samples.getFirst(), RemoteLayers.page());
        });
    }

    @Test
    void aFullDiskFailsTheDownloadAndNothingElse() throws Exception {
        inSimulations(environment -> {
            RemoteLayers life = life(environment);
            PersistentLayer layer = life.layers.remote(samples.getFirst().layer());
            disk.misbehave(DiskFaults.NONE.withCapacity(samples.getFirst().bytes().length - 1));
            assertThatThrownBy(() -> RemoteLayers.read(layer, samples.getFirst(), RemoteLayers.page()))
                    .isInstanceOfSatisfying(
                            DiskException.class, e -> assertThat(e.kind()).isEqualTo(DiskException.Kind.RETRYABLE));
            assertNothingHalf();
            disk.misbehave(DiskFaults.NONE);
            RemoteLayers.read(layer, samples.getFirst(), RemoteLayers.page());
        });
    }

    @Test
    void whatComesDamagedIsReportedWithObjectAndOffsetAndNeverServed() throws Exception {
        inSimulations(environment -> {
            RemoteLayers life = life(environment);
            Sample sample = samples.getFirst();
            PersistentLayer layer = life.layers.remote(sample.layer());
            Random random = new Random(seed);
            for (int i = 0; i < 20; i++) {
                byte[] damaged = sample.bytes().clone();
                int at = random.nextInt(damaged.length);
                damaged[at] ^= (byte) (1 << random.nextInt(8));
                assertRefused(layer, sample, damaged, (long) at / Block.SIZE * Block.SIZE);
            }
            byte[] other = samples.get(1).bytes();
            assertRefused(
                    layer,
                    sample,
                    other,
                    other.length == sample.bytes().length ? 0 : Math.min(other.length, sample.bytes().length));
            byte[] shorter = new byte[sample.bytes().length - Block.SIZE];
            System.arraycopy(sample.bytes(), 0, shorter, 0, shorter.length);
            assertRefused(layer, sample, shorter, shorter.length);
            store.delete(sample.key(), RemoteLayers.page());
            assertThatThrownBy(() -> RemoteLayers.read(layer, sample, RemoteLayers.page()))
                    .isInstanceOfSatisfying(
                            ObjectStoreException.class,
                            e -> assertThat(e.kind()).isEqualTo(ObjectStoreException.Kind.NOT_FOUND))
                    .hasMessageContaining(sample.key().value());
            RemoteLayers.put(store, sample.key(), sample.bytes());
            RemoteLayers.readAll(layer, sample, RemoteLayers.page());
        });
    }

    private void assertRefused(PersistentLayer layer, Sample sample, byte[] object, long block) throws Exception {
        RemoteLayers.put(store, sample.key(), object);
        assertThatThrownBy(() -> RemoteLayers.read(layer, sample, RemoteLayers.page()))
                .isInstanceOfSatisfying(CorruptionException.class, e -> {
                    assertThat(e.resource()).isEqualTo(sample.key().value());
                    assertThat(e.offset() / Block.SIZE * Block.SIZE)
                            .as(e.getMessage())
                            .isEqualTo(block);
                });
        assertThat(RemoteLayers.files(disk)).isEmpty();
        assertThat(layer.residency().resident()).isFalse();
    }

    @Test
    void aWaitingPageGoesBeforeBackgroundWork() throws Exception {
        inSimulations(environment -> {
            List<String> order = new ArrayList<>();
            LayerDownloads recorded = (layer, target, progress, context) -> {
                order.add(layer.toString());
                environment.tasks().sleep(100_000_000, Cancellation.NEVER);
                throw new CancelledException("only the order matters here");
            };
            List<Sample> five = RemoteLayers.samples(5, new Random(seed));
            RemoteLayers life = new RemoteLayers(environment, disk, recorded, ONE);
            List<PersistentLayer> layers =
                    five.stream().map(s -> life.layers.remote(s.layer())).toList();
            List<Task> tasks = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                tasks.add(failing(environment, layers.get(i), five.get(i), TaskKind.COMPACTION));
                settle(environment);
            }
            tasks.add(failing(environment, layers.get(4), five.get(4), TaskKind.PAGE_SERVICE));
            settle(environment);
            tasks.add(failing(environment, layers.get(3), five.get(3), TaskKind.PAGE_SERVICE));
            settle(environment);
            assertThat(life.queue.downloads())
                    .extracting(DownloadQueue.Progress::urgent)
                    .containsExactly(false, true, true, false, false);
            joinAll(tasks);
            assertThat(order)
                    .containsExactly(
                            five.get(0).layer().toString(),
                            five.get(4).layer().toString(),
                            five.get(3).layer().toString(),
                            five.get(1).layer().toString(),
                            five.get(2).layer().toString());
        });
    }

    @Test
    void everyKindOfBackgroundWorkLeavesRoomForAPage() throws Exception {
        inSimulations(environment -> {
            List<Sample> some = RemoteLayers.samples(6, new Random(seed));
            long largest = some.stream().mapToLong(s -> s.layer().size()).max().orElseThrow();
            List<TaskKind> patient = List.of(TaskKind.COMPACTION, TaskKind.GC, TaskKind.FLUSH, TaskKind.TOOL);
            List<TaskKind> urgent = List.of(TaskKind.PAGE_SERVICE, TaskKind.LIFECYCLE, TaskKind.INGEST);
            for (TaskKind waits : urgent) {
                LayerDownloads slow = (layer, target, progress, context) -> {
                    environment.tasks().sleep(100_000_000, Cancellation.NEVER);
                    throw new CancelledException("only who runs matters here");
                };
                // As many bytes as two of the layers have: background work alone would take all of them.
                RemoteLayers life =
                        new RemoteLayers(environment, disk, slow, new DownloadSettings(4, 2, 2 * largest + 3));
                List<Task> tasks = new ArrayList<>();
                for (int i = 0; i < patient.size(); i++) {
                    tasks.add(failing(
                            environment,
                            life.layers.remote(some.get(i).layer()),
                            some.get(i),
                            patient.get((i + (int) seed) % patient.size())));
                    settle(environment);
                }
                assertThat(life.queue.downloads())
                        .filteredOn(DownloadQueue.Progress::running)
                        .as("%s beside %s", waits, patient)
                        .hasSizeBetween(1, 2);
                tasks.add(failing(environment, life.layers.remote(some.get(5).layer()), some.get(5), waits));
                settle(environment);
                assertThat(life.queue.downloads())
                        .as("%s beside %s", waits, patient)
                        .contains(new DownloadQueue.Progress(some.get(5).layer(), true, true, 0));
                joinAll(tasks);
            }
        });
    }

    @Test
    void whatAPageWaitsForIsAskedOfTheStoreInThePagesName() throws Exception {
        inSimulations(environment -> {
            List<TaskKind> kinds = new ArrayList<>();
            LayerDownloads recorded = (layer, target, progress, context) -> {
                kinds.add(context.taskKind());
                environment.tasks().sleep(100_000_000, Cancellation.NEVER);
                throw new CancelledException("only the kind matters here");
            };
            RemoteLayers life = new RemoteLayers(environment, disk, recorded, ONE);
            List<PersistentLayer> layers =
                    samples.stream().map(s -> life.layers.remote(s.layer())).toList();
            List<Task> tasks = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                tasks.add(failing(environment, layers.get(i), samples.get(i), TaskKind.COMPACTION));
                settle(environment);
            }
            tasks.add(failing(environment, layers.get(2), samples.get(2), TaskKind.LIFECYCLE));
            settle(environment);
            tasks.add(failing(environment, layers.get(2), samples.get(2), TaskKind.PAGE_SERVICE));
            settle(environment);
            assertThat(life.layers.inProgress()).hasSize(3);
            joinAll(tasks);
            assertThat(kinds).containsExactly(TaskKind.COMPACTION, TaskKind.PAGE_SERVICE, TaskKind.COMPACTION);
            assertThat(life.layers.inProgress()).isEmpty();
        });
    }

    private static Task failing(Environment environment, PersistentLayer layer, Sample sample, TaskKind kind) {
        return environment
                .tasks()
                .start(
                        "read " + layer,
                        () -> assertThatThrownBy(() -> RemoteLayers.read(layer, sample, RequestContext.of(kind)))
                                .isInstanceOf(CancelledException.class));
    }

    @Test
    void notMoreIsDownloadedAtOnceThanMayBe() throws Exception {
        inSimulations(environment -> {
            List<Sample> many = RemoteLayers.samples(12, new Random(seed));
            long largest = many.stream().mapToLong(s -> s.layer().size()).max().orElseThrow();
            DownloadSettings settings = new DownloadSettings(4, 2, 2 * largest);
            int[] now = new int[2];
            int[] most = new int[2];
            long[] bytes = new long[2];
            LayerDownloads counting = (layer, target, progress, context) -> {
                int background = context.taskKind() == TaskKind.COMPACTION ? 1 : 0;
                most[0] = Math.max(most[0], ++now[0]);
                now[1] += background;
                most[1] = Math.max(most[1], now[1]);
                bytes[0] += layer.size();
                bytes[1] = Math.max(bytes[1], bytes[0]);
                environment.tasks().sleep(100_000_000, Cancellation.NEVER);
                now[0]--;
                now[1] -= background;
                bytes[0] -= layer.size();
                throw new CancelledException("only the number matters here");
            };
            RemoteLayers life = new RemoteLayers(environment, disk, counting, settings);
            List<Task> tasks = new ArrayList<>();
            for (int i = 0; i < many.size(); i++) {
                TaskKind kind = i < 6 ? TaskKind.COMPACTION : TaskKind.PAGE_SERVICE;
                tasks.add(failing(environment, life.layers.remote(many.get(i).layer()), many.get(i), kind));
            }
            joinAll(tasks);
            assertThat(most[0]).isBetween(2, 4);
            assertThat(most[1]).isBetween(1, 2);
            assertThat(bytes[1]).isBetween(largest, 2 * largest);
        });
    }

    @Test
    void onlyWhatIsUploadedIsEvictedAndComesBackWhenItIsRead() throws Exception {
        inSimulations(environment -> {
            Sample sample = samples.getFirst();
            RemoteLayers life = life(environment);
            life.layers.remote(sample.layer()).retire();
            PersistentLayer layer = life.layers.written(
                    sample.layer().fileName(), sample.layer().size());
            new Layers(disk).replace(sample.path(), sample.bytes());
            assertThat(layer.evict()).isEqualTo(PersistentLayer.Eviction.NOT_UPLOADED);
            RemoteLayers.readAll(layer, sample, RemoteLayers.page());
            long before = store.calls();
            layer.uploaded();
            assertThat(layer.evict()).isEqualTo(PersistentLayer.Eviction.EVICTED);
            assertThat(layer.evict()).isEqualTo(PersistentLayer.Eviction.NOT_RESIDENT);
            assertThat(RemoteLayers.files(disk)).isEmpty();
            assertThat(disk.openFiles()).isEmpty();
            RemoteLayers.readAll(layer, sample, RemoteLayers.page());
            assertThat(store.calls() - before).isEqualTo(1);
            layer.drop();
            assertThat(RemoteLayers.files(disk)).isEmpty();
            assertThat(layer.evict()).isEqualTo(PersistentLayer.Eviction.NOT_RESIDENT);
        });
    }

    @Test
    void whatIsReadGoesWhenItIsReadNoMore() throws Exception {
        inSimulations(environment -> {
            RemoteLayers life = life(environment);
            PersistentLayer layer = life.layers.remote(samples.getFirst().layer());
            assertThat(layer.tryAcquire()).isTrue();
            RemoteLayers.read(layer, samples.getFirst(), RemoteLayers.page());
            assertThat(layer.evict()).isEqualTo(PersistentLayer.Eviction.WHEN_IDLE);
            RemoteLayers.readAll(layer, samples.getFirst(), RemoteLayers.page());
            assertThat(layer.residency().resident()).isTrue();
            layer.release();
            assertThat(layer.residency().resident()).isFalse();
            assertThat(RemoteLayers.files(disk)).isEmpty();
            RemoteLayers.read(layer, samples.getFirst(), RemoteLayers.page());
            assertThat(layer.residency().resident()).isTrue();
        });
    }

    @Test
    void aLayerThatIsDroppedWhileItComesLeavesNothing() throws Exception {
        inSimulations(environment -> {
            store.misbehave(ALWAYS_SLOW);
            RemoteLayers life = life(environment);
            PersistentLayer layer = life.layers.remote(samples.getFirst().layer());
            Task reader = environment
                    .tasks()
                    .start(
                            "reader",
                            () -> assertThatThrownBy(() -> RemoteLayers.read(
                                            layer,
                                            samples.getFirst(),
                                            RemoteLayers.page()
                                                    .withDeadline(
                                                            environment.clock().nanos() + 2_000_000)))
                                    .isInstanceOf(DeadlineExceededException.class));
            settle(environment);
            layer.drop();
            joinAll(List.of(reader));
            life.layers.shutdown(RequestContext.of(TaskKind.LIFECYCLE));
            assertThat(RemoteLayers.files(disk)).isEmpty();
            assertThat(disk.openFiles()).isEmpty();
        });
    }

    @Test
    void aShutdownEndsDownloadsAndThoseWhoWait() throws Exception {
        inSimulations(environment -> {
            store.misbehave(ALWAYS_SLOW);
            RemoteLayers life = new RemoteLayers(environment, disk, store, ONE);
            List<PersistentLayer> layers =
                    samples.stream().map(s -> life.layers.remote(s.layer())).toList();
            List<Task> readers = new ArrayList<>();
            // What has all but come may come; the others wait for their turn.
            Task first = environment
                    .tasks()
                    .start(
                            "first",
                            () -> RemoteLayers.read(layers.getFirst(), samples.getFirst(), RemoteLayers.page()));
            settle(environment);
            for (int i = 1; i < layers.size(); i++) {
                readers.add(failing(environment, layers.get(i), samples.get(i), TaskKind.PAGE_SERVICE));
                settle(environment);
            }
            life.layers.shutdown(RequestContext.of(TaskKind.LIFECYCLE));
            joinAll(readers);
            first.join();
            assertThat(first.failure())
                    .satisfiesAnyOf(
                            failure -> assertThat(failure).isEmpty(),
                            failure -> assertThat(failure).containsInstanceOf(CancelledException.class));
            assertThat(life.queue.downloads()).isEmpty();
            assertNothingHalf();
            assertThat(layers.getFirst().evict()).isEqualTo(PersistentLayer.Eviction.NOT_RESIDENT);
            assertThatThrownBy(() -> RemoteLayers.read(layers.get(2), samples.get(2), RemoteLayers.page()))
                    .isInstanceOf(CancelledException.class);
            life.queue.close(RequestContext.of(TaskKind.LIFECYCLE));
        });
    }

    @Test
    void aCrashInTheMiddleLeavesTheWholeFileOrNone() throws Exception {
        long steps = 0;
        for (long crashAt = 0; crashAt <= steps; crashAt++) {
            simulation = new Simulation(7);
            disk = simulation.newDisk("disk", DiskFaults.NONE);
            store = simulation.newObjectStore("store", ObjectStoreFaults.NONE);
            samples = RemoteLayers.samples(1, new Random(7));
            RemoteLayers.upload(store, samples);
            Sample sample = samples.getFirst();
            long step = crashAt;
            long[] taken = new long[1];
            simulation.run(() -> {
                long before = simulation.steps();
                if (step > 0) {
                    simulation.crashAtStep(before + step);
                }
                SimulatedProcess first = simulation.start("first life", disk, environment -> {
                    RemoteLayers life = life(environment);
                    RemoteLayers.readAll(life.layers.remote(sample.layer()), sample, RemoteLayers.page());
                });
                first.join();
                simulation.crashNoMore();
                taken[0] = simulation.steps() - before;
                byte[] found = RemoteLayers.local(disk, sample.path());
                if (found.length > 0) {
                    assertThat(found).as("crash at step %d", step).isEqualTo(sample.bytes());
                }
                simulation
                        .start("second life", disk, environment -> {
                            RemoteLayers life = life(environment);
                            PersistentLayer layer = found.length > 0
                                    ? life.layers.resident(sample.layer())
                                    : life.layers.remote(sample.layer());
                            RemoteLayers.readAll(layer, sample, RemoteLayers.page());
                        })
                        .joinSuccessfully();
            });
            if (step == 0) {
                steps = taken[0];
                assertThat(steps).isGreaterThan(10);
            }
        }
    }
}
