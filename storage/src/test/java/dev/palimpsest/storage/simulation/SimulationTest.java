package dev.palimpsest.storage.simulation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.storage.context.Mutex;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.Signal;
import dev.palimpsest.storage.runtime.Task;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SimulationTest {
    @Test
    void timeJumpsWhenNobodyCanRun() throws Exception {
        Simulation simulation = new Simulation(1);
        Environment environment = simulation.environment();
        List<String> order = new ArrayList<>();
        simulation.run(() -> {
            for (int hours = 3; hours > 0; hours--) {
                int mine = hours;
                environment.tasks().start("sleeper", () -> {
                    environment.tasks().sleep(mine * 3_600_000_000_000L, Cancellation.NEVER);
                    order.add(mine + " " + environment.clock().nanos() / 3_600_000_000_000L);
                });
            }
        });
        assertThat(order).containsExactly("1 1", "2 2", "3 3");
    }

    @Test
    void everyInterleavingOfTwoShortTasksComesUp() throws Exception {
        Set<String> seen = new HashSet<>();
        for (long seed = 0; seed < 200; seed++) {
            Simulation simulation = new Simulation(seed);
            SimulatedDisk disk = simulation.newDisk("disk", DiskFaults.NONE);
            StringBuilder order = new StringBuilder();
            simulation.run(() -> {
                for (String name : List.of("a", "b")) {
                    simulation.environment().tasks().start(name, () -> {
                        for (int i = 0; i < 2; i++) {
                            disk.exists(Path.of("/x"));
                            order.append(name);
                        }
                    });
                }
            });
            seen.add(order.toString());
        }
        assertThat(seen).containsExactlyInAnyOrder("aabb", "abab", "abba", "baab", "baba", "bbaa");
    }

    @Test
    void deadlockNamesEachTaskAndWhereItWaits() {
        Simulation simulation = new Simulation(1);
        Environment environment = simulation.environment();
        RequestContext context = RequestContext.of(TaskKind.INGEST);
        List<String> unwound = new ArrayList<>();
        assertThatThrownBy(() -> simulation.run(() -> {
                    Mutex left = new Mutex("left", environment.tasks().newSignal());
                    Mutex right = new Mutex("right", environment.tasks().newSignal());
                    environment.tasks().start("one", () -> lockBoth(environment, left, right, context, unwound));
                    environment.tasks().start("two", () -> lockBoth(environment, right, left, context, unwound));
                }))
                .isInstanceOf(SimulationFailure.class)
                .hasMessageContaining("task one, BLOCKED")
                .hasMessageContaining("task two, BLOCKED")
                .hasMessageContaining("lockBoth");
        assertThat(unwound).as("no thread is left behind").hasSize(2);
    }

    private static void lockBoth(
            Environment environment, Mutex first, Mutex second, RequestContext context, List<String> unwound)
            throws Exception {
        try (Mutex.Held _ = first.acquire(context)) {
            environment.tasks().sleep(1_000_000, Cancellation.NEVER);
            second.acquire(context).close();
        } finally {
            unwound.add("unwound");
        }
    }

    @Test
    void awaitEndsAtItsDeadlineAndByItsCondition() throws Exception {
        Simulation simulation = new Simulation(1);
        Environment environment = simulation.environment();
        simulation.run(() -> {
            Signal signal = environment.tasks().newSignal();
            boolean[] flag = new boolean[1];
            assertThat(signal.await(() -> flag[0], environment.clock().nanos() + 1_000_000))
                    .isFalse();
            Task setter = environment.tasks().start("setter", () -> {
                environment.tasks().sleep(5_000_000, Cancellation.NEVER);
                flag[0] = true;
                signal.signalAll();
            });
            assertThat(signal.await(() -> flag[0], Clock.NEVER)).isTrue();
            setter.join();
            assertThat(setter.failure()).isEmpty();
        });
    }

    @Test
    void cancellationEndsSleep() throws Exception {
        Simulation simulation = new Simulation(1);
        Environment environment = simulation.environment();
        simulation.run(() -> {
            Cancellation cancellation = new Cancellation();
            Task sleeper = environment
                    .tasks()
                    .start("sleeper", () -> environment.tasks().sleep(Long.MAX_VALUE, cancellation));
            environment.tasks().sleep(1_000, Cancellation.NEVER);
            assertThat(sleeper.isDone()).isFalse();
            cancellation.cancel();
            sleeper.join();
        });
        assertThat(simulation.clock().nanos()).isLessThan(1_000_000_000);
    }

    @Test
    void scriptThatThrowsEndsTheOthers() {
        Simulation simulation = new Simulation(1);
        Environment environment = simulation.environment();
        assertThatThrownBy(() -> simulation.run(() -> {
                    environment.tasks().start("endless", () -> {
                        while (true) {
                            environment.tasks().sleep(1_000_000, Cancellation.NEVER);
                        }
                    });
                    environment.tasks().sleep(10_000_000, Cancellation.NEVER);
                    throw new java.io.IOException("enough");
                }))
                .isInstanceOf(java.io.IOException.class)
                .hasMessage("enough");
    }

    @Test
    void deadProcessHasNoEffectEvenWhereItCatchesEverything() throws Exception {
        for (long step = 1; step < 60; step++) {
            Simulation simulation = new Simulation(step);
            SimulatedDisk disk = simulation.newDisk("disk", DiskFaults.NONE);
            simulation.crashAtStep(step);
            List<String> effects = new ArrayList<>();
            simulation.run(() -> {
                SimulatedProcess process = simulation.start("stubborn", disk, environment -> {
                    for (int i = 0; i < 3; i++) {
                        String name = "/" + i;
                        environment.tasks().start("task" + i, () -> stubborn(environment, disk, name));
                    }
                });
                SimulatedProcess.Ending ending = process.join();
                if (ending == SimulatedProcess.Ending.CRASHED) {
                    long calls = disk.calls();
                    simulation.environment().tasks().sleep(1_000_000_000, Cancellation.NEVER);
                    assertThat(disk.calls()).isEqualTo(calls);
                    effects.add("crashed");
                    assertThat(process.isAlive()).isFalse();
                    assertThat(disk.exists(Path.of("/late"))).isFalse();
                }
            });
            assertThat(effects.size()).isLessThanOrEqualTo(1);
            assertThat(step > 10 || effects.size() == 1).as("step %d", step).isTrue();
        }
    }

    private static void stubborn(Environment environment, SimulatedDisk disk, String name) throws Exception {
        boolean completed = false;
        try {
            disk.create(Path.of(name)).close();
            environment.tasks().sleep(1_000_000, Cancellation.NEVER);
            disk.delete(Path.of(name));
            completed = true;
        } finally {
            if (!completed) {
                disk.create(Path.of("/late")).close();
            }
        }
    }

    @Test
    void killLeavesTheDiskAsWritten() throws Exception {
        Simulation simulation = new Simulation(3);
        SimulatedDisk disk = simulation.newDisk("disk", DiskFaults.NONE);
        simulation.run(() -> {
            SimulatedProcess process = simulation.start("process", disk, environment -> {
                disk.create(Path.of("/unsynced"));
                environment.tasks().sleep(Long.MAX_VALUE, Cancellation.NEVER);
            });
            simulation.environment().tasks().sleep(1_000_000, Cancellation.NEVER);
            process.kill();
            assertThat(process.join()).isEqualTo(SimulatedProcess.Ending.CRASHED);
            assertThat(disk.exists(Path.of("/unsynced"))).isTrue();
            assertThat(disk.openFiles()).isEmpty();
        });
    }

    @Test
    void foreignThreadsAreRefused() throws Exception {
        Simulation simulation = new Simulation(3);
        SimulatedDisk disk = simulation.newDisk("disk", DiskFaults.NONE);
        List<Throwable> thrown = new ArrayList<>();
        simulation.run(() -> {
            Thread foreign = Thread.ofPlatform().start(() -> {
                try {
                    disk.exists(Path.of("/x"));
                } catch (Exception e) {
                    thrown.add(e);
                }
            });
            foreign.join();
        });
        assertThat(thrown).singleElement().isInstanceOf(IllegalStateException.class);
    }
}
