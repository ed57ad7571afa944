package dev.palimpsest.storage.remote.owner;

import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.file.LocalDisk;
import dev.palimpsest.storage.file.LocalDiskSettings;
import dev.palimpsest.storage.remote.ObjectStore;
import dev.palimpsest.storage.remote.ObjectStoreContract;
import dev.palimpsest.storage.remote.local.LocalDirectoryStore;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.SystemClock;
import dev.palimpsest.storage.runtime.VirtualThreadTasks;
import java.nio.file.Path;
import java.time.Duration;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;

/** The contract, on a store without conditions that has an owner. */
class OwnedObjectStoreContractTest extends ObjectStoreContract {
    private static final OwnerSettings SETTINGS =
            new OwnerSettings(Duration.ofMillis(1), Duration.ofMinutes(10), Duration.ofMinutes(20));

    private final OwnedObjectStore store;

    OwnedObjectStoreContractTest(@TempDir Path directory) throws Exception {
        SystemClock clock = new SystemClock();
        Environment environment = new Environment(clock, new VirtualThreadTasks(clock), new SplittableRandom(5));
        store = OwnedObjectStore.take(
                new StoreWithoutConditions(LocalDirectoryStore.open(
                        new LocalDisk(LocalDiskSettings.of(LocalDiskSettings.Mode.BUFFERED), environment.tasks()),
                        directory)),
                environment,
                SETTINGS,
                "test",
                RequestContext.of(TaskKind.TOOL));
    }

    @AfterEach
    void release() {
        store.close();
    }

    @Override
    protected ObjectStore store() {
        return store;
    }
}
