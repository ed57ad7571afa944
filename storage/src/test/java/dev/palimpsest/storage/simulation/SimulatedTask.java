package dev.palimpsest.storage.simulation;

import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.runtime.Task;
import dev.palimpsest.storage.runtime.Tasks;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A task and its thread, which runs only while the task has the baton. Only whoever has the baton touches it.
 *
 * <pre>
 *   READY ◄──────────── BLOCKED        READY: can be given the baton
 *     │ baton              ▲           BLOCKED: waits for a signal, or for wakeNanos
 *     ▼                    │
 *   RUNNING ───────────────┘
 *     │
 *     ▼
 *   ENDED
 * </pre>
 */
final class SimulatedTask implements Task {
    enum State {
        READY,
        RUNNING,
        BLOCKED,
        ENDED
    }

    final Scheduler scheduler;
    final @Nullable SimulatedProcess process;
    final SimulatedSignal ended;
    State state = State.READY;
    /** When to become ready though nobody has signalled. */
    long wakeNanos = Clock.NEVER;
    /** Whether it is to unwind: from now on each of its calls throws. */
    boolean doomed;
    /** Who gets the baton when it has ended; null to choose. */
    @Nullable
    SimulatedTask successor;

    private final String name;
    private final String label;
    private final Thread thread;
    private boolean started;
    private @Nullable Throwable failure;

    /** A task that runs {@code body} on a thread of its own. */
    SimulatedTask(Scheduler scheduler, @Nullable SimulatedProcess process, String name, Tasks.Body body) {
        this.scheduler = scheduler;
        this.process = process;
        this.name = name;
        this.label = process == null ? name : process.name() + "/" + name;
        this.ended = new SimulatedSignal(scheduler);
        this.thread = Thread.ofVirtual().name(label).unstarted(() -> live(body));
    }

    /** The caller's thread as a task: it has the baton before a simulation runs and gets it back afterwards. */
    SimulatedTask(Scheduler scheduler) {
        this.scheduler = scheduler;
        this.process = null;
        this.name = "outside";
        this.label = name;
        this.ended = new SimulatedSignal(scheduler);
        this.thread = Thread.currentThread();
        this.started = true;
        this.state = State.RUNNING;
    }

    private void live(Tasks.Body body) {
        try {
            body.run();
        } catch (Throwable e) {
            failure = e;
        }
        scheduler.end(this);
    }

    /** Lets the thread go on; it looks whether it has the baton. */
    void resume() {
        if (started) {
            LockSupport.unpark(thread);
        } else {
            started = true;
            thread.start();
        }
    }

    /** Its process and its name, for people. */
    String label() {
        return label;
    }

    boolean isStarted() {
        return started;
    }

    boolean isCurrentThread() {
        return Thread.currentThread().equals(thread);
    }

    StackTraceElement[] stack() {
        return thread.getStackTrace();
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public boolean isDone() {
        return state == State.ENDED;
    }

    @Override
    public void join() {
        ended.await(this::isDone, Clock.NEVER);
    }

    @Override
    public Optional<Throwable> failure() {
        return isDone() ? Optional.ofNullable(failure) : Optional.empty();
    }
}
