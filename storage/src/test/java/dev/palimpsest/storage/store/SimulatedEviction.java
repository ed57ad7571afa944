package dev.palimpsest.storage.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.storage.eviction.BackgroundEviction;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layermap.LayerVisibility;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.simulation.SimulatedDisk;
import dev.palimpsest.storage.timeline.TenantTimelines;
import dev.palimpsest.storage.timeline.Timeline;
import java.util.SplittableRandom;

/** Evicts layers of a simulated store at random, and looks whether those that are here are here in whole. */
final class SimulatedEviction {
    private final long seed;
    private final SplittableRandom random;
    private int evictions;

    /** @param random the simulation's */
    SimulatedEviction(long seed, SplittableRandom random) {
        this.seed = seed;
        this.random = random;
    }

    /** How many layers left the local disk. */
    int evictions() {
        return evictions;
    }

    /** Now and then some layers go, whoever needs them; and what is said to be here always is. */
    void evictOften(Environment environment, SimulatedDisk disk, TenantTimelines store, int count) {
        for (int i = 0; i < count; i++) {
            environment.tasks().sleep(random.nextLong(300_000_000L), Cancellation.NEVER);
            boolean all = random.nextInt(8) == 0;
            for (BackgroundEviction.EvictableTimeline timeline : store.evictable()) {
                LayerVisibility<PersistentLayer> layers = timeline.persistentLayers();
                for (PersistentLayer layer : random.nextBoolean() ? layers.visible() : layers.covered()) {
                    if ((all || random.nextInt(4) == 0) && layer.evict() == PersistentLayer.Eviction.EVICTED) {
                        evictions++;
                    }
                }
            }
            checkResidency(store, disk);
        }
    }

    /** A layer is here only if its whole file is: this looks at both at the same moment. */
    void checkResidency(TenantTimelines store, SimulatedDisk disk) {
        for (Timeline timeline : store.all()) {
            timeline.layers()
                    .historicLayers()
                    .map(PersistentLayer.class::cast)
                    .filter(layer -> layer.residency().resident())
                    .forEach(layer -> assertThat(disk.size(layer.path()))
                            .as("seed %d: the file of layer %s, which is here", seed, layer)
                            .isEqualTo(layer.size()));
        }
    }
}
