package dev.palimpsest.storage.file;

import java.nio.file.Path;

/** On files in memory, of which nothing needs alignment. */
class AppendWriterTest extends AppendWriterContract {
    @Override
    Disk disk() {
        return new MemoryDisk(1);
    }

    @Override
    Path path(String name) {
        return Path.of(name);
    }
}
