package dev.palimpsest.storage.timeline;

import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.context.Permits;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.runtime.Task;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;

/** Does something with many layers, or with many timelines, several at once. */
final class LayerWorkers {
    private LayerWorkers() {}

    /** What is done with each of them. */
    @FunctionalInterface
    interface Work<T> {
        void run(T item) throws StorageException;
    }

    /** Waits until one may begin with the next of them. */
    @FunctionalInterface
    private interface Turn {
        Permits.Permit await() throws StorageException;
    }

    /**
     * Brings all into the object store, within what the whole process may bring there at once, in turn with other tenants, and
     * waits for them. If one fails, those after it may not be begun, and one of the failures is thrown.
     */
    static <T> void forEach(
            Engine engine, TenantId tenant, String name, Collection<T> items, Work<T> work, RequestContext context)
            throws StorageException {
        int most = engine.uploads().settings().concurrency();
        forEach(
                engine,
                name,
                most,
                items,
                work,
                () -> engine.uploads().permits().acquire(tenant, context));
    }

    /** Runs all and waits for them, with failures as above; for what is small, so that nothing but the number is limited. */
    static <T> void forEach(Engine engine, String name, int most, Collection<T> items, Work<T> work)
            throws StorageException {
        forEach(engine, name, most, items, work, () -> () -> {});
    }

    private static <T> void forEach(Engine engine, String name, int most, Collection<T> items, Work<T> work, Turn turn)
            throws StorageException {
        ConcurrentLinkedQueue<T> waiting = new ConcurrentLinkedQueue<>(items);
        int workers = Math.min(waiting.size(), most);
        if (workers <= 1) {
            runAll(waiting, work, turn);
            return;
        }
        List<Task> tasks = new ArrayList<>();
        for (int i = 0; i < workers; i++) {
            tasks.add(engine.environment().tasks().startOnOwnThread(name, () -> runAll(waiting, work, turn)));
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

    private static <T> void runAll(ConcurrentLinkedQueue<T> waiting, Work<T> work, Turn turn) throws StorageException {
        while (true) {
            try (Permits.Permit _ = turn.await()) {
                T item = waiting.poll();
                if (item == null) {
                    return;
                }
                work.run(item);
            }
        }
    }
}
