package dev.palimpsest.storage.simulation;

import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.DiskException.Kind;
import dev.palimpsest.storage.file.WritableFile;
import dev.palimpsest.storage.simulation.FaultPlan.Outcome;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** An open file of a {@link SimulatedDisk}. */
final class SimulatedFile implements WritableFile {
    final @Nullable Throwable opener;
    private final SimulatedDisk disk;
    private final Path path;
    private final SimulatedNode.File node;
    private boolean closed;
    private boolean dead;

    SimulatedFile(SimulatedDisk disk, Path path, SimulatedNode.File node, @Nullable Throwable opener) {
        this.disk = disk;
        this.path = path;
        this.node = node;
        this.opener = opener;
    }

    @Override
    public Path path() {
        return path;
    }

    @Override
    public long size() throws DiskException {
        checkUsable("size", -1, -1);
        return node.size();
    }

    @Override
    public int read(long offset, ByteBuffer target) throws DiskException {
        if (offset < 0) {
            throw new IllegalArgumentException("offset " + offset + " of " + path);
        }
        int wanted = target.remaining();
        Outcome outcome = disk.beginRead(path);
        checkUsable("read", offset, wanted);
        if (outcome != Outcome.SUCCEEDS) {
            throw SimulatedDisk.failed(Kind.FATAL, "read", path, offset, wanted, "EIO (simulated)");
        }
        int length = node.read(offset, target);
        disk.record("read", path, offset, length, "");
        return length;
    }

    @Override
    public void write(long offset, ByteBuffer source) throws DiskException {
        if (offset < 0) {
            throw new IllegalArgumentException("offset " + offset + " of " + path);
        }
        int wanted = source.remaining();
        Outcome outcome = disk.beginWrite(path);
        checkUsable("write", offset, wanted);
        long before = node.size();
        long missing = Math.max(0, offset + wanted - before - disk.room());
        int length = switch (outcome) {
            case FAILS_BEFORE -> 0;
            case FAILS_MIDDLE -> (int) (wanted * disk.survival.nextDouble());
            case SUCCEEDS, FAILS_AFTER -> wanted;
        };
        length = (int) Math.min(length, Math.max(0, wanted - missing));
        ByteBuffer part = source.slice(source.position(), length);
        disk.mix(checksum(part.duplicate()));
        node.write(offset, part, disk.survival);
        if (!node.unlinked) {
            disk.grew(node.size() - before);
        }
        disk.record("write", path, offset, length, missing > 0 ? "ENOSPC" : "");
        if (missing > 0) {
            throw SimulatedDisk.failed(Kind.RETRYABLE, "write", path, offset, wanted, "ENOSPC (simulated)");
        }
        if (outcome != Outcome.SUCCEEDS) {
            throw SimulatedDisk.failed(Kind.FATAL, "write", path, offset, wanted, "EIO (simulated)");
        }
        source.position(source.limit());
    }

    private static long checksum(ByteBuffer bytes) {
        CRC32C checksum = new CRC32C();
        checksum.update(bytes);
        return checksum.getValue();
    }

    @Override
    public void sync() throws DiskException {
        Outcome outcome = disk.beginSync(path);
        checkUsable("sync", -1, -1);
        if (outcome != Outcome.SUCCEEDS) {
            node.failSync(disk.survival);
            throw SimulatedDisk.failed(Kind.FATAL, "sync", path, -1, -1, "EIO (simulated)");
        }
        node.sync();
        disk.record("sync", path, -1, node.size(), "");
    }

    private void checkUsable(String operation, long offset, long length) throws DiskException {
        if (dead) {
            throw SimulatedDisk.failed(
                    Kind.FATAL, operation, path, offset, length, "the disk has crashed since it was opened");
        }
        if (closed) {
            throw new IllegalStateException(path + " is closed");
        }
    }

    void die() {
        dead = true;
    }

    @Override
    public void close() {
        disk.closed(this);
        closed = true;
    }
}
