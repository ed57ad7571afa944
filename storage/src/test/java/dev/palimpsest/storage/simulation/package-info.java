/**
 * The whole engine in one thread from one seed. A {@link dev.palimpsest.storage.simulation.Simulation} hands the one baton
 * from task to task, and only where a task waits, sleeps, starts, ends or does I/O; who comes next, what I/O fails, what is
 * slow and what a crash leaves are drawn from the seed, a stream of numbers for each concern. Time stands still while
 * somebody can run and jumps to the next wake-up when nobody can; when nobody ever will, the run fails and says where each
 * task waits. Every step goes into a {@link dev.palimpsest.storage.simulation.Trace}: the same seed gives the same digest, so a
 * failure is replayed by its seed.
 *
 * <p>A {@link dev.palimpsest.storage.simulation.SimulatedProcess} is what dies in a crash: each of its tasks is ended
 * where it stands by a {@link dev.palimpsest.storage.simulation.ProcessDeath}, and none of its calls has an effect any more.
 * A {@link dev.palimpsest.storage.simulation.SimulatedDisk} then keeps what was synced and, of the rest, what the seed says;
 * a {@link dev.palimpsest.storage.simulation.SimulatedObjectStore} keeps what it was given. The next process starts on
 * them.
 *
 * {@snippet :
 * Simulation simulation = new Simulation(seed);
 * SimulatedDisk disk = simulation.newDisk("disk", DiskFaults.NONE);
 * simulation.run(() -> {
 *     simulation.crashAtStep(57);
 *     SimulatedProcess first = simulation.start("first life", disk, environment -> store(environment, disk));
 *     assertThat(first.join()).isEqualTo(SimulatedProcess.Ending.CRASHED);
 *     simulation.crashNoMore();
 *     simulation.start("second life", disk, environment -> verify(environment, disk)).joinSuccessfully();
 * });
 * }
 */
@NullMarked
package dev.palimpsest.storage.simulation;

import org.jspecify.annotations.NullMarked;
