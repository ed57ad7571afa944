package dev.palimpsest.storage.compaction;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.jobs.JobPauses;
import dev.palimpsest.storage.jobs.JobState;
import dev.palimpsest.storage.layer.Layers;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.simulation.Simulation;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;

/** What is compacted when, in simulated time. */
class BackgroundCompactionTest {
    private static final BackgroundSettings SETTINGS = BackgroundSettings.DEFAULT;
    private static final long SECOND = 1_000_000_000L;

    private final Simulation simulation = new Simulation(1);
    private final List<String> done = new ArrayList<>();
    private int running;
    private int mostRunning;

    /** A timeline of which only counts are known. */
    private static final TenantId TENANT = TenantId.parse("00112233445566778899aabbccddeeff");

    private final class FakeTimeline implements BackgroundCompaction.Work {
        private final String name;
        private final int number;
        private TenantId tenant = TENANT;
        private int l0;
        private Lsn durable = Lsn.INVALID;
        private boolean failing;
        private boolean alwaysMore;

        FakeTimeline(String name, int number, int l0) {
            this.name = name;
            this.number = number;
            this.l0 = l0;
        }

        @Override
        public TenantId tenant() {
            return tenant;
        }

        @Override
        public CompactionSettings settings(CompactionSettings ofServer) {
            return ofServer;
        }

        @Override
        public TimelineId id() {
            return new TimelineId(1, number);
        }

        @Override
        public int l0Layers() {
            return l0;
        }

        @Override
        public Lsn diskConsistentLsn() {
            return durable;
        }

        @Override
        public int longChains() {
            return 0;
        }

        private void work(String what) throws StorageException {
            done.add(what + " " + name);
            mostRunning = Math.max(mostRunning, ++running);
            simulation.environment().tasks().sleep(SECOND, Cancellation.NEVER);
            running--;
            if (failing) {
                throw new DiskException(DiskException.Kind.FATAL, "write", "file", 0, 0, "no luck");
            }
        }

        @Override
        public CompactionReport compactL0(
                CompactionSettings settings, L0Planner.Trigger trigger, RequestContext context)
                throws StorageException {
            work("l0");
            l0 = alwaysMore ? l0 : 0;
            return new CompactionReport(CompactionReport.Outcome.DONE, 10, 100, 1, 100, 1);
        }

        @Override
        public CompactionReport createImages(CompactionSettings settings, BooleanSupplier yield, RequestContext context)
                throws StorageException {
            work("images");
            return CompactionReport.NOTHING;
        }
    }

    private void run(BackgroundSettings settings, List<FakeTimeline> timelines, Script script) throws Exception {
        simulation.run(() -> {
            Environment environment = simulation.environment();
            try (BackgroundCompaction compaction =
                    new BackgroundCompaction(environment, settings, () -> timelines, new PrometheusRegistry())) {
                script.run(environment, compaction);
            }
        });
    }

    private interface Script {
        void run(Environment environment, BackgroundCompaction compaction) throws Exception;
    }

    private static void seconds(Environment environment, long seconds) {
        environment.tasks().sleep(seconds * SECOND, Cancellation.NEVER);
    }

    @Test
    void theTimelineWithTheMostL0LayersComesFirstAndImagesLast() throws Exception {
        FakeTimeline few = new FakeTimeline("few", 1, 4);
        FakeTimeline some = new FakeTimeline("some", 2, 5);
        FakeTimeline many = new FakeTimeline("many", 3, 30);
        few.durable = new Lsn(100);
        run(SETTINGS, List.of(few, some, many), (environment, _) -> seconds(environment, 20));
        assertThat(done).containsExactly("l0 many", "l0 some", "images few");
    }

    @Test
    void aTenantWithManyTimelinesDoesNotKeepOneWithFewWaiting() throws Exception {
        List<FakeTimeline> timelines = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            FakeTimeline large = new FakeTimeline("large " + i, i, 30);
            large.alwaysMore = true;
            timelines.add(large);
        }
        FakeTimeline small = new FakeTimeline("small", 50, 6);
        small.tenant = TenantId.parse("ff112233445566778899aabbccddeeff");
        small.alwaysMore = true;
        timelines.add(small);
        run(SETTINGS, timelines, (environment, _) -> seconds(environment, 20));
        assertThat(done.stream().filter("l0 small"::equals).count()).isBetween(9L, 11L);
    }

    @Test
    void imagesAreLookedForAgainAfterADistanceOrATime() throws Exception {
        FakeTimeline timeline = new FakeTimeline("t", 1, 0);
        timeline.durable = new Lsn(1 << 30);
        run(SETTINGS, List.of(timeline), (environment, _) -> {
            seconds(environment, 5);
            assertThat(done).hasSize(1);
            timeline.durable = timeline.durable.plus(SETTINGS.imageCheckDistance() - 1);
            seconds(environment, 5);
            assertThat(done).hasSize(1);
            timeline.durable = timeline.durable.plus(1);
            seconds(environment, 5);
            assertThat(done).hasSize(2);
            seconds(environment, 3600);
            assertThat(done).as("nothing was written since").hasSize(2);
            timeline.durable = timeline.durable.plus(1);
            seconds(environment, 5);
            assertThat(done).hasSize(3);
        });
    }

    @Test
    void atMostAsManyAtOnceAsConfiguredAndNeverTwiceTheSame() throws Exception {
        List<FakeTimeline> timelines = new ArrayList<>();
        for (int i = 0; i < 9; i++) {
            timelines.add(new FakeTimeline("t" + i, i, 10 + i));
        }
        BackgroundSettings three = new BackgroundSettings(
                CompactionSettings.DEFAULT,
                3,
                Duration.ofSeconds(1),
                1 << 20,
                Duration.ofMinutes(10),
                JobPauses.DEFAULT);
        run(three, timelines, (environment, _) -> seconds(environment, 30));
        assertThat(mostRunning).isEqualTo(3);
        assertThat(done).hasSize(9).doesNotHaveDuplicates();
    }

    @Test
    void aTimelineThatKeepsFailingIsBrokenAndLetsOthersLive() throws Exception {
        FakeTimeline bad = new FakeTimeline("bad", 1, 50);
        FakeTimeline good = new FakeTimeline("good", 2, 10);
        bad.failing = true;
        run(SETTINGS, List.of(bad, good), (environment, compaction) -> {
            seconds(environment, 10);
            assertThat(done).contains("l0 good");
            JobState early = Layers.get(compaction.states(), bad.id());
            assertThat(early.failures()).isBetween(2, 4);
            assertThat(early.broken()).isFalse();
            assertThat(early.lastFailure()).contains("no luck");
            seconds(environment, 60);
            assertThat(Layers.get(compaction.states(), bad.id()).broken()).isTrue();
            int tries = done.size();
            seconds(environment, 3600);
            assertThat(done.size() - tries).as("tries in an hour").isBetween(10, 18);
            bad.failing = false;
            seconds(environment, 400);
            assertThat(Layers.get(compaction.states(), bad.id())).isEqualTo(JobState.WELL);
        });
    }

    @Test
    void imagesDoNotWaitForATimelineThatIsBroken() throws Exception {
        FakeTimeline bad = new FakeTimeline("bad", 1, 50);
        FakeTimeline good = new FakeTimeline("good", 2, 0);
        bad.failing = true;
        good.durable = new Lsn(100);
        run(SETTINGS, List.of(bad, good), (environment, compaction) -> {
            seconds(environment, 10);
            assertThat(compaction.isBehind()).isTrue();
            assertThat(done).doesNotContain("images good");
            seconds(environment, 60);
            assertThat(compaction.isBehind()).isFalse();
            assertThat(done).contains("images good");
        });
    }

    @Test
    void pausesDoubleUpToTheLongest() {
        assertThat(JobPauses.DEFAULT.nanosAfter(1)).isEqualTo(SECOND);
        assertThat(JobPauses.DEFAULT.nanosAfter(4)).isEqualTo(8 * SECOND);
        assertThat(JobPauses.DEFAULT.nanosAfter(9)).isEqualTo(256 * SECOND);
        assertThat(JobPauses.DEFAULT.nanosAfter(10)).isEqualTo(300 * SECOND);
        assertThat(JobPauses.DEFAULT.nanosAfter(Integer.MAX_VALUE)).isEqualTo(300 * SECOND);
    }
}
