package dev.palimpsest.storage.compaction;

import static dev.palimpsest.storage.compaction.PlainLayer.l0;
import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.storage.blob.BlobCompression;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Which L0 layers are compacted together. */
class L0PlannerTest {
    private static CompactionSettings settings(int threshold, long maxInputBytes) {
        return new CompactionSettings(threshold, maxInputBytes, 1 << 20, 3, 100, BlobCompression.NONE);
    }

    private static List<PlainLayer> stack(int count) {
        List<PlainLayer> layers = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            layers.add(l0(100 * i + 8, 100 * (i + 1) + 8));
        }
        return layers;
    }

    private static L0Planner.Plan<PlainLayer> plan(List<PlainLayer> layers, CompactionSettings settings) {
        return L0Planner.plan(layers, _ -> 10, settings, L0Planner.Trigger.THRESHOLD);
    }

    @Test
    void fiveAreCompactedAndFourAreNot() {
        CompactionSettings settings = CompactionSettings.DEFAULT;
        assertThat(plan(stack(4), settings).inputs()).isEmpty();
        assertThat(plan(stack(5), settings).inputs()).isEqualTo(stack(5));
        assertThat(L0Planner.plan(stack(1), _ -> 10, settings, L0Planner.Trigger.ALWAYS)
                        .inputs())
                .hasSize(1);
        assertThat(L0Planner.plan(stack(0), _ -> 10, settings, L0Planner.Trigger.ALWAYS)
                        .inputs())
                .isEmpty();
    }

    @Test
    void theOldestComeFirstInWhateverOrderTheyAreTold() {
        List<PlainLayer> shuffled = stack(12);
        Collections.shuffle(shuffled, new Random(1));
        assertThat(plan(shuffled, CompactionSettings.DEFAULT).inputs()).isEqualTo(stack(12));
    }

    @Test
    void aGapEndsTheRun() {
        List<PlainLayer> layers = stack(12);
        layers.remove(4);
        L0Planner.Plan<PlainLayer> plan = plan(layers, CompactionSettings.DEFAULT);
        assertThat(plan.inputs()).isEqualTo(stack(4));
        assertThat(plan.moreLeft()).isTrue();
        layers.remove(1);
        assertThat(plan(layers, CompactionSettings.DEFAULT).inputs()).hasSize(1);
    }

    @Test
    void runsBetweenGapsGoOneAfterTheOtherHoweverShort() {
        List<PlainLayer> layers = new ArrayList<>();
        for (PlainLayer layer : stack(20)) {
            if (layer.lsnStart().value() / 100 % 3 != 2) {
                layers.add(layer); // in the gaps is what was flushed as L1 layers
            }
        }
        int runs = 0;
        L0Planner.Plan<PlainLayer> plan = plan(layers, CompactionSettings.DEFAULT);
        while (!plan.inputs().isEmpty()) {
            assertThat(plan.inputs()).hasSize(2);
            assertThat(plan.inputs().getFirst()).isEqualTo(layers.getFirst());
            assertThat(plan.moreLeft()).isTrue();
            layers.removeAll(plan.inputs());
            plan = plan(layers, CompactionSettings.DEFAULT);
            runs++;
        }
        // Fewer than five are left.
        assertThat(layers).hasSize(4);
        assertThat(runs).isEqualTo(5);
        while (!layers.isEmpty()) {
            L0Planner.Plan<PlainLayer> forced =
                    L0Planner.plan(layers, _ -> 10, CompactionSettings.DEFAULT, L0Planner.Trigger.ALWAYS);
            layers.removeAll(forced.inputs());
            assertThat(forced.moreLeft()).isEqualTo(!layers.isEmpty());
        }
    }

    @Test
    void theFirstDoesNotCountAgainstTheLimitAndTheOneThatReachesItIsIn() {
        assertThat(plan(stack(12), settings(10, 1)).inputs()).hasSize(2);
        assertThat(plan(stack(12), settings(10, 10)).inputs()).hasSize(2);
        assertThat(plan(stack(12), settings(10, 11)).inputs()).hasSize(3);
        L0Planner.Plan<PlainLayer> plan = plan(stack(12), settings(10, 110));
        assertThat(plan.inputs()).hasSize(12);
        assertThat(plan.moreLeft()).isFalse();
        assertThat(plan(stack(12), settings(10, 100)).moreLeft()).isTrue();
    }
}
