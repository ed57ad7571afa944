package dev.palimpsest.storage.file;

import dev.palimpsest.storage.DiskException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/**
 * Another disk, of which one call fails: the {@code n}-th that may change anything, counted from 0 over the disk and all
 * its files. A write that fails has written the first half; every other call that fails has done nothing. For use by one thread.
 */
public final class FailingDisk extends ForwardingDisk {
    private final int failAt;
    private final DiskException.Kind kind;
    private int calls;
    private boolean failed;

    /** Fails at call {@code failAt}, never if that is negative. */
    public FailingDisk(Disk disk, int failAt, DiskException.Kind kind) {
        super(disk);
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
    public WritableFile create(Path file) throws DiskException {
        step("create", file);
        return new FailingFile(super.create(file));
    }

    @Override
    public void rename(Path from, Path to) throws DiskException {
        step("rename", from);
        super.rename(from, to);
    }

    @Override
    public void renameNoReplace(Path from, Path to) throws DiskException {
        step("rename", from);
        super.renameNoReplace(from, to);
    }

    @Override
    public boolean delete(Path file) throws DiskException {
        step("delete", file);
        return super.delete(file);
    }

    @Override
    public boolean deleteDirectory(Path directory) throws DiskException {
        step("delete directory", directory);
        return super.deleteDirectory(directory);
    }

    @Override
    public void createDirectories(Path directory) throws DiskException {
        step("create directories", directory);
        super.createDirectories(directory);
    }

    @Override
    public void syncDirectory(Path directory) throws DiskException {
        step("sync directory", directory);
        super.syncDirectory(directory);
    }

    private final class FailingFile extends ForwardingFile {
        FailingFile(WritableFile file) {
            super(file);
        }

        @Override
        public void write(long offset, ByteBuffer source) throws DiskException {
            try {
                step("write", path());
            } catch (DiskException e) {
                super.write(offset, source.duplicate().limit(source.position() + source.remaining() / 2));
                throw e;
            }
            super.write(offset, source);
        }

        @Override
        public void sync() throws DiskException {
            step("sync", path());
            super.sync();
        }
    }
}
