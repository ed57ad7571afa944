package dev.palimpsest.storage.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class VirtualThreadTasksTest extends TasksContract {
    @Override
    protected void run(Body body) throws Exception {
        Clock clock = new SystemClock();
        body.run(new VirtualThreadTasks(clock), clock);
    }

    @Test
    void anInterruptEndsNoWaitAndIsKept() throws Exception {
        run((tasks, clock) -> {
            Signal signal = tasks.newSignal();
            AtomicBoolean started = new AtomicBoolean();
            AtomicBoolean released = new AtomicBoolean();
            AtomicBoolean interruptKept = new AtomicBoolean();
            Thread[] thread = new Thread[1];
            Task waiter = tasks.start("is interrupted", () -> {
                thread[0] = Thread.currentThread();
                started.set(true);
                signal.signalAll();
                signal.await(released::get, Clock.NEVER);
                interruptKept.set(Thread.currentThread().isInterrupted());
            });
            signal.await(started::get, Clock.NEVER);
            thread[0].interrupt();
            assertThat(signal.await(waiter::isDone, clock.nanos() + 10_000_000)).isFalse();
            released.set(true);
            signal.signalAll();
            waiter.join();
            assertThat(interruptKept).isTrue();
        });
    }

    @Test
    void aTaskOnItsOwnThreadGoesOnWhileOthersCompute() throws Exception {
        run((tasks, clock) -> {
            AtomicBoolean stop = new AtomicBoolean();
            List<Task> computing = new ArrayList<>();
            for (int i = 0; i < 2 * Runtime.getRuntime().availableProcessors(); i++) {
                computing.add(tasks.start("computes", () -> {
                    while (!stop.get()) {
                        Thread.onSpinWait();
                    }
                }));
            }
            try {
                Signal signal = tasks.newSignal();
                AtomicBoolean ran = new AtomicBoolean();
                tasks.startOnOwnThread("goes on", () -> {
                    ran.set(!Thread.currentThread().isVirtual());
                    signal.signalAll();
                });
                assertThat(signal.await(ran::get, clock.nanos() + 30_000_000_000L))
                        .isTrue();
            } finally {
                stop.set(true);
            }
            computing.forEach(Task::join);
        });
    }

    @Test
    void aTaskRunsOnAVirtualThreadOfItsName() throws Exception {
        run((tasks, clock) -> {
            String[] seen = new String[1];
            tasks.start(
                            "named",
                            () -> seen[0] = Thread.currentThread().isVirtual() + " "
                                    + Thread.currentThread().getName())
                    .join();
            assertThat(seen[0]).isEqualTo("true named");
        });
    }
}
