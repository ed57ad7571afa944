package dev.palimpsest.pageserver.pageservice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.runtime.Signal;
import dev.palimpsest.storage.runtime.Task;
import dev.palimpsest.storage.runtime.Tasks;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.Test;

class TenantThrottleTest {
    private static final TenantId ONE = new TenantId(1, 1);
    private static final TenantId OTHER = new TenantId(1, 2);
    private static final long SECOND = 1_000_000_000;
    private static final ThrottleSettings ONE_A_DAY = new ThrottleSettings(true, 0, Duration.ofDays(1), 1, 1);
    private static final ThrottleSettings TEN_A_SECOND = new ThrottleSettings(true, 0, Duration.ofSeconds(1), 10, 10);

    /** Time goes on when somebody sleeps, and only then. */
    private static final class SleepingTime implements Clock, Tasks {
        long now = 5;
        int sleeps;
        IntConsumer after = _ -> {};

        @Override
        public long nanos() {
            return now;
        }

        @Override
        public Instant now() {
            return Instant.EPOCH.plusNanos(now);
        }

        @Override
        public void sleep(long nanos, Cancellation cancellation) {
            now += nanos;
            after.accept(++sleeps);
        }

        @Override
        public Task start(String name, Body body) {
            throw new AssertionError("a throttle starts nothing");
        }

        @Override
        public Signal newSignal() {
            throw new AssertionError("a throttle waits for time only");
        }
    }

    private final SleepingTime time = new SleepingTime();
    private final Map<TenantId, ThrottleSettings> settings = new HashMap<>();
    private final PrometheusRegistry metrics = new PrometheusRegistry();
    private final TenantThrottle throttle =
            new TenantThrottle(tenant -> settings.getOrDefault(tenant, ThrottleSettings.NONE), time, time, metrics);

    private long waited(TenantId tenant, int requests) throws CancelledException {
        long began = time.now;
        throttle.await(tenant, requests, Cancellation.NEVER);
        return time.now - began;
    }

    private double count(String name, TenantId tenant) {
        return metrics.scrape(("pageserver_tenant_throttling_" + name)::equals).stream()
                .map(CounterSnapshot.class::cast)
                .flatMap(snapshot -> snapshot.getDataPoints().stream())
                .filter(point -> tenant.toString().equals(point.getLabels().get("tenant_id")))
                .mapToDouble(CounterSnapshot.CounterDataPointSnapshot::getValue)
                .sum();
    }

    @Test
    void whatATenantMayCountsForItAloneAndFromItsNextRequestOn() throws Exception {
        assertThat(waited(ONE, 1000)).isZero();
        settings.put(ONE, TEN_A_SECOND);
        assertThat(waited(ONE, 5)).isEqualTo(SECOND / 2);
        assertThat(waited(OTHER, 1000)).isZero();
        settings.put(ONE, new ThrottleSettings(true, 0, Duration.ofSeconds(1), 2, 10));
        assertThat(waited(ONE, 5)).isEqualTo(5 * SECOND / 2);
        settings.remove(ONE);
        assertThat(waited(ONE, 1000)).isZero();
        assertThat(count("count_accounted_start", ONE)).isEqualTo(10);
        assertThat(count("count_accounted_finish", ONE)).isEqualTo(10);
        assertThat(count("count", ONE)).isEqualTo(10);
        assertThat(count("wait_usecs_sum", ONE)).isEqualTo(3e6);
        assertThat(count("count_accounted_start", OTHER)).isZero();
    }

    @Test
    void whoWaitsIsLetOffWithinASecondOrWaitsByTheNewLimit() throws Exception {
        settings.put(ONE, ONE_A_DAY);
        time.after = sleeps -> {
            if (sleeps == 3) {
                settings.remove(ONE);
            }
        };
        assertThat(waited(ONE, 7)).isEqualTo(3 * SECOND);
        time.sleeps = 0;
        time.after = sleeps -> {
            if (sleeps == 3) {
                settings.put(ONE, TEN_A_SECOND);
            }
        };
        settings.put(ONE, ONE_A_DAY);
        assertThat(waited(ONE, 20)).isEqualTo(5 * SECOND);
    }

    /** So many requests, at one in a year each, that the nanoseconds until the last may be made are no number any more. */
    @Test
    void aWaitThatIsLongerThanTimeItselfEndsByACancellationOnly() {
        settings.put(ONE, new ThrottleSettings(true, 0, Duration.ofDays(365), 1, 1));
        Cancellation cancellation = new Cancellation();
        time.after = sleeps -> {
            if (sleeps == 10) {
                cancellation.cancel();
            }
        };
        assertThatThrownBy(() -> throttle.await(ONE, 1000, cancellation)).isInstanceOf(CancelledException.class);
        assertThat(time.now).isEqualTo(5 + 10 * SECOND);
        assertThat(count("count_accounted_start", ONE)).isEqualTo(1000);
        assertThat(count("count_accounted_finish", ONE)).isZero();
    }

    @Test
    void onlyTheTenantsThatWaitMostAreShown() throws Exception {
        for (int i = 0; i < 3000; i++) {
            settings.put(new TenantId(2, i), TEN_A_SECOND);
            waited(new TenantId(2, i), 1);
        }
        settings.put(ONE, TEN_A_SECOND);
        waited(ONE, 5);
        CounterSnapshot shown = (CounterSnapshot) metrics.scrape("pageserver_tenant_throttling_count"::equals).stream()
                .findFirst()
                .orElseThrow();
        assertThat(shown.getDataPoints()).hasSize(100);
        assertThat(count("count", ONE)).isEqualTo(5);
    }
}
