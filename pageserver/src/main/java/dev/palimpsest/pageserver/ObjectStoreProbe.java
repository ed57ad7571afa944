package dev.palimpsest.pageserver;

import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.remote.ListRequest;
import dev.palimpsest.storage.remote.ObjectStore;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Whether the object store can be reached: asks it, but not more often than every so often. Who asks meanwhile gets what was
 * found last. Safe for use by many threads.
 */
final class ObjectStoreProbe {
    private static final long FRESH_NANOS = Duration.ofSeconds(10).toNanos();
    private static final long PATIENCE_NANOS = Duration.ofSeconds(5).toNanos();

    private final ObjectStore objects;
    private final Clock clock;
    private final ReentrantLock asking = new ReentrantLock();
    private volatile @Nullable Answer last;

    private record Answer(long at, Optional<String> problem) {}

    ObjectStoreProbe(ObjectStore objects, Clock clock) {
        this.objects = objects;
        this.clock = clock;
    }

    /** Why it cannot be reached; empty if it can. Takes up to five seconds. */
    Optional<String> problem() {
        Answer answer = last;
        if (answer != null && clock.nanos() - answer.at < FRESH_NANOS) {
            return answer.problem;
        }
        asking.lock();
        try {
            answer = last;
            if (answer == null || clock.nanos() - answer.at >= FRESH_NANOS) {
                answer = new Answer(clock.nanos(), ask());
                last = answer;
            }
            return answer.problem;
        } finally {
            asking.unlock();
        }
    }

    private Optional<String> ask() {
        RequestContext context =
                new RequestContext(TaskKind.LIFECYCLE, clock.nanos() + PATIENCE_NANOS, new Cancellation());
        try {
            objects.list(ListRequest.one("").withLimit(1), context);
            return Optional.empty();
        } catch (StorageException e) {
            return Optional.of("the object store cannot be reached: " + e.getMessage());
        }
    }
}
