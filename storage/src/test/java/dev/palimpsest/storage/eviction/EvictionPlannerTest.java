package dev.palimpsest.storage.eviction;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.eviction.EvictionPlan.Reason;
import dev.palimpsest.storage.eviction.EvictionPlanner.Candidate;
import dev.palimpsest.storage.eviction.EvictionPlanner.Situation;
import dev.palimpsest.storage.layer.LayerKind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class EvictionPlannerTest {
    private static final TimelineId A = new TimelineId(0, 1);
    private static final TimelineId B = new TimelineId(0, 2);
    private static final long SECOND = 1_000_000_000;
    private static final long NOW = 100_000 * SECOND;
    private static final Situation ROOMY = new Situation(Long.MAX_VALUE, NOW);
    private static final EvictionSettings SETTINGS =
            EvictionSettings.DEFAULT.withMinFreeBytes(0).withMinResidentBytes(0);

    private static Candidate<String> delta(String name, long bytes, long usedSecondsAgo) {
        return new Candidate<>(name, A, bytes, LayerKind.DELTA, true, true, NOW - usedSecondsAgo * SECOND);
    }

    private static Candidate<String> image(String name, long bytes, long usedSecondsAgo) {
        return new Candidate<>(name, A, bytes, LayerKind.IMAGE, true, true, NOW - usedSecondsAgo * SECOND);
    }

    private static Candidate<String> covered(Candidate<String> it) {
        return new Candidate<>(it.layer(), it.timeline(), it.bytes(), it.kind(), false, it.uploaded(), it.usedNanos());
    }

    private static Candidate<String> local(Candidate<String> it) {
        return new Candidate<>(it.layer(), it.timeline(), it.bytes(), it.kind(), it.visible(), false, it.usedNanos());
    }

    private static Candidate<String> on(TimelineId timeline, Candidate<String> it) {
        return new Candidate<>(
                it.layer(), timeline, it.bytes(), it.kind(), it.visible(), it.uploaded(), it.usedNanos());
    }

    private static List<String> names(EvictionPlan<String> plan) {
        return plan.steps().stream().map(EvictionPlan.Step::layer).toList();
    }

    @Test
    void nothingGoesWhileLimitsAreKept() {
        List<Candidate<String>> layers = List.of(delta("a", 60, 5000), image("b", 40, 9000));
        EvictionPlan<String> plan = EvictionPlanner.plan(
                layers, new Situation(100, NOW), SETTINGS.withMaxLocalBytes(100).withMinFreeBytes(100));
        assertThat(plan.steps()).isEmpty();
        assertThat(plan.missingBytes()).isZero();
    }

    @Test
    void theOldestGoUntilTheLimitIsKept() {
        List<Candidate<String>> layers = List.of(delta("young", 50, 1), delta("oldest", 30, 90), delta("old", 20, 80));
        assertThat(names(EvictionPlanner.plan(layers, ROOMY, SETTINGS.withMaxLocalBytes(99))))
                .containsExactly("oldest");
        assertThat(names(EvictionPlanner.plan(layers, ROOMY, SETTINGS.withMaxLocalBytes(70))))
                .containsExactly("oldest");
        assertThat(names(EvictionPlanner.plan(layers, ROOMY, SETTINGS.withMaxLocalBytes(69))))
                .containsExactly("oldest", "old");
        assertThat(names(EvictionPlanner.plan(layers, ROOMY, SETTINGS.withMaxLocalBytes(0))))
                .containsExactly("oldest", "old", "young");
    }

    @Test
    void theFileSystemKeepsRoom() {
        List<Candidate<String>> layers = List.of(delta("a", 50, 1), delta("b", 30, 90));
        EvictionPlan<String> plan =
                EvictionPlanner.plan(layers, new Situation(1000, NOW), SETTINGS.withMinFreeBytes(1031));
        assertThat(plan.steps())
                .containsExactly(
                        new EvictionPlan.Step<>("b", 30, Reason.PRESSURE),
                        new EvictionPlan.Step<>("a", 50, Reason.PRESSURE));
        assertThat(plan.bytes()).isEqualTo(80);
    }

    @Test
    void whatIsCoveredGoesFirst() {
        List<Candidate<String>> layers = List.of(delta("needed", 10, 5000), covered(image("covered", 10, 1)));
        assertThat(names(EvictionPlanner.plan(layers, ROOMY, SETTINGS.withMaxLocalBytes(19))))
                .containsExactly("covered");
    }

    @Test
    void anImageStaysLongerThanADelta() {
        List<Candidate<String>> layers =
                List.of(image("image", 10, 900), delta("delta", 10, 400), delta("new", 10, 200));
        assertThat(names(EvictionPlanner.plan(layers, ROOMY, SETTINGS.withMaxLocalBytes(0))))
                .as("ten minutes of grace: as if it had been read 300 s ago")
                .containsExactly("delta", "image", "new");
    }

    @Test
    void ofEachTimelineTheNewestGoesLast() {
        List<Candidate<String>> layers = List.of(
                delta("a old", 10, 500),
                delta("a new", 10, 400),
                on(B, delta("b oldest", 10, 5000)),
                on(B, covered(delta("b covered", 10, 1))));
        assertThat(names(EvictionPlanner.plan(
                        layers, ROOMY, SETTINGS.withMinResidentBytes(10).withMaxLocalBytes(0))))
                .containsExactly("b covered", "a old", "b oldest", "a new");
    }

    @Test
    void whatIsNotUploadedStaysAndIsReportedAsMissing() {
        List<Candidate<String>> layers = List.of(local(delta("only here", 70, 9000)), delta("both", 30, 1));
        EvictionPlan<String> plan = EvictionPlanner.plan(
                layers,
                ROOMY,
                SETTINGS.withMaxLocalBytes(50).withIdle(Optional.of(Duration.ofSeconds(10)), Optional.empty()));
        assertThat(names(plan)).containsExactly("both");
        assertThat(plan.missingBytes()).isEqualTo(20);
    }

    @Test
    void whatIsIdleGoesWithoutPressure() {
        List<Candidate<String>> layers =
                List.of(delta("a", 10, 99), delta("b", 10, 100), image("c", 10, 200), covered(delta("d", 10, 30)));
        EvictionSettings settings =
                SETTINGS.withIdle(Optional.of(Duration.ofSeconds(100)), Optional.of(Duration.ofSeconds(30)));
        EvictionPlan<String> plan = EvictionPlanner.plan(layers, ROOMY, settings);
        assertThat(plan.steps())
                .containsExactly(
                        new EvictionPlan.Step<>("c", 10, Reason.IDLE),
                        new EvictionPlan.Step<>("b", 10, Reason.IDLE),
                        new EvictionPlan.Step<>("d", 10, Reason.IDLE));
        assertThat(names(EvictionPlanner.plan(layers, ROOMY, settings.withMaxLayersPerRound(2))))
                .containsExactly("c", "b");
        assertThat(names(EvictionPlanner.plan(layers, ROOMY, settings.withMaxLocalBytes(9))))
                .as("what idle layers free counts")
                .containsExactly("c", "b", "d", "a");
    }

    @Test
    void plansKeepTheirPromises() {
        for (long seed = 1; seed <= 3000; seed++) {
            Random random = new Random(seed);
            List<Candidate<String>> layers = new ArrayList<>();
            int count = random.nextInt(30);
            for (int i = 0; i < count; i++) {
                layers.add(new Candidate<>(
                        "layer " + i,
                        random.nextBoolean() ? A : B,
                        1 + random.nextInt(100),
                        random.nextBoolean() ? LayerKind.DELTA : LayerKind.IMAGE,
                        random.nextBoolean(),
                        random.nextInt(4) > 0,
                        NOW - random.nextInt(50) * SECOND));
            }
            long local = layers.stream().mapToLong(Candidate::bytes).sum();
            EvictionSettings settings = SETTINGS.withMaxLocalBytes(random.nextInt(1500))
                    .withMinFreeBytes(random.nextInt(1000))
                    .withMinResidentBytes(random.nextInt(300))
                    .withIdle(
                            random.nextBoolean()
                                    ? Optional.of(Duration.ofSeconds(random.nextInt(60)))
                                    : Optional.empty(),
                            Optional.empty())
                    .withMaxLayersPerRound(1 + random.nextInt(30));
            Situation situation = new Situation(random.nextInt(1000), NOW);
            check(layers, local, settings, situation, seed);
        }
    }

    private static void check(
            List<Candidate<String>> layers, long local, EvictionSettings settings, Situation situation, long seed) {
        EvictionPlan<String> plan = EvictionPlanner.plan(layers, situation, settings);
        Set<String> gone = new HashSet<>(names(plan));
        assertThat(gone).as("seed %d", seed).hasSameSizeAs(plan.steps());
        assertThat(gone.size()).as("seed %d", seed).isLessThanOrEqualTo(settings.maxLayersPerRound());
        long excess = Math.max(
                0, Math.max(local - settings.maxLocalBytes(), settings.minFreeBytes() - situation.usableBytes()));
        assertThat(plan.missingBytes()).as("seed %d", seed).isEqualTo(Math.max(0, excess - plan.bytes()));
        for (Candidate<String> layer : layers) {
            assertThat(layer.uploaded() || !gone.contains(layer.layer()))
                    .as("seed %d: %s is only here", seed, layer)
                    .isTrue();
            boolean couldGo = layer.uploaded() && !gone.contains(layer.layer());
            assertThat(plan.missingBytes() > 0 && couldGo && gone.size() < settings.maxLayersPerRound())
                    .as("seed %d: %s could have gone", seed, layer)
                    .isFalse();
        }
        List<EvictionPlan.Step<String>> pressure = plan.steps().stream()
                .filter(step -> step.reason() == Reason.PRESSURE)
                .toList();
        if (!pressure.isEmpty()) {
            assertThat(plan.bytes() - pressure.getLast().bytes())
                    .as("seed %d: the last one was needed", seed)
                    .isLessThan(excess);
        }
    }
}
