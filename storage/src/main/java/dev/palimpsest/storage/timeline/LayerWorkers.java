package dev.palimpsest.storage.timeline;

import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.Permits;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.runtime.Task;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;

/** Brings many layers into the object store, several at once, within what the whole process may do at once. */
final class LayerWorkers {
    private LayerWorkers() {}

    /** What is done with each of them. */
    @FunctionalInterface
    interface Work<T> {
        void run(T item) throws StorageException;
    }

    /** Runs all and waits for them. If one fails, those after it may not be begun, and one of the failures is thrown. */
    static <T> void forEach(Engine engine, String name, Collection<T> items, Work<T> work, RequestContext context)
            throws StorageException {
        ConcurrentLinkedQueue<T> waiting = new ConcurrentLinkedQueue<>(items);
        int workers = Math.min(waiting.size(), engine.uploads().settings().concurrency());
        if (workers <= 1) {
            runAll(engine, waiting, work, context);
            return;
        }
        List<Task> tasks = new ArrayList<>();
        for (int i = 0; i < workers; i++) {
            tasks.add(
                    engine.environment().tasks().startOnOwnThread(name, () -> runAll(engine, waiting, work, context)));
        }
        tasks.forEach(Task::join);
        for (Task task : tasks) {
            switch (task.failure().orElse(null)) {
                case null -> {}
                case StorageException e -> throw e;
                case RuntimeException e -> throw e;
                case Error e -> throw e;
                case Throwable e -> throw new IllegalStateException(e);
            }
        }
    }

    private static <T> void runAll(
            Engine engine, ConcurrentLinkedQueue<T> waiting, Work<T> work, RequestContext context)
            throws StorageException {
        while (true) {
            try (Permits.Permit _ = engine.uploads().permits().acquire(context)) {
                T item = waiting.poll();
                if (item == null) {
                    return;
                }
                work.run(item);
            }
        }
    }
}
