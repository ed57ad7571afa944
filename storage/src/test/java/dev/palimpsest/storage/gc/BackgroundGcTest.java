package dev.palimpsest.storage.gc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.jobs.JobState;
import dev.palimpsest.storage.layer.Layers;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.simulation.Simulation;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Whose garbage is collected when, in simulated time. */
class BackgroundGcTest {
    private static final long SECOND = 1_000_000_000L;
    private static final Duration PERIOD = Duration.ofMinutes(10);

    private final Simulation simulation = new Simulation(1);
    private final List<String> done = new ArrayList<>();
    private int running;
    private boolean urgent;

    private static final TenantId TENANT = TenantId.parse("00112233445566778899aabbccddeeff");

    private final class FakeTimeline implements BackgroundGc.Work {
        private final String name;
        private final int number;
        private TenantId tenant = TENANT;
        private boolean failing;
        private Duration period = PERIOD;
        private long takes = 2 * SECOND;
        private boolean isNew;

        FakeTimeline(String name, int number) {
            this.name = name;
            this.number = number;
        }

        @Override
        public TenantId tenant() {
            return tenant;
        }

        @Override
        public boolean isNew() {
            return isNew;
        }

        @Override
        public Duration period() {
            return period;
        }

        @Override
        public TimelineId id() {
            return new TimelineId(1, number);
        }

        @Override
        public GcReport collect(RequestContext context) throws StorageException {
            assertThat(++running).isEqualTo(1);
            done.add(name);
            simulation.environment().tasks().sleep(takes, Cancellation.NEVER);
            running--;
            if (failing) {
                throw new DiskException(DiskException.Kind.FATAL, "write", "file", 0, 0, "no luck");
            }
            return new GcReport(Lsn.INVALID, 1, 100, Map.of());
        }
    }

    private interface Script {
        void run(Environment environment, BackgroundGc gc) throws Exception;
    }

    private void run(List<FakeTimeline> timelines, Script script) throws Exception {
        simulation.run(() -> {
            Environment environment = simulation.environment();
            try (BackgroundGc gc =
                    new BackgroundGc(environment, () -> timelines, () -> urgent, new PrometheusRegistry())) {
                script.run(environment, gc);
            }
        });
    }

    private static void seconds(Environment environment, long seconds) {
        environment.tasks().sleep(seconds * SECOND, Cancellation.NEVER);
    }

    @Test
    void eachHasItsTurnOnceInAPeriod() throws Exception {
        run(List.of(new FakeTimeline("a", 1), new FakeTimeline("b", 2), new FakeTimeline("c", 3)), (environment, _) -> {
            seconds(environment, 30);
            assertThat(done).containsExactly("a", "b", "c");
            seconds(environment, PERIOD.toSeconds());
            assertThat(done).containsExactly("a", "b", "c", "a", "b", "c");
        });
    }

    @Test
    void oneThatIsNewIsLeftAloneAtFirst() throws Exception {
        FakeTimeline first = new FakeTimeline("first", 1);
        FakeTimeline later = new FakeTimeline("later", 2);
        later.isNew = true;
        run(List.of(first, later), (environment, _) -> {
            seconds(environment, 100);
            assertThat(done).contains("first").doesNotContain("later");
            later.isNew = false;
            seconds(environment, 15);
            assertThat(done).endsWith("later");
        });
    }

    @Test
    void aTenantWithManyTimelinesDoesNotKeepOneWithFewWaiting() throws Exception {
        List<FakeTimeline> timelines = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            timelines.add(new FakeTimeline("large " + i, i));
        }
        FakeTimeline small = new FakeTimeline("small", 50);
        small.tenant = TenantId.parse("ff112233445566778899aabbccddeeff");
        timelines.add(small);
        run(timelines, (environment, _) -> seconds(environment, 300));
        assertThat(done).hasSize(51);
        assertThat(done.indexOf("small")).isLessThan(2);
    }

    @Test
    void shortTurnsOfManyAreTakenFromOneLook() throws Exception {
        List<FakeTimeline> timelines = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            FakeTimeline timeline = new FakeTimeline("t" + i, i);
            timeline.takes = SECOND / 1000;
            timelines.add(timeline);
        }
        int[] looks = new int[1];
        simulation.run(() -> {
            Environment environment = simulation.environment();
            try (BackgroundGc _ = new BackgroundGc(
                    environment,
                    () -> {
                        looks[0]++;
                        return timelines;
                    },
                    () -> false,
                    new PrometheusRegistry())) {
                seconds(environment, 10);
            }
        });
        assertThat(done).hasSize(1000).doesNotHaveDuplicates();
        assertThat(looks[0]).as("looks in ten seconds").isLessThanOrEqualTo(15);
    }

    @Test
    void oneThatIsNeverToHaveItsTurnHasNone() throws Exception {
        FakeTimeline never = new FakeTimeline("never", 1);
        never.period = Duration.ZERO;
        run(List.of(never, new FakeTimeline("a", 2)), (environment, _) -> seconds(environment, 120));
        assertThat(done).containsExactly("a");
    }

    @Test
    void whatIsUrgentGoesFirst() throws Exception {
        urgent = true;
        run(List.of(new FakeTimeline("a", 1)), (environment, _) -> {
            seconds(environment, 3600);
            assertThat(done).isEmpty();
            urgent = false;
            seconds(environment, 5);
            assertThat(done).containsExactly("a");
        });
    }

    @Test
    void oneThatKeepsFailingIsBrokenAndLetsOthersLive() throws Exception {
        FakeTimeline bad = new FakeTimeline("bad", 1);
        FakeTimeline good = new FakeTimeline("good", 2);
        bad.failing = true;
        run(List.of(bad, good), (environment, gc) -> {
            seconds(environment, 120);
            assertThat(done).contains("good");
            assertThat(Layers.get(gc.states(), bad.id()).broken()).isTrue();
            assertThat(Layers.get(gc.states(), bad.id()).lastFailure()).contains("no luck");
            int tries = done.size();
            seconds(environment, 3600);
            assertThat(done.size() - tries).as("tries in an hour").isBetween(12, 22);
            bad.failing = false;
            seconds(environment, 400);
            assertThat(Layers.get(gc.states(), bad.id())).isEqualTo(JobState.WELL);
        });
    }
}
