package dev.palimpsest.storage.remote;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.Tasks;
import java.util.SplittableRandom;

/**
 * Makes a call again that ended with {@code UNAVAILABLE}, and only that, until it succeeds, the policy's attempts are used
 * up, the request is cancelled, or its deadline would pass during the pause. Safe for use by many threads.
 */
public final class Retries {
    private final RetryPolicy policy;
    private final Clock clock;
    private final Tasks tasks;
    private final SplittableRandom random;

    /** One attempt at a call. */
    @FunctionalInterface
    public interface Attempt<T> {
        /** Makes it. */
        T run() throws StorageException;
    }

    /**
     * @param environment whose clock, tasks and randomness the pauses are made of
     */
    public Retries(RetryPolicy policy, Environment environment) {
        this.policy = policy;
        this.clock = environment.clock();
        this.tasks = environment.tasks();
        this.random = new SplittableRandom(environment.random().nextLong());
    }

    /**
     * Makes a call as often as it takes.
     *
     * @param operation for messages, such as {@code put}
     * @param object what it is about, for messages
     * @throws ObjectStoreException {@code UNAVAILABLE} after the last attempt
     * @throws StorageException what an attempt threw that is not worth another
     */
    public <T> T run(String operation, String object, RequestContext context, Attempt<T> attempt)
            throws StorageException {
        for (int attempts = 1; ; attempts++) {
            context.checkCancelled();
            try {
                return attempt.run();
            } catch (ObjectStoreException e) {
                if (e.kind() != ObjectStoreException.Kind.UNAVAILABLE) {
                    throw e;
                }
                if (attempts >= policy.attempts()) {
                    throw new ObjectStoreException(
                            e.kind(),
                            operation,
                            object,
                            "gave up after " + attempts + " attempts: " + e.getMessage(),
                            e);
                }
                pause(policy.pauseNanos(attempts, jitter()), context, e);
            }
        }
    }

    private void pause(long nanos, RequestContext context, ObjectStoreException failure)
            throws CancelledException, DeadlineExceededException {
        if (nanos >= context.deadlineNanos() - clock.nanos()) {
            throw new DeadlineExceededException(
                    "no time before the deadline to try again: " + failure.getMessage(), failure);
        }
        tasks.sleep(nanos, context.cancellation());
        if (context.cancellation().isCancelled()) {
            throw new CancelledException("cancelled before another attempt: " + failure.getMessage(), failure);
        }
    }

    private double jitter() {
        synchronized (random) {
            return random.nextDouble();
        }
    }
}
