package dev.palimpsest.storage.layer.file;

import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.file.Disk;
import dev.palimpsest.storage.file.DiskSpace;
import dev.palimpsest.storage.file.MemoryDisk;
import dev.palimpsest.storage.file.ReadableFile;
import dev.palimpsest.storage.file.WritableFile;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A disk in one directory that fails from a chosen call on, and tells what a crash then leaves: names as they are now or as
 * they were when the directory was last synced, contents as they are or as they were when the file was last synced.
 */
final class CrashingDisk implements Disk {
    private final MemoryDisk disk = new MemoryDisk(1);
    private final Path directory;
    private final int failingCall;
    private int calls;
    /** What is durable of each file, by the name under which it was created. */
    private final Map<Path, byte[]> synced = new HashMap<>();
    /** Under which name the file was created that has a name now. */
    private final TreeMap<Path, Path> names = new TreeMap<>();

    private TreeMap<Path, Path> durableNames = new TreeMap<>();

    CrashingDisk(Path directory, int failingCall) throws StorageException {
        this.directory = directory;
        this.failingCall = failingCall;
        disk.createDirectories(directory);
    }

    int calls() {
        return calls;
    }

    private void call(String operation, Path path) throws DiskException {
        if (++calls >= failingCall) {
            throw new DiskException(DiskException.Kind.FATAL, operation, path.toString(), -1, -1, "crashed");
        }
    }

    /** What the next start finds, for one choice of what survived that was not durable. */
    Map<Path, byte[]> afterCrash(boolean newNames, boolean newContents) throws StorageException {
        Map<Path, byte[]> found = new TreeMap<>();
        for (Map.Entry<Path, Path> name : (newNames ? names : durableNames).entrySet()) {
            byte[] content = synced.getOrDefault(name.getValue(), new byte[0]);
            if (newContents && disk.exists(name.getKey())) {
                try (ReadableFile file = disk.open(name.getKey())) {
                    ByteBuffer bytes = ByteBuffer.allocate((int) file.size());
                    file.read(0, bytes);
                    content = bytes.array();
                }
            }
            found.put(name.getKey(), content);
        }
        return found;
    }

    @Override
    public int alignment() {
        return 1;
    }

    @Override
    public ReadableFile open(Path file) throws DiskException {
        return disk.open(file);
    }

    @Override
    public WritableFile create(Path path) throws DiskException {
        call("create", path);
        WritableFile file = disk.create(path);
        names.put(path, path);
        return new WritableFile() {
            @Override
            public void write(long offset, ByteBuffer source) throws DiskException {
                ByteBuffer half = source.duplicate().limit(source.position() + source.remaining() / 2);
                try {
                    call("write", path);
                } catch (DiskException e) {
                    file.write(offset, half);
                    throw e;
                }
                file.write(offset, source);
            }

            @Override
            public void sync() throws DiskException {
                call("sync", path);
                ByteBuffer bytes = ByteBuffer.allocate((int) file.size());
                file.read(0, bytes);
                synced.put(path, bytes.array());
            }

            @Override
            public Path path() {
                return path;
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
            public void close() throws DiskException {
                file.close();
            }
        };
    }

    @Override
    public void rename(Path from, Path to) throws DiskException {
        throw new UnsupportedOperationException("layer files replace nothing");
    }

    @Override
    public void renameNoReplace(Path from, Path to) throws DiskException {
        call("rename", from);
        disk.renameNoReplace(from, to);
        names.put(to, names.remove(from));
    }

    @Override
    public boolean delete(Path file) throws DiskException {
        call("delete", file);
        names.remove(file);
        return disk.delete(file);
    }

    @Override
    public boolean deleteDirectory(Path path) {
        throw new UnsupportedOperationException("no directory is deleted");
    }

    @Override
    public void createDirectories(Path path) throws DiskException {
        disk.createDirectories(path);
    }

    @Override
    public void syncDirectory(Path path) throws DiskException {
        call("sync directory", path);
        if (path.equals(directory)) {
            durableNames = new TreeMap<>(names);
        }
    }

    @Override
    public List<Entry> list(Path path) throws DiskException {
        return disk.list(path);
    }

    @Override
    public DiskSpace space(Path directory) throws DiskException {
        return disk.space(directory);
    }

    @Override
    public boolean exists(Path path) {
        return disk.exists(path);
    }
}
