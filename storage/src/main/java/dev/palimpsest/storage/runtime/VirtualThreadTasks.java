package dev.palimpsest.storage.runtime;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Each task on a virtual thread of its own; waiting is real. There are only as many virtual threads that compute at a time as
 * there are processors, and one gives way to another only where it waits: a task that must go on whatever others do is started
 * on a thread of the operating system. All of them are daemons: they do not keep the process alive. Safe for use by many
 * threads. Interrupting a thread that waits or sleeps here ends neither: the interrupt is kept for whoever looks for it later.
 * What stops tasks is a {@link Cancellation}.
 */
@OutsideWorld
public final class VirtualThreadTasks implements Tasks {
    private final Clock clock;

    /**
     * @param clock what deadlines are compared with; it must run at the speed of real time
     */
    public VirtualThreadTasks(Clock clock) {
        this.clock = clock;
    }

    @Override
    public Task start(String name, Body body) {
        return start(Thread.ofVirtual(), name, body);
    }

    @Override
    public Task startOnOwnThread(String name, Body body) {
        return start(Thread.ofPlatform().daemon(), name, body);
    }

    private Task start(Thread.Builder thread, String name, Body body) {
        ThreadTask task = new ThreadTask(name, body, newSignal());
        thread.name(name).inheritInheritableThreadLocals(false).start(task::run);
        return task;
    }

    @Override
    public Signal newSignal() {
        return new ThreadSignal(clock);
    }

    @Override
    public void sleep(long nanos, Cancellation cancellation) {
        if (nanos <= 0) {
            return;
        }
        long now = clock.nanos();
        long deadline = nanos > Clock.NEVER - now ? Clock.NEVER : now + nanos;
        Signal signal = newSignal();
        cancellation.wake(signal);
        try {
            signal.await(cancellation::isCancelled, deadline);
        } finally {
            cancellation.forget(signal);
        }
    }

    private static final class ThreadTask implements Task {
        private final String name;
        private final Body body;
        private final Signal ended;
        private @Nullable Throwable failure;
        private volatile boolean done;

        ThreadTask(String name, Body body, Signal ended) {
            this.name = name;
            this.body = body;
            this.ended = ended;
        }

        private void run() {
            try {
                body.run();
            } catch (Throwable e) {
                failure = e;
            } finally {
                done = true;
                ended.signalAll();
            }
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public boolean isDone() {
            return done;
        }

        @Override
        public void join() {
            ended.await(this::isDone, Clock.NEVER);
        }

        @Override
        public Optional<Throwable> failure() {
            return done ? Optional.ofNullable(failure) : Optional.empty();
        }
    }
}
