package dev.palimpsest.storage.remote.local;

import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.file.LocalDisk;
import dev.palimpsest.storage.file.LocalDiskSettings;
import dev.palimpsest.storage.remote.ObjectStore;
import dev.palimpsest.storage.remote.ObjectStoreContract;
import dev.palimpsest.storage.runtime.SystemClock;
import dev.palimpsest.storage.runtime.VirtualThreadTasks;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.io.TempDir;

class LocalDirectoryStoreOnDiskTest extends ObjectStoreContract {
    @TempDir
    Path directory;

    private @Nullable ObjectStore store;

    @Override
    protected ObjectStore store() throws StorageException {
        if (store == null) {
            LocalDisk disk = new LocalDisk(
                    new LocalDiskSettings(LocalDiskSettings.Mode.BUFFERED, 16, 2, 8192),
                    new VirtualThreadTasks(new SystemClock()));
            store = LocalDirectoryStore.open(disk, directory.resolve("objects"));
        }
        return store;
    }
}
