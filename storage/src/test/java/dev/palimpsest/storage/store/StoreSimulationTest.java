package dev.palimpsest.storage.store;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The whole store under random use, crashes and faults, each run from one seed. A failure names its seed and world; {@code
 * -Dpalimpsest.seed=N} runs just that seed, in all worlds.
 */
class StoreSimulationTest {
    private static final Logger LOG = LoggerFactory.getLogger(StoreSimulationTest.class);

    @Test
    void calmWorlds() {
        runMany(StoreSimulation.World.CALM, 50);
    }

    @Test
    void crashes() {
        runMany(StoreSimulation.World.CRASHES, 100);
    }

    @Test
    void crashesAndFaults() {
        runMany(StoreSimulation.World.FAULTS, 100);
    }

    @Test
    void severalServers() {
        runMany(StoreSimulation.World.SERVERS, 100);
    }

    @Test
    void unansweredUploads() throws Exception {
        for (long seed = 1; seed <= 50; seed++) {
            UnansweredUploads.run(seed);
        }
    }

    @Test
    @Tag("long")
    void manySeveralServers() {
        runMany(StoreSimulation.World.SERVERS, 2_000);
    }

    @Test
    @Tag("long")
    void manyCalmWorlds() {
        runMany(StoreSimulation.World.CALM, 1_000);
    }

    @Test
    @Tag("long")
    void manyCrashes() {
        runMany(StoreSimulation.World.CRASHES, 4_000);
    }

    @Test
    @Tag("long")
    void manyCrashesAndFaults() {
        runMany(StoreSimulation.World.FAULTS, 4_000);
    }

    @Test
    void aSeedAlwaysDoesTheSame() throws Exception {
        for (StoreSimulation.World world : StoreSimulation.World.values()) {
            for (long seed = 1; seed <= 5; seed++) {
                assertThat(StoreSimulation.run(seed, world))
                        .as("seed %d in world %s", seed, world)
                        .isEqualTo(StoreSimulation.run(seed, world));
            }
        }
    }

    private static void runMany(StoreSimulation.World world, int seeds) {
        Long only = Long.getLong("palimpsest.seed");
        long began = System.nanoTime();
        long steps = 0;
        long reads = 0;
        long detached = 0;
        long archived = 0;
        long renewed = 0;
        long pieces = 0;
        for (long seed = only == null ? 1 : only; seed <= (only == null ? seeds : only); seed++) {
            try {
                StoreSimulation.Outcome outcome = StoreSimulation.run(seed, world);
                steps += outcome.steps();
                reads += outcome.reads();
                detached += outcome.detached();
                archived += outcome.archived();
                renewed += outcome.renewedLeases();
                pieces += outcome.backgroundPieces();
            } catch (Exception | AssertionError e) {
                throw new AssertionError("-Dpalimpsest.seed=" + seed + " fails in world " + world + ": " + e, e);
            }
        }
        double minutes = (System.nanoTime() - began) / 60e9;
        LOG.info(
                "{} schedules of {} in {} s: {} a minute, {} steps and {} reads compared in each;"
                        + " {} timelines detached, {} archived; {} leases renewed; {} pieces of history compacted in the"
                        + " background",
                seeds,
                world,
                Math.round(minutes * 60),
                Math.round(seeds / minutes),
                steps / seeds,
                reads / seeds,
                detached,
                archived,
                renewed,
                pieces);
    }
}
