package dev.palimpsest.storage.compaction;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.simulation.Simulation;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Whose history is compacted when, in simulated time. */
class BackgroundHistoryTest {
    private static final long SECOND = 1_000_000_000L;
    private static final TenantId TENANT = TenantId.parse("00112233445566778899aabbccddeeff");
    private static final TenantId OTHER = TenantId.parse("ff112233445566778899aabbccddeeff");
    private static final HistoryReport PIECE =
            new HistoryReport(CompactionReport.Outcome.DONE, 1, 5, 500, 2, 200, 4, 400, 50, 20);

    private final Simulation simulation = new Simulation(1);
    private final List<FakeTimeline> timelines = new ArrayList<>();
    private final List<String> done = new ArrayList<>();
    private final HistoryJobs jobs = new HistoryJobs(simulation.environment().clock());
    private int running;
    private boolean urgent;

    /** Pieces of ten seconds each. */
    private final class FakeTimeline implements BackgroundHistory.Work {
        private final String name;
        private final TimelineId id;
        private TenantId tenant = TENANT;
        private @Nullable HistorySettings settings = HistorySettings.DEFAULT;
        private Lsn cutoff = new Lsn(8);
        private int piecesLeft;
        private boolean failing;
        private boolean blocked;
        private boolean leaving;
        private int asked;

        FakeTimeline(String name, int pieces) {
            this.name = name;
            this.id = new TimelineId(1, timelines.size());
            this.piecesLeft = pieces;
            timelines.add(this);
        }

        @Override
        public TimelineId id() {
            return id;
        }

        @Override
        public TenantId tenant() {
            return tenant;
        }

        @Override
        public @Nullable HistorySettings settings() {
            return settings;
        }

        @Override
        public Lsn cutoff() {
            return cutoff;
        }

        @Override
        public boolean isDue(HistorySettings with) {
            asked++;
            return piecesLeft > 0 && with.ratioPercent() <= 100;
        }

        /** More has come below the cutoff. */
        void raise(int pieces) {
            piecesLeft += pieces;
            cutoff = cutoff.plus(8);
        }

        @Override
        public HistoryReport compact(
                HistorySettings with, BooleanSupplier yield, Consumer<HistoryReport> seen, RequestContext context)
                throws StorageException {
            assertThat(with).isEqualTo(settings);
            assertThat(++running).isEqualTo(1);
            try {
                return pieces(yield, seen, context);
            } finally {
                running--;
            }
        }

        private HistoryReport pieces(BooleanSupplier yield, Consumer<HistoryReport> seen, RequestContext context)
                throws StorageException {
            HistoryReport report = HistoryReport.NOTHING;
            if (blocked) {
                return report.ended(CompactionReport.Outcome.YIELDED);
            }
            while (piecesLeft > 0) {
                simulation.environment().tasks().sleep(10 * SECOND, Cancellation.NEVER);
                context.checkCancelled();
                done.add(name);
                if (leaving) {
                    throw new CancelledException("timeline " + name + " is shut down");
                }
                if (failing) {
                    throw new DiskException(DiskException.Kind.FATAL, "write", "file", 0, 0, "no luck");
                }
                piecesLeft--;
                report = report.plus(PIECE);
                seen.accept(PIECE);
                if (piecesLeft > 0 && yield.getAsBoolean()) {
                    return report.ended(CompactionReport.Outcome.YIELDED);
                }
            }
            return report;
        }
    }

    private interface Script {
        void run(Environment environment) throws Exception;
    }

    private void run(Script script) throws Exception {
        simulation.run(() -> {
            Environment environment = simulation.environment();
            try (BackgroundHistory _ = new BackgroundHistory(
                    environment, Duration.ofSeconds(30), Duration.ofSeconds(1), () -> timelines, () -> urgent, jobs)) {
                script.run(environment);
            }
        });
    }

    private static void seconds(Environment environment, long seconds) {
        environment.tasks().sleep(seconds * SECOND, Cancellation.NEVER);
    }

    private HistoryJobs.Run lastRun(FakeTimeline timeline) {
        return Objects.requireNonNull(jobs.run(timeline.id));
    }

    @Test
    void oneAtATimeAfterTheDelayAndAgainWhenMoreHasComeBelowTheCutoff() throws Exception {
        FakeTimeline a = new FakeTimeline("a", 2);
        FakeTimeline b = new FakeTimeline("b", 1);
        run(environment -> {
            seconds(environment, 29);
            assertThat(done).isEmpty();
            seconds(environment, 50);
            assertThat(done).containsExactly("a", "a", "b");
            seconds(environment, 3600);
            assertThat(done).hasSize(3);
            a.raise(1);
            seconds(environment, 20);
            assertThat(done).containsExactly("a", "a", "b", "a");
            assertThat(b.asked)
                    .as("looks at layers while the cutoff stands still")
                    .isEqualTo(1);
            assertThat(lastRun(a).done()).isEqualTo(PIECE);
        });
    }

    @Test
    void otherSettingsAreLookedAtAtOnce() throws Exception {
        FakeTimeline a = new FakeTimeline("a", 1);
        FakeTimeline off = new FakeTimeline("off", 1);
        a.settings = new HistorySettings(0, 200, 1, 1);
        off.settings = null;
        run(environment -> {
            seconds(environment, 600);
            assertThat(done).isEmpty();
            a.settings = new HistorySettings(0, 50, 1, 1);
            seconds(environment, 20);
            assertThat(done).containsExactly("a");
            off.settings = HistorySettings.DEFAULT;
            seconds(environment, 20);
            assertThat(done).containsExactly("a", "off");
        });
    }

    @Test
    void aLongOneLetsOthersGoFirstAndGoesOn() throws Exception {
        FakeTimeline large = new FakeTimeline("large", 20);
        run(environment -> {
            seconds(environment, 125);
            assertThat(done).as("alone it goes on").containsOnly("large").hasSize(9);
            assertThat(lastRun(large).running()).isTrue();
            new FakeTimeline("small", 1);
            seconds(environment, 21);
            assertThat(done).hasSize(11).endsWith("large", "small");
            seconds(environment, 600);
            assertThat(done).hasSize(21).endsWith("large");
            assertThat(large.piecesLeft).isZero();
        });
    }

    @Test
    void aTenantWithManyTimelinesDoesNotKeepOneWithFewWaiting() throws Exception {
        for (int i = 0; i < 20; i++) {
            new FakeTimeline("many", 1);
        }
        FakeTimeline few = new FakeTimeline("few", 2);
        few.tenant = OTHER;
        run(environment -> {
            seconds(environment, 100);
            assertThat(done.indexOf("few")).isLessThan(2);
            seconds(environment, 600);
            assertThat(done).hasSize(22);
        });
    }

    @Test
    void whatIsUrgentGoesFirstAndTheRestIsDoneAfterIt() throws Exception {
        FakeTimeline a = new FakeTimeline("a", 3);
        run(environment -> {
            seconds(environment, 35);
            urgent = true;
            seconds(environment, 600);
            assertThat(done).containsExactly("a");
            assertThat(lastRun(a).running()).isFalse();
            urgent = false;
            seconds(environment, 30);
            assertThat(done).containsExactly("a", "a", "a");
        });
    }

    @Test
    void oneThatCannotBeginIsAskedAgainWithPausesAndKeepsNobody() throws Exception {
        FakeTimeline blocked = new FakeTimeline("blocked", 1);
        FakeTimeline b = new FakeTimeline("b", 1);
        blocked.blocked = true;
        run(environment -> {
            seconds(environment, 60);
            assertThat(done).containsExactly("b");
            assertThat(b.piecesLeft).isZero();
            blocked.blocked = false;
            seconds(environment, 25);
            assertThat(done).containsExactly("b", "blocked");
        });
    }

    @Test
    void oneThatKeepsFailingIsBrokenAndLetsOthersLive() throws Exception {
        FakeTimeline bad = new FakeTimeline("bad", 1);
        bad.failing = true;
        new FakeTimeline("good", 1);
        run(environment -> {
            seconds(environment, 300);
            assertThat(done).contains("good");
            assertThat(jobs.state(bad.id).broken()).isTrue();
            int tries = done.size();
            seconds(environment, 3600);
            assertThat(done.size() - tries).as("tries in an hour").isBetween(10, 16);
            bad.failing = false;
            seconds(environment, 400);
            assertThat(jobs.state(bad.id).broken()).isFalse();
        });
    }

    @Test
    void oneThatLeavesIsNotTriedAgainAndGoneOnesAreForgotten() throws Exception {
        FakeTimeline leaving = new FakeTimeline("leaving", 5);
        leaving.leaving = true;
        run(environment -> {
            seconds(environment, 300);
            assertThat(done).containsExactly("leaving");
            timelines.clear();
            seconds(environment, 5);
            assertThat(jobs.run(leaving.id)).isNull();
        });
    }

    @Test
    void closingEndsWhatRuns() throws Exception {
        FakeTimeline large = new FakeTimeline("large", 1000);
        simulation.run(() -> {
            Environment environment = simulation.environment();
            try (BackgroundHistory _ = new BackgroundHistory(
                    environment, Duration.ZERO, Duration.ofSeconds(1), () -> timelines, () -> urgent, jobs)) {
                seconds(environment, 35);
            }
            assertThat(done).hasSize(3);
            assertThat(running).isZero();
            assertThat(lastRun(large).running()).isFalse();
        });
    }
}
