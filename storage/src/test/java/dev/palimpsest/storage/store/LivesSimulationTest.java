package dev.palimpsest.storage.store;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Servers that contend for a tenant; a failure names its seed, {@code -Dpalimpsest.seed=N} runs just that. */
class LivesSimulationTest {
    @Test
    void whatIsAcknowledgedStaysWhoeverTookIt() {
        runMany(300);
    }

    @Test
    @Tag("long")
    void whatIsAcknowledgedStaysWhoeverTookItWithManySeeds() {
        runMany(20_000);
    }

    private static void runMany(int seeds) {
        Long only = Long.getLong("palimpsest.seed");
        int acknowledged = 0;
        for (long seed = only == null ? 1 : only; seed <= (only == null ? seeds : only); seed++) {
            try {
                acknowledged += LivesSimulation.run(seed);
            } catch (Exception | AssertionError e) {
                throw new AssertionError("-Dpalimpsest.seed=" + seed + " fails: " + e, e);
            }
        }
        assertThat(acknowledged).as("what was acknowledged in all").isGreaterThan(only == null ? 3 * seeds : 0);
    }
}
