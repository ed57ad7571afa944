package dev.palimpsest.storage.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/**
 * What every {@link Tasks} promises. The tests wait through the tasks' own signals only, so that a simulation that runs
 * all tasks in turn passes the same suite.
 */
public abstract class TasksContract {
    /** A test, run as a task or in a place where one may wait. */
    @FunctionalInterface
    public interface Body {
        /** Runs to its end, or throws. */
        void run(Tasks tasks, Clock clock) throws Exception;
    }

    private static final long LONG = 3_600_000_000_000L;

    /** Runs {@code body} and throws what it throws. */
    protected abstract void run(Body body) throws Exception;

    @Test
    void aTaskRunsOnceAndEnds() throws Exception {
        run((tasks, clock) -> {
            AtomicInteger runs = new AtomicInteger();
            Task task = tasks.start("counts", runs::incrementAndGet);
            task.join();
            task.join();
            assertThat(runs).hasValue(1);
            assertThat(task.isDone()).isTrue();
            assertThat(task.name()).isEqualTo("counts");
            assertThat(task.failure()).isEmpty();
        });
    }

    @Test
    void aTaskKeepsWhatItThrew() throws Exception {
        run((tasks, clock) -> {
            Exception checked = new Exception("checked");
            Error error = new AssertionError("error");
            Task first = tasks.start("throws an exception", () -> {
                throw checked;
            });
            Task second = tasks.start("throws an error", () -> {
                throw error;
            });
            first.join();
            second.join();
            assertThat(first.failure()).containsSame(checked);
            assertThat(second.failure()).containsSame(error);
        });
    }

    @Test
    void aTaskHasNoFailureWhileItRuns() throws Exception {
        run((tasks, clock) -> {
            Signal signal = tasks.newSignal();
            AtomicBoolean released = new AtomicBoolean();
            Task task = tasks.start("waits", () -> {
                signal.await(released::get, Clock.NEVER);
                throw new Exception("at the end");
            });
            assertThat(task.isDone()).isFalse();
            assertThat(task.failure()).isEmpty();
            released.set(true);
            signal.signalAll();
            task.join();
            assertThat(task.failure()).isPresent();
        });
    }

    @Test
    void manyMayJoinTheSameTask() throws Exception {
        run((tasks, clock) -> {
            Signal signal = tasks.newSignal();
            AtomicBoolean released = new AtomicBoolean();
            AtomicInteger joined = new AtomicInteger();
            Task task = tasks.start("waits", () -> signal.await(released::get, Clock.NEVER));
            List<Task> joiners = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                joiners.add(tasks.start("joins " + i, () -> {
                    task.join();
                    joined.incrementAndGet();
                }));
            }
            assertThat(joined).hasValue(0);
            released.set(true);
            signal.signalAll();
            joiners.forEach(Task::join);
            assertThat(joined).hasValue(5);
        });
    }

    @Test
    void awaitReturnsAtOnceWhenTheConditionHolds() throws Exception {
        run((tasks, clock) -> {
            assertThat(tasks.newSignal().await(() -> true, Clock.NEVER)).isTrue();
            assertThat(tasks.newSignal().await(() -> true, 0)).isTrue();
        });
    }

    @Test
    void awaitLooksAtTheConditionEvenAfterTheDeadline() throws Exception {
        run((tasks, clock) -> {
            assertThat(tasks.newSignal().await(() -> false, clock.nanos())).isFalse();
            assertThat(tasks.newSignal().await(() -> false, 0)).isFalse();
        });
    }

    @Test
    void awaitEndsAtTheDeadlineAndNotBefore() throws Exception {
        run((tasks, clock) -> {
            long deadline = clock.nanos() + 20_000_000;
            assertThat(tasks.newSignal().await(() -> false, deadline)).isFalse();
            assertThat(clock.nanos()).isGreaterThanOrEqualTo(deadline);
        });
    }

    @Test
    void aSignalWithoutAChangeWakesNobodyForGood() throws Exception {
        run((tasks, clock) -> {
            Signal signal = tasks.newSignal();
            AtomicBoolean holds = new AtomicBoolean();
            AtomicInteger returned = new AtomicInteger();
            Task waiter = tasks.start("waits", () -> {
                signal.await(holds::get, Clock.NEVER);
                assertThat(holds).isTrue();
                returned.incrementAndGet();
            });
            for (int i = 0; i < 10; i++) {
                signal.signalAll();
            }
            assertThat(returned).hasValue(0);
            holds.set(true);
            signal.signalAll();
            waiter.join();
            assertThat(waiter.failure()).isEmpty();
            assertThat(returned).hasValue(1);
        });
    }

    @Test
    void noWakeUpIsLostBetweenTwoThatTakeTurns() throws Exception {
        run((tasks, clock) -> {
            Signal signal = tasks.newSignal();
            AtomicInteger turn = new AtomicInteger();
            int rounds = 2_000;
            List<Task> players = new ArrayList<>();
            for (int player = 0; player < 2; player++) {
                int me = player;
                players.add(tasks.start("player " + me, () -> {
                    for (int round = 0; round < rounds; round++) {
                        signal.await(() -> turn.get() % 2 == me, Clock.NEVER);
                        turn.incrementAndGet();
                        signal.signalAll();
                    }
                }));
            }
            players.forEach(Task::join);
            players.forEach(task -> assertThat(task.failure()).isEmpty());
            assertThat(turn).hasValue(2 * rounds);
        });
    }

    @Test
    void aConditionThatTakesIsTakenByAsManyAsThereIs() throws Exception {
        run((tasks, clock) -> {
            Signal signal = tasks.newSignal();
            AtomicInteger available = new AtomicInteger();
            AtomicInteger taken = new AtomicInteger();
            List<Task> takers = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                takers.add(tasks.start("takes " + i, () -> {
                    for (int n = 0; n < 100; n++) {
                        signal.await(() -> available.getAndUpdate(a -> a > 0 ? a - 1 : 0) > 0, Clock.NEVER);
                        taken.incrementAndGet();
                    }
                }));
            }
            for (int n = 0; n < 800; n++) {
                available.incrementAndGet();
                signal.signalAll();
            }
            takers.forEach(Task::join);
            assertThat(taken).hasValue(800);
            assertThat(available).hasValue(0);
        });
    }

    @Test
    void whatAConditionThrowsReachesWhoWaits() throws Exception {
        run((tasks, clock) -> {
            Signal signal = tasks.newSignal();
            AtomicBoolean broken = new AtomicBoolean();
            Task waiter = tasks.start(
                    "waits",
                    () -> signal.await(
                            () -> {
                                if (broken.get()) {
                                    throw new IllegalStateException("broken condition");
                                }
                                return false;
                            },
                            Clock.NEVER));
            broken.set(true);
            signal.signalAll();
            waiter.join();
            assertThat(waiter.failure()).get().asString().contains("broken condition");
            assertThat(signal.await(() -> true, Clock.NEVER)).isTrue();
        });
    }

    @Test
    void sleepLastsAtLeastAsLongAsAsked() throws Exception {
        run((tasks, clock) -> {
            long before = clock.nanos();
            tasks.sleep(5_000_000, Cancellation.NEVER);
            assertThat(clock.nanos() - before).isGreaterThanOrEqualTo(5_000_000);
            tasks.sleep(0, Cancellation.NEVER);
            tasks.sleep(-1, Cancellation.NEVER);
        });
    }

    @Test
    void sleepEndsWhenCancelled() throws Exception {
        run((tasks, clock) -> {
            long before = clock.nanos();
            Cancellation cancellation = new Cancellation();
            Task byItself = tasks.start("sleeps", () -> tasks.sleep(LONG, cancellation));
            Task byParent = tasks.start("sleeps as a child", () -> tasks.sleep(Long.MAX_VALUE, cancellation.child()));
            cancellation.cancel();
            byItself.join();
            byParent.join();
            tasks.sleep(LONG, cancellation);
            assertThat(clock.nanos() - before).isLessThan(LONG);
            assertThat(byParent.failure()).isEmpty();
        });
    }
}
