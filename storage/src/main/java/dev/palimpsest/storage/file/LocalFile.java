package dev.palimpsest.storage.file;

import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.DiskException.Kind;
import dev.palimpsest.storage.runtime.OutsideWorld;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * An open file whose channel may come and go: a file opened for reading loses it when others need the place, any file
 * when a thread is interrupted inside of an I/O. It is opened again with the next use, and then it is the same file or
 * an error, never another one.
 */
@OutsideWorld
final class LocalFile implements WritableFile {
    private final LocalDisk disk;
    private final Path path;
    private final Transfers transfers;
    private final boolean forWriting;
    private final PathChanges.Watch watch;
    private final int changesAtOpen;
    private final AtomicReference<@Nullable OpenChannel> current = new AtomicReference<>();
    private volatile @Nullable FileIdentity identity;
    private final AtomicBoolean closed = new AtomicBoolean();
    private volatile boolean syncFailed;
    /** How many bytes this writer's file has; in direct mode there may be padding behind them for a moment. */
    private volatile long written;

    private LocalFile(LocalDisk disk, Path path, boolean forWriting) {
        this.disk = disk;
        this.path = path;
        this.forWriting = forWriting;
        this.transfers = disk.transfers();
        this.watch = disk.changes().watch(path);
        this.changesAtOpen = watch.changes();
    }

    /** Opens an existing file. */
    static LocalFile open(LocalDisk disk, Path path) throws DiskException {
        LocalFile file = new LocalFile(disk, path, false);
        try {
            file.pin("open").unpin();
        } catch (DiskException e) {
            file.close();
            throw e;
        }
        return file;
    }

    /** Creates a file. */
    static LocalFile create(LocalDisk disk, Path path) throws DiskException {
        LocalFile file = new LocalFile(disk, path, true);
        try {
            FileChannel channel = disk.createChannel(path);
            OpenChannel opened = new OpenChannel(channel, disk.writers());
            file.current.set(opened);
            opened.unpin();
            file.identity = FileIdentity.of(path);
        } catch (IOException e) {
            file.close();
            throw IoFailures.of("create", path, e);
        }
        return file;
    }

    @Override
    public Path path() {
        return path;
    }

    @Override
    public long size() throws DiskException {
        if (forWriting) {
            checkOpen();
            return written;
        }
        while (true) {
            boolean interrupted = Thread.interrupted();
            OpenChannel channel = pin("size");
            try {
                return channel.channel().size();
            } catch (IOException e) {
                if (!lost(channel)) {
                    throw IoFailures.of("size", path, e);
                }
            } finally {
                channel.unpin();
                if (interrupted) {
                    Thread.currentThread().interrupt();
                }
            }
        }
    }

    @Override
    public int read(long offset, ByteBuffer target) throws DiskException {
        if (offset < 0) {
            throw new IllegalArgumentException("negative offset " + offset + " in " + path);
        }
        int limit = target.limit();
        int start = target.position();
        if (forWriting) {
            checkOpen();
            target.limit(start + (int) Math.min(limit - start, Math.max(0, written - offset)));
        }
        boolean interrupted = false;
        try {
            while (target.hasRemaining()) {
                // A channel is closed if a thread reads from it with its interrupt pending.
                interrupted |= Thread.interrupted();
                if (!readSome(offset + (target.position() - start), target)) {
                    break;
                }
            }
        } finally {
            target.limit(limit);
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
        int length = target.position() - start;
        disk.counters().reads.increment();
        disk.counters().bytesRead.add(length);
        return length;
    }

    /** Returns false at the end of the file. */
    private boolean readSome(long offset, ByteBuffer target) throws DiskException {
        OpenChannel channel = pin("read");
        try {
            return transfers.read(channel.channel(), offset, target) > 0;
        } catch (IOException e) {
            if (!lost(channel)) {
                throw IoFailures.of("read", path, offset, target.remaining(), e);
            }
            return true;
        } finally {
            channel.unpin();
        }
    }

    @Override
    public void write(long offset, ByteBuffer source) throws DiskException {
        if (!forWriting) {
            throw new IllegalStateException(path + " was opened for reading");
        }
        if (offset < 0) {
            throw new IllegalArgumentException("negative offset " + offset + " in " + path);
        }
        checkOpen();
        int length = source.remaining();
        int start = source.position();
        boolean interrupted = false;
        try {
            while (source.hasRemaining()) {
                interrupted |= Thread.interrupted();
                writeSome(offset + (source.position() - start), source);
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
        disk.counters().writes.increment();
        disk.counters().bytesWritten.add(length);
    }

    private void writeSome(long offset, ByteBuffer source) throws DiskException {
        OpenChannel channel = pin("write");
        int start = source.position();
        try {
            int length = transfers.write(channel.channel(), offset, source, written);
            long end = offset + length;
            if (end > written) {
                written = end;
            }
        } catch (IOException e) {
            if (!lost(channel)) {
                throw disk.writeFailure(path, offset, source.limit() - start, e);
            }
            source.position(start);
        } finally {
            channel.unpin();
        }
    }

    @Override
    public void sync() throws DiskException {
        if (!forWriting) {
            throw new IllegalStateException(path + " was opened for reading");
        }
        checkOpen();
        if (syncFailed) {
            throw new DiskException(
                    Kind.FATAL,
                    "sync",
                    path.toString(),
                    -1,
                    -1,
                    "an earlier sync failed, what was written may be lost");
        }
        OpenChannel channel = pin("sync");
        try {
            disk.forceFile(path, channel.channel());
        } catch (DiskException e) {
            syncFailed = true;
            throw e;
        } finally {
            channel.unpin();
        }
    }

    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        disk.changes().forget(watch);
        OpenChannel channel = current.get();
        if (channel != null) {
            channel.retire();
        }
    }

    private void checkOpen() {
        if (closed.get()) {
            throw new IllegalStateException(path + " is closed");
        }
    }

    /**
     * Tells after a failure whether the channel was closed under its users; then the next one opens another.
     *
     * <p>The channel is asked, since the type of the exception does not tell: code compiled by C2 of JDK 25.0.3 was seen to
     * pass {@code catch (ClosedChannelException e)} by with a {@code ClosedByInterruptException} and to enter the
     * {@code catch (IOException e)} behind it, and what a closed descriptor is read with may be any failure.
     */
    private boolean lost(OpenChannel channel) {
        if (channel.channel().isOpen()) {
            return false;
        }
        disk.counters().interrupts.increment();
        channel.retire();
        return true;
    }

    /** A channel that stays open until it is unpinned. */
    private OpenChannel pin(String operation) throws DiskException {
        while (true) {
            checkOpen();
            OpenChannel channel = current.get();
            if (channel != null && channel.pin()) {
                return channel;
            }
            OpenChannel fresh = reopen(operation);
            if (current.compareAndSet(channel, fresh) && !closed.get()) {
                return fresh;
            }
            fresh.retire();
            fresh.unpin();
        }
    }

    private OpenChannel reopen(String operation) throws DiskException {
        OpenFileTable.@Nullable Place place =
                forWriting ? null : disk.openForReading().reserve();
        OpenChannel.Holder holder = place == null ? disk.writers() : place;
        OpenChannel opened = null;
        try {
            opened = new OpenChannel(openSame(operation), holder);
        } catch (IOException e) {
            throw IoFailures.of(operation, path, e);
        } finally {
            if (opened == null && place != null) {
                place.closed();
            }
        }
        if (place == null) {
            disk.writers().opened();
        } else {
            place.put(opened);
        }
        return opened;
    }

    /** Opens what the path leads to, and makes sure that it is the file it has been. */
    private FileChannel openSame(String operation) throws IOException, DiskException {
        FileIdentity expected = identity;
        if (expected != null && watch.changes() != changesAtOpen) {
            throw replaced(operation);
        }
        while (true) {
            FileIdentity before = FileIdentity.of(path);
            if (expected != null && !expected.mayBe(before)) {
                throw replaced(operation);
            }
            FileChannel channel = disk.openChannel(path, forWriting);
            boolean same = false;
            try {
                // The descriptor itself cannot be asked: if the path led to one file before and after, it is that one.
                same = before.mayBe(FileIdentity.of(path));
                if (same && expected != null && watch.changes() != changesAtOpen) {
                    throw replaced(operation);
                }
            } finally {
                if (!same) {
                    channel.close();
                }
            }
            if (same) {
                if (expected == null) {
                    identity = before;
                } else {
                    disk.counters().reopens.increment();
                }
                return channel;
            }
        }
    }

    private DiskException replaced(String operation) {
        return IoFailures.wrongState(operation, path, "since it was opened the file was deleted, renamed or replaced");
    }
}
