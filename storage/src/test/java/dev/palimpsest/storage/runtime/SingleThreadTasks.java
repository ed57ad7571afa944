package dev.palimpsest.storage.runtime;

import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** For tests of one thread, in which nobody may ever have to wait: a task runs to its end before {@link #start} returns. */
public final class SingleThreadTasks implements Tasks {
    private record Ended(String name, @Nullable Throwable thrown) implements Task {
        @Override
        public boolean isDone() {
            return true;
        }

        @Override
        public void join() {}

        @Override
        public Optional<Throwable> failure() {
            return Optional.ofNullable(thrown);
        }
    }

    @Override
    public Task start(String name, Body body) {
        try {
            body.run();
            return new Ended(name, null);
        } catch (Throwable e) {
            return new Ended(name, e);
        }
    }

    @Override
    public Signal newSignal() {
        return new Signal() {
            @Override
            public void signalAll() {}

            @Override
            public boolean await(BooleanSupplier condition, long deadlineNanos) {
                if (!condition.getAsBoolean()) {
                    throw new AssertionError("this would wait for ever");
                }
                return true;
            }
        };
    }

    @Override
    public void sleep(long nanos, Cancellation cancellation) {
        throw new UnsupportedOperationException("no sleeping in this test");
    }
}
