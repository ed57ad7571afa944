package dev.palimpsest.storage.blob;

import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.file.MemoryDisk;
import dev.palimpsest.storage.file.ReadableFile;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/** Files and buffers for tests of one thread. */
final class BlobFiles {
    private BlobFiles() {}

    static ReadableFile file(byte[] bytes) throws StorageException {
        MemoryDisk disk = new MemoryDisk(512);
        var file = disk.create(Path.of("layer"));
        file.write(0, ByteBuffer.wrap(bytes));
        return file;
    }

    static byte[] bytes(ReadableFile file) throws StorageException {
        byte[] bytes = new byte[(int) file.size()];
        file.read(0, ByteBuffer.wrap(bytes));
        return bytes;
    }
}
