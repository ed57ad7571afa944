package dev.palimpsest.storage.layer.memory;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.file.Disk;
import dev.palimpsest.storage.runtime.Environment;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Opens in-memory layers, and has what they share: the disk, the accounting of dirty bytes, the buffers of reads, the
 * number in the name of the next ephemeral file. One for all timelines of a process. Safe for use by many threads.
 */
public final class InMemoryLayers {
    private final Disk disk;
    private final Environment environment;
    private final DirtyBytes dirtyBytes;
    private final ReadBuffers readBuffers = new ReadBuffers();
    private final AtomicLong nextFile = new AtomicLong(1);

    public InMemoryLayers(Disk disk, Environment environment, DirtyBytes dirtyBytes) {
        this.disk = disk;
        this.environment = environment;
        this.dirtyBytes = dirtyBytes;
    }

    /**
     * Opens a layer that takes writes, with an ephemeral file of its own, which exists from now until the layer is closed
     * and nobody reads it any more. What a crash leaves of such files is to be deleted before the first layer is opened.
     *
     * @param directory the timeline's directory
     * @param timeline for messages
     * @param start the first LSN it takes, inclusive
     * @throws DiskException if the file cannot be created
     */
    public InMemoryLayer open(Path directory, TimelineId timeline, Lsn start) throws DiskException {
        Path path = directory.resolve("ephemeral-" + nextFile.getAndIncrement());
        EphemeralFile file = EphemeralFile.create(disk, path);
        return new InMemoryLayer(timeline, start, file, dirtyBytes.open(), readBuffers, environment);
    }
}
