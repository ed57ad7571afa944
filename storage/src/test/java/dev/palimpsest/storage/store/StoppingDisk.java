package dev.palimpsest.storage.store;

import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.file.Disk;
import dev.palimpsest.storage.file.DiskSpace;
import dev.palimpsest.storage.file.ReadableFile;
import dev.palimpsest.storage.file.WritableFile;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.runtime.Signal;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;

/** Another disk, of which one read of a file can be made to wait until it is let go. For a simulation. */
final class StoppingDisk implements Disk {
    private enum State {
        GOING,
        TO_STOP,
        STOPPED
    }

    private final Disk disk;
    private final Signal changed;
    private State state = State.GOING;

    StoppingDisk(Disk disk, Signal changed) {
        this.disk = disk;
        this.changed = changed;
    }

    /** The next read of a file that was opened waits. */
    void stopNextRead() {
        state = State.TO_STOP;
    }

    /** Waits until somebody waits there. */
    void awaitStopped() {
        changed.await(() -> state == State.STOPPED, Clock.NEVER);
    }

    /** Lets him go. */
    void goOn() {
        state = State.GOING;
        changed.signalAll();
    }

    private void pass() {
        if (state == State.TO_STOP) {
            state = State.STOPPED;
            changed.signalAll();
            changed.await(() -> state == State.GOING, Clock.NEVER);
        }
    }

    @Override
    public ReadableFile open(Path file) throws DiskException {
        ReadableFile opened = disk.open(file);
        return new ReadableFile() {
            @Override
            public Path path() {
                return opened.path();
            }

            @Override
            public long size() throws DiskException {
                return opened.size();
            }

            @Override
            public int read(long offset, ByteBuffer target) throws DiskException {
                pass();
                return opened.read(offset, target);
            }

            @Override
            public void close() throws DiskException {
                opened.close();
            }
        };
    }

    @Override
    public int alignment() {
        return disk.alignment();
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
}
