package dev.palimpsest.storage.layer.memory;

import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.file.Disk;
import dev.palimpsest.storage.file.DiskSpace;
import dev.palimpsest.storage.file.MemoryDisk;
import dev.palimpsest.storage.file.ReadableFile;
import dev.palimpsest.storage.file.WritableFile;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;

/** A disk in memory whose writes or reads fail when told to, from then on. */
final class FaultyDisk implements Disk {
    private final MemoryDisk disk = new MemoryDisk(1);
    volatile boolean failWrites;
    volatile boolean failReads;

    @Override
    public int alignment() {
        return disk.alignment();
    }

    @Override
    public ReadableFile open(Path file) throws DiskException {
        return disk.open(file);
    }

    @Override
    public WritableFile create(Path file) throws DiskException {
        return new Faulty(disk.create(file));
    }

    @Override
    public void rename(Path from, Path to) throws DiskException {
        disk.rename(from, to);
    }

    @Override
    public void renameNoReplace(Path from, Path to) throws DiskException {
        disk.renameNoReplace(from, to);
    }

    @Override
    public boolean delete(Path file) throws DiskException {
        return disk.delete(file);
    }

    @Override
    public boolean deleteDirectory(Path directory) throws DiskException {
        return disk.deleteDirectory(directory);
    }

    @Override
    public void createDirectories(Path directory) throws DiskException {
        disk.createDirectories(directory);
    }

    @Override
    public void syncDirectory(Path directory) throws DiskException {
        disk.syncDirectory(directory);
    }

    @Override
    public List<Entry> list(Path directory) throws DiskException {
        return disk.list(directory);
    }

    @Override
    public DiskSpace space(Path directory) throws DiskException {
        return disk.space(directory);
    }

    @Override
    public boolean exists(Path path) {
        return disk.exists(path);
    }

    private final class Faulty implements WritableFile {
        private final WritableFile file;

        Faulty(WritableFile file) {
            this.file = file;
        }

        @Override
        public Path path() {
            return file.path();
        }

        @Override
        public long size() throws DiskException {
            return file.size();
        }

        @Override
        public int read(long offset, ByteBuffer target) throws DiskException {
            if (failReads) {
                throw failure("read", offset, target.remaining());
            }
            return file.read(offset, target);
        }

        @Override
        public void write(long offset, ByteBuffer source) throws DiskException {
            if (failWrites) {
                throw failure("write", offset, source.remaining());
            }
            file.write(offset, source);
        }

        private DiskException failure(String operation, long offset, long length) {
            return new DiskException(
                    DiskException.Kind.RETRYABLE, operation, path().toString(), offset, length, "no space left");
        }

        @Override
        public void sync() throws DiskException {
            file.sync();
        }

        @Override
        public void close() throws DiskException {
            file.close();
        }
    }
}
