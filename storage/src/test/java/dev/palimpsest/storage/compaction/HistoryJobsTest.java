package dev.palimpsest.storage.compaction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.jobs.JobState;
import dev.palimpsest.storage.runtime.Clock;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;

class HistoryJobsTest {
    private static final TimelineId A = new TimelineId(1, 1);
    private static final TimelineId B = new TimelineId(1, 2);
    private static final Instant START = Instant.parse("2026-11-21T03:00:00Z");
    private static final HistoryReport PIECE =
            new HistoryReport(CompactionReport.Outcome.DONE, 1, 5, 500, 2, 200, 4, 400, 50, 20);

    /** Goes on when it is told to. */
    private static final class HandClock implements Clock {
        private Duration passed = Duration.ZERO;

        @Override
        public long nanos() {
            return passed.toNanos();
        }

        @Override
        public Instant now() {
            return START.plus(passed);
        }
    }

    private final HandClock clock = new HandClock();
    private final HistoryJobs jobs = new HistoryJobs(clock);
    private final PrometheusRegistry registry = new PrometheusRegistry();

    HistoryJobsTest() {
        jobs.register(registry);
    }

    private HistoryJobs.Run seen(TimelineId id) {
        return Objects.requireNonNull(jobs.run(id));
    }

    private double metric(String name) {
        double sum = 0;
        for (MetricSnapshot metric : registry.scrape(("palimpsest_history_compaction_" + name)::equals)) {
            sum += switch (metric) {
                case CounterSnapshot counter ->
                    counter.getDataPoints().stream()
                            .mapToDouble(CounterSnapshot.CounterDataPointSnapshot::getValue)
                            .sum();
                case GaugeSnapshot gauge -> gauge.getDataPoints().getFirst().getValue();
                default -> throw new AssertionError(metric);
            };
        }
        return sum;
    }

    @Test
    void whatItDoesIsSeenWhileItGoesOnAndAfterwards() throws Exception {
        assertThat(jobs.run(A)).isNull();
        clock.passed = Duration.ofSeconds(5);
        HistoryReport report = jobs.run(A, done -> {
            done.accept(PIECE);
            clock.passed = Duration.ofSeconds(15);
            assertThat(jobs.run(A))
                    .isEqualTo(new HistoryJobs.Run(true, START.plusSeconds(5), Duration.ofSeconds(10), PIECE, null));
            assertThat(jobs.isFree(A)).isFalse();
            assertThat(jobs.isFree(B)).isTrue();
            assertThat(metric("running")).isEqualTo(1);
            assertThat(metric("running_seconds")).isEqualTo(10);
            assertThat(metric("written_bytes")).isEqualTo(200);
            clock.passed = Duration.ofSeconds(25);
            done.accept(PIECE);
            return PIECE.plus(PIECE);
        });
        clock.passed = Duration.ofHours(1);

        assertThat(jobs.run(A))
                .isEqualTo(new HistoryJobs.Run(false, START.plusSeconds(5), Duration.ofSeconds(20), report, null));
        assertThat(jobs.isFree(A)).isTrue();
        assertThat(metric("running")).isZero();
        assertThat(metric("running_seconds")).isZero();
        assertThat(metric("runs")).isEqualTo(1);
        assertThat(metric("read_bytes")).isEqualTo(1000);
        assertThat(metric("written_bytes")).isEqualTo(400);
        assertThat(metric("removed_layers")).isEqualTo(8);
        assertThat(metric("removed_bytes")).isEqualTo(800);
    }

    @Test
    void oneThatKeepsFailingHasPausesAndCountsAsBroken() throws Exception {
        for (int i = 1; i <= JobState.FAILURES_TO_BREAK; i++) {
            assertThat(metric("broken_timelines")).isZero();
            assertThatThrownBy(() -> jobs.run(A, done -> {
                        done.accept(PIECE);
                        throw new DiskException(DiskException.Kind.FATAL, "write", "file", 0, 0, "no luck");
                    }))
                    .isInstanceOf(DiskException.class);
            assertThat(jobs.isFree(A)).isFalse();
            assertThat(seen(A).failure()).contains("no luck");
            assertThat(seen(A).done()).isEqualTo(PIECE);
            clock.passed = clock.passed.plus(Duration.ofMinutes(5));
            assertThat(jobs.isFree(A)).isTrue();
        }
        assertThat(jobs.state(A).broken()).isTrue();
        assertThat(metric("broken_timelines")).isEqualTo(1);

        assertThatThrownBy(() -> jobs.run(A, _ -> {
                    throw new CancelledException("the server ends");
                }))
                .isInstanceOf(CancelledException.class);
        assertThat(jobs.state(A).broken()).isTrue();
        jobs.run(A, _ -> HistoryReport.NOTHING);
        assertThat(jobs.state(A)).isEqualTo(JobState.WELL);
        assertThat(metric("runs")).isEqualTo(JobState.FAILURES_TO_BREAK + 2);
    }

    @Test
    void aSecondOneAtTheSameTimeIsCountedOnly() throws Exception {
        jobs.run(A, done -> {
            jobs.run(A, second -> {
                second.accept(PIECE);
                return PIECE;
            });
            assertThat(jobs.isFree(A)).isFalse();
            assertThat(seen(A).running()).isTrue();
            assertThat(seen(A).done()).isEqualTo(HistoryReport.NOTHING);
            return HistoryReport.NOTHING;
        });
        assertThat(metric("runs")).isEqualTo(2);
        assertThat(metric("written_bytes")).isEqualTo(200);
    }

    @Test
    void timelinesThatAreGoneAreForgotten() throws Exception {
        jobs.run(A, _ -> HistoryReport.NOTHING);
        jobs.run(B, _ -> HistoryReport.NOTHING);
        jobs.forgetAllBut(Set.of(B));
        assertThat(jobs.run(A)).isNull();
        assertThat(jobs.run(B)).isNotNull();
    }
}
