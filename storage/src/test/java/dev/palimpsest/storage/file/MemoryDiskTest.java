package dev.palimpsest.storage.file;

import java.nio.file.Path;

class MemoryDiskTest extends DiskContract {
    @Override
    protected void run(Body body) throws Exception {
        MemoryDisk disk = new MemoryDisk(1);
        disk.createDirectories(Path.of("/data"));
        body.run(disk, Path.of("/data"));
    }
}
