package dev.palimpsest.storage.context;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Task;
import dev.palimpsest.storage.simulation.Simulation;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TenantPermitsTest {
    private static final long SECOND = 1_000_000_000L;
    private static final RequestContext FOR_EVER = RequestContext.of(TaskKind.FLUSH);

    private final Simulation simulation = new Simulation(5);
    private final List<String> begun = new ArrayList<>();
    private final List<Task> tasks = new ArrayList<>();
    private int running;

    private static TenantId tenant(int number) {
        return new TenantId(1, number);
    }

    private void start(TenantPermits permits, int number, String name, int times) {
        tasks.add(simulation.environment().tasks().start(name, () -> {
            for (int i = 0; i < times; i++) {
                try (Permits.Permit _ = permits.acquire(tenant(number), FOR_EVER)) {
                    assertThat(++running).isLessThanOrEqualTo(2);
                    begun.add(name);
                    simulation.environment().tasks().sleep(SECOND, Cancellation.NEVER);
                    running--;
                }
            }
        }));
    }

    private TenantPermits permits() {
        return new TenantPermits("a test", 2, simulation.environment().tasks().newSignal());
    }

    private void finish(TenantPermits permits) {
        tasks.forEach(Task::join);
        assertThat(tasks).allSatisfy(task -> assertThat(task.failure()).isEmpty());
        assertThat(permits.inUse()).isZero();
    }

    @Test
    void aTenantWithMuchToDoDoesNotKeepOthersWaiting() throws Exception {
        simulation.run(() -> {
            TenantPermits permits = permits();
            for (int i = 0; i < 8; i++) {
                start(permits, 1, "much", 10);
            }
            simulation.environment().tasks().sleep(5 * SECOND + SECOND / 2, Cancellation.NEVER);
            int before = begun.size();
            start(permits, 2, "one", 1);
            start(permits, 3, "other", 1);
            finish(permits);
            assertThat(begun).hasSize(82);
            assertThat(before).isEqualTo(12);
            assertThat(begun.indexOf("one") - before).as("how many went before").isLessThanOrEqualTo(2);
            assertThat(begun.indexOf("other") - before)
                    .as("how many went before")
                    .isLessThanOrEqualTo(3);
        });
    }

    @Test
    void whoWaitsNoMoreTakesNothing() throws Exception {
        simulation.run(() -> {
            TenantPermits permits = permits();
            start(permits, 1, "a", 3);
            start(permits, 1, "b", 3);
            simulation.environment().tasks().sleep(SECOND / 2, Cancellation.NEVER);
            RequestContext hasty =
                    FOR_EVER.withDeadline(simulation.environment().clock().nanos() + SECOND / 10);
            assertThatThrownBy(() -> permits.acquire(tenant(2), hasty))
                    .isInstanceOf(DeadlineExceededException.class)
                    .hasMessageContaining("2 permits for a test");
            finish(permits);
            permits.acquire(tenant(2), FOR_EVER).close();
            assertThat(permits.inUse()).isZero();
        });
    }
}
