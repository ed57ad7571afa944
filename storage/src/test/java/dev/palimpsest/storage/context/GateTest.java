package dev.palimpsest.storage.context;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.runtime.SystemClock;
import dev.palimpsest.storage.runtime.Task;
import dev.palimpsest.storage.runtime.VirtualThreadTasks;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class GateTest {
    private final SystemClock clock = new SystemClock();
    private final VirtualThreadTasks tasks = new VirtualThreadTasks(clock);
    private final Gate gate = new Gate("the store", tasks.newSignal());
    private final RequestContext forEver = RequestContext.of(TaskKind.LIFECYCLE);

    @Test
    void closesAtOnceWhenNobodyIsInside() throws Exception {
        gate.enter().close();
        gate.close(forEver);
        assertThat(gate.isClosed()).isTrue();
    }

    @Test
    void refusesNewcomersOnceClosingAndStaysOpenForThoseInside() throws Exception {
        Gate.Guard inside = gate.enter();
        gate.closeToNewcomers();
        assertThatThrownBy(gate::enter)
                .isInstanceOf(CancelledException.class)
                .hasMessageContaining("the store is shut down");
        assertThat(gate.isClosed()).isFalse();
        assertThatThrownBy(() -> gate.close(forEver.withDeadline(clock.nanos())))
                .isInstanceOf(DeadlineExceededException.class)
                .hasMessageContaining("1 who are still inside the store");
        inside.close();
        gate.close(forEver);
        gate.close(forEver);
        assertThat(gate.isClosed()).isTrue();
        assertThatThrownBy(gate::enter).isInstanceOf(CancelledException.class);
        assertThat(gate.isClosed()).isTrue();
    }

    @Test
    void leavingTwiceIsReported() throws Exception {
        Gate.Guard inside = gate.enter();
        inside.close();
        assertThatThrownBy(inside::close).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void nobodyIsInsideAfterCloseReturns() throws Exception {
        for (int round = 0; round < 50; round++) {
            Gate contested = new Gate("contested", tasks.newSignal());
            AtomicInteger inside = new AtomicInteger();
            List<Task> visitors = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                visitors.add(tasks.start("visitor", () -> {
                    while (true) {
                        try (Gate.Guard _ = contested.enter()) {
                            inside.incrementAndGet();
                            Thread.onSpinWait();
                            inside.decrementAndGet();
                        } catch (CancelledException e) {
                            return;
                        }
                    }
                }));
            }
            contested.close(forEver);
            assertThat(inside).hasValue(0);
            visitors.forEach(Task::join);
            assertThat(inside).hasValue(0);
        }
    }
}
