package dev.palimpsest.storage.simulation;

import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.runtime.Tasks;
import dev.palimpsest.storage.simulation.SimulatedTask.State;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Who runs, and what time it is. There is one baton; whoever has it is alone and may change everything here. It is handed
 * over by a volatile write and an unpark, and not at all when the same task goes on.
 */
final class Scheduler {
    private static final long STEP_NANOS = 1_000;
    private static final int FRAMES_REPORTED = 12;
    private static final int EVENTS_REPORTED = 40;

    final Trace trace;
    private final SplittableRandom choices;
    /** How likely a task goes on although it could be interrupted; drawn per seed, since short and long turns find different bugs. */
    private final double goOn;

    private final List<SimulatedTask> live = new ArrayList<>();
    private final List<SimulatedTask> ready = new ArrayList<>();
    private volatile @Nullable SimulatedTask running;
    private volatile boolean abandoned;
    private @Nullable SimulatedTask outside;
    private @Nullable SimulatedTask script;
    private long nowNanos;
    private long steps;
    private long crashStep = Long.MAX_VALUE;
    /** No blocked task wakes up by the clock before this. */
    private long earliestWakeNanos = Clock.NEVER;

    private int signals;

    Scheduler(SplittableRandom choices, Trace trace) {
        this.choices = choices;
        this.trace = trace;
        double[] turns = {0, 0, 0.5, 0.9};
        this.goOn = turns[choices.nextInt(turns.length)];
    }

    int nextSignalNumber() {
        return signals++;
    }

    long nanos() {
        return nowNanos;
    }

    long steps() {
        return steps;
    }

    void crashAtStep(long step) {
        crashStep = step;
    }

    boolean isRunning() {
        return running != null;
    }

    /** Gives the baton away until no task is left. Called by a thread that is no task. */
    void run(Tasks.Body body) throws Exception {
        if (running != null) {
            throw new IllegalStateException("the simulation is running already");
        }
        SimulatedTask caller = new SimulatedTask(this);
        outside = caller;
        running = caller;
        SimulatedTask first = start(null, "script", body);
        script = first;
        ready.remove(first);
        hand(first);
        awaitBaton(caller);
        @Nullable
        String stuck =
                first.failure().isEmpty() && !live.isEmpty() ? report("nobody can run, and nobody ever will") : null;
        for (SimulatedTask task : List.copyOf(live)) {
            end(task, caller);
        }
        running = null;
        if (stuck != null) {
            throw new SimulationFailure(stuck);
        }
        switch (first.failure().orElse(null)) {
            case null -> {}
            case Exception e -> throw e;
            case Error e -> throw e;
            case Throwable e -> throw new IllegalStateException(e);
        }
    }

    /** Adds a task; it runs when its turn comes. */
    SimulatedTask start(@Nullable SimulatedProcess process, String name, Tasks.Body body) {
        if (running == null) {
            throw new IllegalStateException("task " + name + " is started outside of Simulation.run");
        }
        SimulatedTask task = new SimulatedTask(this, process, name, body);
        live.add(task);
        ready.add(task);
        return task;
    }

    /** The task that calls; checks that it is one and may still act. */
    SimulatedTask currentAlive() {
        SimulatedTask me = running;
        if (me == null) {
            throw new IllegalStateException("only a task of a simulation can wait, within Simulation.run");
        }
        checkAlive();
        return me;
    }

    /** Checks that the caller may act: a task with the baton whose process lives, or anybody while nothing runs. */
    void checkAlive() {
        SimulatedTask me = running;
        checkCaller();
        if ((me != null && me.doomed) || abandoned) {
            throw new ProcessDeath();
        }
    }

    /** Checks that the caller has the baton, dead or alive. */
    void checkCaller() {
        SimulatedTask me = running;
        if (me != null && !me.isCurrentThread() && !abandoned) {
            throw new IllegalStateException("thread " + Thread.currentThread() + " is no task of the simulation");
        }
    }

    /** A point where others may run: before I/O, and after a start. Does nothing while nothing runs. */
    void step(String operation, String subject) {
        checkAlive();
        SimulatedTask me = running;
        if (me == null) {
            return;
        }
        count(me);
        if (ready.isEmpty() && nowNanos < earliestWakeNanos) {
            return;
        }
        if (goOn > 0 && choices.nextDouble() < goOn) {
            return;
        }
        me.state = State.READY;
        ready.add(me);
        handOn(me);
        trace.mix(operation.hashCode() ^ subject.hashCode());
    }

    /** Enters what a step has done into the trace. */
    void record(String operation, String subject, long offset, long length, String result) {
        SimulatedTask me = running;
        trace.add(nowNanos, me == null ? "outside" : me.label(), operation, subject, offset, length, result);
    }

    /** A step that takes this long. */
    void pause(long nanos) {
        checkAlive();
        SimulatedTask me = running;
        if (me == null) {
            nowNanos += nanos;
        } else {
            block(me, "pause", nowNanos + nanos);
        }
    }

    /** Waits until somebody makes it ready, or until the time has come. */
    void block(SimulatedTask me, String why, long untilNanos) {
        checkAlive();
        trace.add(nowNanos, me.label(), why, "", -1, -1, "");
        count(me);
        me.state = State.BLOCKED;
        me.wakeNanos = untilNanos;
        earliestWakeNanos = Math.min(earliestWakeNanos, untilNanos);
        handOn(me);
    }

    private void count(SimulatedTask me) {
        steps++;
        nowNanos += STEP_NANOS;
        if (steps >= crashStep && me.process != null) {
            crashStep = Long.MAX_VALUE;
            me.process.crash();
        }
    }

    void makeReady(SimulatedTask task) {
        if (task.state == State.BLOCKED) {
            task.state = State.READY;
            task.wakeNanos = Clock.NEVER;
            ready.add(task);
        }
    }

    private void handOn(SimulatedTask me) {
        SimulatedTask next = choose();
        if (next != me) {
            hand(next);
            awaitBaton(me);
        }
        me.state = State.RUNNING;
        if (me.doomed || abandoned) {
            throw new ProcessDeath();
        }
    }

    /** Who runs next; the caller of {@link #run} if nobody can, whether all have ended or all wait. */
    private SimulatedTask choose() {
        if (nowNanos >= earliestWakeNanos) {
            wakeDue();
        }
        while (ready.isEmpty() && earliestWakeNanos != Clock.NEVER) {
            nowNanos = Math.max(nowNanos, earliestWakeNanos);
            wakeDue();
        }
        int count = ready.size();
        if (count == 0) {
            return requireTask(outside);
        }
        int chosen = count == 1 ? 0 : choices.nextInt(count);
        SimulatedTask next = ready.get(chosen);
        ready.set(chosen, ready.getLast());
        ready.removeLast();
        return next;
    }

    private void wakeDue() {
        long earliest = Clock.NEVER;
        for (SimulatedTask task : live) {
            if (task.state == State.BLOCKED) {
                if (task.wakeNanos <= nowNanos) {
                    makeReady(task);
                } else {
                    earliest = Math.min(earliest, task.wakeNanos);
                }
            }
        }
        earliestWakeNanos = earliest;
    }

    private void hand(SimulatedTask next) {
        next.state = State.RUNNING;
        running = next;
        next.resume();
    }

    private void awaitBaton(SimulatedTask me) {
        while (running != me) {
            LockSupport.park(this);
            if (me == outside && Thread.interrupted()) {
                abandoned = true;
                throw new SimulationFailure(report("interrupted, most likely because it took too long"));
            }
        }
    }

    /** The last thing a task's thread does. */
    void end(SimulatedTask me) {
        if (abandoned) {
            return;
        }
        me.state = State.ENDED;
        live.remove(me);
        trace.add(
                nowNanos,
                me.label(),
                "end",
                "",
                -1,
                -1,
                me.failure().map(e -> e.getClass().getSimpleName()).orElse(""));
        if (me.process != null) {
            me.process.taskEnded();
        }
        me.ended.wakeWaiters();
        if (me.successor != null) {
            hand(me.successor);
        } else if (me == script && me.failure().isPresent()) {
            hand(requireTask(outside));
        } else {
            hand(choose());
        }
    }

    /** Ends another task where it stands. It unwinds at once, and whoever calls goes on afterwards. */
    private void end(SimulatedTask task, SimulatedTask caller) {
        task.doomed = true;
        ready.remove(task);
        if (task.isStarted()) {
            task.successor = caller;
            hand(task);
            awaitBaton(caller);
            caller.state = State.RUNNING;
        } else {
            task.state = State.ENDED;
            live.remove(task);
            task.ended.wakeWaiters();
        }
    }

    /** Ends all tasks of a process, the caller last: by throwing. */
    void endAll(SimulatedProcess process, Runnable afterwards) {
        SimulatedTask me = requireTask(running);
        trace.add(nowNanos, me.label(), "die", process.name(), -1, -1, "");
        for (SimulatedTask task : List.copyOf(live)) {
            if (task.process == process && task != me) {
                end(task, me);
            }
        }
        afterwards.run();
        if (me.process == process) {
            me.doomed = true;
            throw new ProcessDeath();
        }
    }

    boolean hasTasks(SimulatedProcess process) {
        return live.stream().anyMatch(task -> task.process == process);
    }

    private static SimulatedTask requireTask(@Nullable SimulatedTask task) {
        if (task == null) {
            throw new IllegalStateException("the simulation is not running");
        }
        return task;
    }

    private String report(String problem) {
        StringBuilder report = new StringBuilder(problem)
                .append(" (step ")
                .append(steps)
                .append(", ")
                .append(nowNanos)
                .append(" ns)\n");
        for (SimulatedTask task : List.copyOf(live)) {
            report.append("task ").append(task.label()).append(", ").append(task.state);
            if (task.wakeNanos != Clock.NEVER) {
                report.append(" until ").append(task.wakeNanos).append(" ns");
            }
            report.append('\n');
            int frames = 0;
            for (StackTraceElement frame : task.stack()) {
                boolean machinery = !frame.getClassName().startsWith("dev.palimpsest")
                        || frame.getClassName().startsWith(Scheduler.class.getName())
                        || frame.getClassName().startsWith(SimulatedTask.class.getName());
                if (!machinery && frames++ < FRAMES_REPORTED) {
                    report.append("    at ").append(frame).append('\n');
                }
            }
        }
        return report.append("last events:\n")
                .append(trace.tail(EVENTS_REPORTED))
                .toString();
    }
}
