package dev.palimpsest.storage.check;

import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.blob.BlockCache;
import dev.palimpsest.storage.blob.ReadBuffers;
import dev.palimpsest.storage.blob.ZstdContexts;
import dev.palimpsest.storage.file.Disk;
import dev.palimpsest.storage.layer.file.LayerIo;
import dev.palimpsest.storage.remote.ObjectStore;
import dev.palimpsest.storage.runtime.Tasks;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Checks stores. */
final class CheckedStores {
    private static final int READ_BYTES = 1 << 20;

    private CheckedStores() {}

    static StorageReport check(ObjectStore objects, Disk disk, Tasks tasks, boolean deep, Path temporary)
            throws StorageException, IOException {
        if (!deep) {
            return new StorageCheck(objects, Optional.empty(), CheckProgress.NONE, SmallStore.CONTEXT).run();
        }
        Files.createDirectories(temporary);
        try (ZstdContexts zstd = new ZstdContexts(2)) {
            LayerIo io = new LayerIo(
                    disk,
                    tasks,
                    new BlockCache(64),
                    new ReadBuffers(READ_BYTES, 2, disk.alignment(), tasks),
                    zstd,
                    READ_BYTES,
                    1 << 26,
                    LayerIo.DEFAULT_WRITE_BACK_BYTES);
            DeepSettings settings = new DeepSettings(io, tasks, temporary, 2);
            return new StorageCheck(objects, Optional.of(settings), CheckProgress.NONE, SmallStore.CONTEXT).run();
        }
    }
}
