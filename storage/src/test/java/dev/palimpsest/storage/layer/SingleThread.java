package dev.palimpsest.storage.layer;

import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Signal;
import dev.palimpsest.storage.runtime.Task;
import dev.palimpsest.storage.runtime.Tasks;
import java.util.function.BooleanSupplier;

/** For tests of one thread, in which nobody may ever have to wait. */
public final class SingleThread implements Tasks {
    @Override
    public Task start(String name, Body body) {
        throw new UnsupportedOperationException("no tasks in this test");
    }

    @Override
    public Signal newSignal() {
        return new Signal() {
            @Override
            public void signalAll() {}

            @Override
            public boolean await(BooleanSupplier condition, long deadlineNanos) {
                if (!condition.getAsBoolean()) {
                    throw new AssertionError("would wait for ever");
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
