package dev.palimpsest.storage.file;

import dev.palimpsest.storage.DiskException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;

/**
 * Another disk, of which one call fails: the {@code n}-th that may change anything, counted from 0 over the disk and all
 * its files. A write that fails has written the first half; every other call that fails has done nothing. For use by one thread.
 */
public final class FailingDisk implements Disk {
    private final Disk disk;
    private final int failAt;
    private final DiskException.Kind kind;
    private int calls;
    private boolean failed;

    /** Fails at call {@code failAt}, never if that is negative. */
    public FailingDisk(Disk disk, int failAt, DiskException.Kind kind) {
        this.disk = disk;
        this.failAt = failAt;
        this.kind = kind;
    }

    /** Whether the failure has happened. */
    public boolean hasFailed() {
        return failed;
    }

    private void step(String operation, Path path) throws DiskException {
        if (calls++ == failAt) {
            failed = true;
            throw new DiskException(kind, operation, path.toString(), -1, -1, "injected");
        }
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
        step("create", file);
        return new FailingFile(disk.create(file));
    }

    @Override
    public void rename(Path from, Path to) throws DiskException {
        step("rename", from);
        disk.rename(from, to);
    }

    @Override
    public void renameNoReplace(Path from, Path to) throws DiskException {
        step("rename", from);
        disk.renameNoReplace(from, to);
    }

    @Override
    public boolean delete(Path file) throws DiskException {
        step("delete", file);
        return disk.delete(file);
    }

    @Override
    public boolean deleteDirectory(Path directory) throws DiskException {
        step("delete directory", directory);
        return disk.deleteDirectory(directory);
    }

    @Override
    public void createDirectories(Path directory) throws DiskException {
        step("create directories", directory);
        disk.createDirectories(directory);
    }

    @Override
    public void syncDirectory(Path directory) throws DiskException {
        step("sync directory", directory);
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

    private final class FailingFile implements WritableFile {
        private final WritableFile file;

        FailingFile(WritableFile file) {
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
            try {
                step("write", path());
            } catch (DiskException e) {
                ByteBuffer half = source.duplicate().limit(source.position() + source.remaining() / 2);
                file.write(offset, half);
                throw e;
            }
            file.write(offset, source);
        }

        @Override
        public void sync() throws DiskException {
            step("sync", path());
            file.sync();
        }

        @Override
        public void close() throws DiskException {
            file.close();
        }
    }
}
