package dev.palimpsest.storage.simulation;

import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.runtime.Environment;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What lives and dies together: a main task and all tasks that it starts, on one disk. */
public final class SimulatedProcess {
    /** What a process does. */
    @FunctionalInterface
    public interface Main {
        /**
         * Runs as the process's first task.
         *
         * @param environment whose tasks, clock and randomness are the process's own
         */
        void run(Environment environment) throws Exception;
    }

    /** How a process has ended. */
    public enum Ending {
        /** Its main task and all others have returned. */
        COMPLETED,
        /** Its main task has thrown. */
        FAILED,
        /** It was killed, or its machine has crashed. */
        CRASHED
    }

    private final Scheduler scheduler;
    private final String name;
    private final SimulatedDisk disk;
    private final SimulatedSignal ended;
    private @Nullable SimulatedTask main;
    private boolean dead;

    SimulatedProcess(Scheduler scheduler, String name, SimulatedDisk disk) {
        this.scheduler = scheduler;
        this.name = name;
        this.disk = disk;
        this.ended = new SimulatedSignal(scheduler);
    }

    void begin(Main body, Environment environment) {
        main = scheduler.start(this, "main", () -> body.run(environment));
    }

    /** As given to {@link Simulation#start}. */
    public String name() {
        return name;
    }

    /** Whether a task of it is still running. */
    public boolean isAlive() {
        return !dead && scheduler.hasTasks(this);
    }

    /** Waits until all its tasks have ended. */
    public Ending join() {
        ended.await(() -> !scheduler.hasTasks(this), Clock.NEVER);
        if (dead) {
            return Ending.CRASHED;
        }
        return failure().isPresent() ? Ending.FAILED : Ending.COMPLETED;
    }

    /**
     * Waits until all its tasks have ended.
     *
     * @throws Exception what the main task has thrown
     * @throws SimulationFailure if it has crashed
     */
    public void joinSuccessfully() throws Exception {
        Ending ending = join();
        if (ending == Ending.CRASHED) {
            throw new SimulationFailure("process " + name + " has crashed");
        }
        switch (failure().orElse(null)) {
            case null -> {}
            case Exception e -> throw e;
            case Error e -> throw e;
            case Throwable e -> throw new IllegalStateException(e);
        }
    }

    /** What the main task has thrown; empty while it runs, and after a crash. */
    public Optional<Throwable> failure() {
        return dead || main == null ? Optional.empty() : main.failure();
    }

    /**
     * The power fails: all tasks end where they stand, and the disk loses what it has not synced. Does not return to a task of
     * the process itself. Does nothing to a process that has ended.
     */
    public void crash() {
        die(disk::crash);
    }

    /** As {@link #crash}, but the machine goes on: the disk keeps everything that was written. */
    public void kill() {
        die(disk::closeAll);
    }

    private void die(Runnable afterwards) {
        scheduler.checkAlive();
        if (isAlive()) {
            dead = true;
            scheduler.endAll(this, afterwards);
        }
    }

    void taskEnded() {
        ended.wakeWaiters();
    }
}
