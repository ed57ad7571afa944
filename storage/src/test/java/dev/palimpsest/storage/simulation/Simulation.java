package dev.palimpsest.storage.simulation;

import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.Tasks;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;

/**
 * A world made from one seed: time, tasks, processes, disks and object stores. See the package for how it is used.
 *
 * <p>Everything in it belongs to the task that has the baton while {@link #run} runs, and otherwise to the one thread that
 * holds the simulation; disks and stores can then be looked into directly, and nothing waits.
 */
public final class Simulation {
    private final long seed;
    private final Trace trace = new Trace();
    private final Scheduler scheduler;
    private final SimulatedClock clock;
    private int processes;

    /** Whatever is drawn is drawn from this seed. */
    public Simulation(long seed) {
        this.seed = seed;
        this.scheduler = new Scheduler(random("schedule"), trace);
        this.clock = new SimulatedClock(scheduler);
    }

    /** What everything is drawn from. */
    public long seed() {
        return seed;
    }

    /**
     * A stream of numbers for one concern: always the same for a seed and a name, whatever other streams are used for. So a
     * fault more in one place does not shift what happens in another.
     */
    public SplittableRandom random(String concern) {
        long hash = 0xCBF29CE484222325L;
        for (byte b : concern.getBytes(StandardCharsets.UTF_8)) {
            hash = (hash ^ b) * 0x100000001B3L;
        }
        return new SplittableRandom(seed * 0x9E3779B97F4A7C15L ^ hash);
    }

    /** An empty disk. Its name makes its faults its own. */
    public SimulatedDisk newDisk(String name, DiskFaults faults) {
        return new SimulatedDisk(this, scheduler, name, faults);
    }

    /** An empty object store. Its name makes its faults its own. */
    public SimulatedObjectStore newObjectStore(String name, ObjectStoreFaults faults) {
        return new SimulatedObjectStore(this, scheduler, name, faults);
    }

    /** The time here. */
    public SimulatedClock clock() {
        return clock;
    }

    /** What belongs to no process and so survives every crash: for scripts, and for code without a process. */
    public Environment environment() {
        return new Environment(clock, new SimulatedTasks(scheduler, null), random("environment"));
    }

    /**
     * Runs {@code script} as a task of its own, with all it starts, until every task has ended. A script that throws ends all
     * others where they stand. Can be called again afterwards; time goes on.
     *
     * @throws Exception what the script has thrown
     * @throws SimulationFailure if nobody can run and nobody ever will; names each task and where it waits
     */
    public void run(Tasks.Body script) throws Exception {
        scheduler.run(script);
    }

    /**
     * Starts a process; its tasks may use every object store, and of the disks only this one. One process at a time lives on
     * a disk. Called by a task, and a point where others may run.
     */
    public SimulatedProcess start(String name, SimulatedDisk disk, SimulatedProcess.Main main) {
        scheduler.checkAlive();
        SimulatedProcess process = new SimulatedProcess(scheduler, name, disk);
        process.begin(
                main,
                new Environment(
                        clock, new SimulatedTasks(scheduler, process), random("process " + name + " " + processes++)));
        scheduler.step("process", name);
        return process;
    }

    /** How many steps were taken: points at which another task could have run, or a crash could have come. */
    public long steps() {
        return scheduler.steps();
    }

    /**
     * Crashes, as {@link SimulatedProcess#crash} does, the process whose task takes the first step from {@code step} on.
     * Only one such crash can be to come.
     *
     * @param step counted as {@link #steps} counts
     */
    public void crashAtStep(long step) {
        scheduler.crashAtStep(step);
    }

    /** Crashes nothing any more that was to be crashed by {@link #crashAtStep}. */
    public void crashNoMore() {
        scheduler.crashAtStep(Long.MAX_VALUE);
    }

    /** What has happened so far. */
    public Trace trace() {
        return trace;
    }
}
