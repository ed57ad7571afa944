package dev.palimpsest.storage.file;

import dev.palimpsest.storage.runtime.SystemClock;
import dev.palimpsest.storage.runtime.VirtualThreadTasks;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

class AppendWriterBufferedTest extends AppendWriterContract {
    @TempDir
    Path directory;

    @Override
    Disk disk() {
        return new LocalDisk(
                LocalDiskSettings.of(LocalDiskSettings.Mode.BUFFERED), new VirtualThreadTasks(new SystemClock()));
    }

    @Override
    Path path(String name) {
        return directory.resolve(name);
    }
}
