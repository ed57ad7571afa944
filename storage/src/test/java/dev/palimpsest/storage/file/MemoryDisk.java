package dev.palimpsest.storage.file;

import dev.palimpsest.storage.DiskException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Files in memory, for tests that need bytes kept and nothing else: no crash, no faults, no limits. An open file goes on
 * to be readable after it was deleted or replaced, as on Linux. Safe for use by many threads.
 */
public final class MemoryDisk implements Disk {
    private final int alignment;
    private final TreeMap<Path, Content> files = new TreeMap<>();
    private final TreeSet<Path> directories = new TreeSet<>();

    /** A disk on which the empty path and the roots are directories. */
    public MemoryDisk(int alignment) {
        this.alignment = alignment;
        directories.add(Path.of(""));
        directories.add(Path.of("/"));
    }

    @Override
    public int alignment() {
        return alignment;
    }

    @Override
    public synchronized ReadableFile open(Path file) throws DiskException {
        return new OpenFile(file, existing("open", file));
    }

    @Override
    public synchronized WritableFile create(Path file) throws DiskException {
        if (exists(file)) {
            throw failure("create", file, "it exists");
        }
        checkParent("create", file);
        Content content = new Content();
        files.put(file, content);
        return new OpenFile(file, content);
    }

    @Override
    public synchronized void rename(Path from, Path to) throws DiskException {
        Content content = existing("rename", from);
        checkParent("rename", to);
        if (directories.contains(to)) {
            throw failure("rename", to, "it is a directory");
        }
        files.remove(from);
        files.put(to, content);
    }

    @Override
    public synchronized void renameNoReplace(Path from, Path to) throws DiskException {
        if (exists(to)) {
            throw failure("rename", to, "it exists");
        }
        rename(from, to);
    }

    @Override
    public synchronized boolean delete(Path file) throws DiskException {
        if (directories.contains(file)) {
            throw failure("delete", file, "it is a directory");
        }
        return files.remove(file) != null;
    }

    @Override
    public synchronized boolean deleteDirectory(Path directory) throws DiskException {
        if (files.containsKey(directory)) {
            throw failure("delete directory", directory, "it is a file");
        }
        if (!directories.contains(directory)) {
            return false;
        }
        if (!list(directory).isEmpty()) {
            throw failure("delete directory", directory, "it is not empty");
        }
        return directories.remove(directory);
    }

    @Override
    public synchronized void createDirectories(Path directory) throws DiskException {
        for (Path path = directory; path != null; path = path.getParent()) {
            if (files.containsKey(path)) {
                throw failure("create directory", path, "it is a file");
            }
        }
        for (Path path = directory; path != null; path = path.getParent()) {
            directories.add(path);
        }
    }

    @Override
    public synchronized void syncDirectory(Path directory) throws DiskException {
        checkDirectory("sync directory", directory);
    }

    @Override
    public synchronized List<Entry> list(Path directory) throws DiskException {
        checkDirectory("list", directory);
        TreeMap<String, Entry> entries = new TreeMap<>();
        for (Path path : directories) {
            if (directory.equals(path.getParent())) {
                String name = path.getFileName().toString();
                entries.put(name, new Entry(name, 0, Kind.DIRECTORY));
            }
        }
        files.forEach((path, content) -> {
            if (directory.equals(parent(path))) {
                String name = path.getFileName().toString();
                entries.put(name, new Entry(name, content.size(), Disk.Kind.FILE));
            }
        });
        return new ArrayList<>(entries.values());
    }

    /** As much as there is memory, which is not measured. */
    @Override
    public DiskSpace space(Path directory) {
        return new DiskSpace(Long.MAX_VALUE, Long.MAX_VALUE);
    }

    @Override
    public synchronized boolean exists(Path path) {
        return files.containsKey(path) || directories.contains(path);
    }

    private Content existing(String operation, Path file) throws DiskException {
        Content content = files.get(file);
        if (content == null) {
            throw failure(operation, file, directories.contains(file) ? "it is a directory" : "no such file");
        }
        return content;
    }

    private void checkParent(String operation, Path file) throws DiskException {
        if (!directories.contains(parent(file))) {
            throw failure(operation, file, "no such directory");
        }
    }

    private void checkDirectory(String operation, Path directory) throws DiskException {
        if (!directories.contains(directory)) {
            throw failure(operation, directory, "no such directory");
        }
    }

    private static Path parent(Path path) {
        Path parent = path.getParent();
        return parent == null ? Path.of("") : parent;
    }

    private static DiskException failure(String operation, Path file, String reason) {
        return new DiskException(DiskException.Kind.WRONG_STATE, operation, file.toString(), -1, -1, reason);
    }

    /** The bytes of one file, whatever its name. */
    private static final class Content {
        private byte[] bytes = new byte[0];
        private int size;

        synchronized int size() {
            return size;
        }

        synchronized int read(long offset, ByteBuffer target) {
            int length = (int) Math.min(target.remaining(), Math.max(0, size - offset));
            if (length > 0) {
                target.put(bytes, (int) offset, length);
            }
            return length;
        }

        synchronized void write(long offset, ByteBuffer source) {
            if (!source.hasRemaining()) {
                return;
            }
            int start = Math.toIntExact(offset);
            int end = Math.addExact(start, source.remaining());
            if (end > bytes.length) {
                bytes = Arrays.copyOf(bytes, Math.max(end, 2 * bytes.length));
            }
            source.get(bytes, start, source.remaining());
            size = Math.max(size, end);
        }
    }

    private static final class OpenFile implements WritableFile {
        private final Path path;
        private final Content content;
        private volatile boolean closed;

        OpenFile(Path path, Content content) {
            this.path = path;
            this.content = content;
        }

        @Override
        public Path path() {
            return path;
        }

        @Override
        public long size() {
            checkOpen();
            return content.size();
        }

        @Override
        public int read(long offset, ByteBuffer target) {
            checkOpen();
            return content.read(offset, target);
        }

        @Override
        public void write(long offset, ByteBuffer source) {
            checkOpen();
            content.write(offset, source);
        }

        @Override
        public void sync() {
            checkOpen();
        }

        @Override
        public void close() {
            closed = true;
        }

        private void checkOpen() {
            if (closed) {
                throw new IllegalStateException(path + " is closed");
            }
        }
    }
}
