package dev.palimpsest.storage.file;

import dev.palimpsest.storage.DiskException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;

/**
 * Another disk, for fakes that change a part of what it does. What {@link Disk} does by default is not forwarded: files have no
 * second names here.
 */
public class ForwardingDisk implements Disk {
    private final Disk disk;

    /** Does what {@code disk} does. */
    protected ForwardingDisk(Disk disk) {
        this.disk = disk;
    }

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
        return disk.create(file);
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
    public boolean exists(Path path) throws DiskException {
        return disk.exists(path);
    }

    /** Another file being written. */
    protected static class ForwardingFile implements WritableFile {
        private final WritableFile file;

        /** Does what {@code file} does. */
        protected ForwardingFile(WritableFile file) {
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
            return file.read(offset, target);
        }

        @Override
        public void write(long offset, ByteBuffer source) throws DiskException {
            file.write(offset, source);
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
