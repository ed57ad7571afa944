package dev.palimpsest.storage.store;

import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.file.Disk;
import dev.palimpsest.storage.file.ForwardingDisk;
import dev.palimpsest.storage.file.ReadableFile;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.runtime.Signal;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/** Another disk, of which one read of a file can be made to wait until it is let go. For a simulation. */
final class StoppingDisk extends ForwardingDisk {
    private final Signal changed;
    private boolean stopNext;
    private int stopped;
    private int released;

    StoppingDisk(Disk disk, Signal changed) {
        super(disk);
        this.changed = changed;
    }

    /** The next read of a file that was opened waits. */
    void stopNextRead() {
        stopNext = true;
    }

    /** Waits until that one waits. */
    void awaitStopped() {
        changed.await(() -> !stopNext, Clock.NEVER);
    }

    /** Lets go who has waited longest. */
    void goOn() {
        released++;
        changed.signalAll();
    }

    private void pass() {
        if (stopNext) {
            stopNext = false;
            int mine = ++stopped;
            changed.signalAll();
            changed.await(() -> released >= mine, Clock.NEVER);
        }
    }

    @Override
    public ReadableFile open(Path file) throws DiskException {
        ReadableFile opened = super.open(file);
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
}
