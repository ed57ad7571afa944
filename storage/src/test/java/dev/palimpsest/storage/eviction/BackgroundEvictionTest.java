package dev.palimpsest.storage.eviction;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.layer.Layers;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layer.residency.EvictableLayers;
import dev.palimpsest.storage.layermap.LayerVisibility;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.simulation.DiskFaults;
import dev.palimpsest.storage.simulation.ObjectStoreFaults;
import dev.palimpsest.storage.simulation.SimulatedDisk;
import dev.palimpsest.storage.simulation.SimulatedObjectStore;
import dev.palimpsest.storage.simulation.Simulation;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class BackgroundEvictionTest {
    private final Simulation simulation = new Simulation(1);
    private final SimulatedDisk disk = simulation.newDisk("disk", DiskFaults.NONE);
    private final SimulatedObjectStore store = simulation.newObjectStore("store", ObjectStoreFaults.NONE);

    private record OneTimeline(TimelineId id, LayerVisibility<PersistentLayer> persistentLayers)
            implements BackgroundEviction.EvictableTimeline {}

    private BackgroundEviction start(Environment environment, EvictionSettings settings, EvictableLayers evictable) {
        List<PersistentLayer> layers = evictable.layers();
        OneTimeline timeline = new OneTimeline(Layers.TIMELINE, new LayerVisibility<>(layers, List.of()));
        return new BackgroundEviction(
                environment,
                settings,
                disk,
                Layers.DIRECTORY,
                evictable.resident(),
                () -> List.of(timeline),
                new PrometheusRegistry());
    }

    private static long resident(List<PersistentLayer> layers) {
        return layers.stream().filter(layer -> layer.residency().resident()).count();
    }

    @Test
    void theDiskStaysBelowItsLimits() throws Exception {
        simulation.run(() -> {
            Environment environment = simulation.environment();
            EvictableLayers all = new EvictableLayers(environment, disk, store, 4);
            List<PersistentLayer> layers = all.layers();
            for (int i = 0; i < layers.size(); i++) {
                all.read(i);
                environment.tasks().sleep(Duration.ofSeconds(5).toNanos(), Cancellation.NEVER);
            }
            all.read(0);
            assertThat(resident(layers)).isEqualTo(4);
            long bytes = layers.stream().mapToLong(PersistentLayer::size).sum();
            EvictionSettings settings = EvictionSettings.DEFAULT
                    .withMinFreeBytes(0)
                    .withMinResidentBytes(0)
                    .withMaxLocalBytes(bytes - 1);
            try (BackgroundEviction _ = start(environment, settings, all)) {
                environment.tasks().sleep(settings.period().toNanos() * 3 / 2, Cancellation.NEVER);
            }
            assertThat(layers)
                    .extracting(layer -> layer.residency().resident())
                    .containsExactly(true, false, true, true);
            all.read(1);
            assertThat(resident(layers)).isEqualTo(4);
        });
    }

    @Test
    void aLayerThatComesMakesAnotherGoAtOnce() throws Exception {
        simulation.run(() -> {
            Environment environment = simulation.environment();
            int count = 8;
            long limit = new EvictableLayers(environment, disk, store, count)
                            .layers().stream().mapToLong(PersistentLayer::size).sum()
                    / 4;
            EvictableLayers all = new EvictableLayers(environment, disk, store, count, limit);
            long largest =
                    all.layers().stream().mapToLong(PersistentLayer::size).max().orElseThrow();
            EvictionSettings settings =
                    EvictionSettings.DEFAULT.withMinFreeBytes(0).withMaxLocalBytes(limit);
            long began = environment.clock().nanos();
            try (BackgroundEviction _ = start(environment, settings, all)) {
                for (int i = 0; i < 3 * count; i++) {
                    all.read(i % count);
                    assertThat(disk.usedBytes()).isEqualTo(all.resident().bytes());
                    assertThat(all.resident().bytes()).isBetween(1L, limit + 2 * largest);
                }
                environment.tasks().sleep(1_000_000, Cancellation.NEVER);
                assertThat(all.resident().bytes()).isBetween(1L, limit);
            }
            assertThat(environment.clock().nanos() - began)
                    .isLessThan(settings.period().toNanos());
        });
    }

    @Test
    void whereNothingCanGoWhatIsReadComesAllTheSame() throws Exception {
        simulation.run(() -> {
            Environment environment = simulation.environment();
            EvictableLayers all = new EvictableLayers(environment, disk, store, 6, 1);
            EvictionSettings settings =
                    EvictionSettings.DEFAULT.withMinFreeBytes(0).withMaxLocalBytes(1);
            try (BackgroundEviction eviction = start(environment, settings, all)) {
                for (int i = 0; i < 6; i++) {
                    assertThat(all.layers().get(i).tryAcquire()).isTrue();
                    all.read(i);
                }
                assertThat(resident(all.layers())).isEqualTo(6);
                all.layers().forEach(PersistentLayer::release);
                eviction.evictOnce();
                assertThat(resident(all.layers())).isZero();
                assertThat(all.resident().bytes()).isZero();
            }
            // Nobody evicts any more, and the limit holds nobody up.
            for (int i = 0; i < 6; i++) {
                all.read(i);
            }
            assertThat(resident(all.layers())).isEqualTo(6);
        });
    }

    @Test
    void aFullFileSystemGetsRoom() throws Exception {
        simulation.run(() -> {
            Environment environment = simulation.environment();
            EvictableLayers all = new EvictableLayers(environment, disk, store, 3);
            for (int i = 0; i < 3; i++) {
                all.read(i);
            }
            long bytes = all.layers().stream().mapToLong(PersistentLayer::size).sum();
            disk.misbehave(DiskFaults.NONE.withCapacity(bytes));
            try (BackgroundEviction eviction =
                    start(environment, EvictionSettings.DEFAULT.withMinFreeBytes(bytes), all)) {
                BackgroundEviction.Outcome outcome = eviction.evictOnce();
                assertThat(outcome).isEqualTo(new BackgroundEviction.Outcome(3, bytes, 0, 0));
            }
            assertThat(disk.space(Layers.DIRECTORY).usableBytes()).isEqualTo(bytes);
        });
    }

    @Test
    void whatIsReadWaitsAndADiskThatDoesNotAnswerHarmsNothing() throws Exception {
        simulation.run(() -> {
            Environment environment = simulation.environment();
            EvictableLayers all = new EvictableLayers(environment, disk, store, 1);
            PersistentLayer layer = all.layers().getFirst();
            all.read(0);
            assertThat(layer.tryAcquire()).isTrue();
            EvictionSettings settings = EvictionSettings.DEFAULT.withMaxLocalBytes(0);
            try (BackgroundEviction eviction = start(environment, settings, all)) {
                disk.misbehave(DiskFaults.NONE.withFailingChanges(1));
                assertThat(eviction.evictOnce()).isEqualTo(new BackgroundEviction.Outcome(0, 0, 1, 0));
                disk.misbehave(DiskFaults.NONE);
                assertThat(layer.residency().resident()).isTrue();
                layer.release();
                assertThat(layer.residency().resident()).isFalse();
            }
        });
    }
}
