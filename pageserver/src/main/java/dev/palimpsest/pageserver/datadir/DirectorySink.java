package dev.palimpsest.pageserver.datadir;

import dev.palimpsest.postgres.datadir.DataDirectoryLayout;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.StorageException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A data directory on disk. Only its owner may read it: directories have mode 0700, files 0600. Zeros at the end of a file
 * take no space.
 *
 * <p>The control file, without which no PostgreSQL starts, gets its name only in {@link #complete}; so what was left behind
 * half-way, by a crash too, does not boot. {@link #close} without it deletes everything that was made here, and nothing
 * else.
 */
public final class DirectorySink implements DataDirectorySink {
    /** Whose the files are to be. */
    public record Owner(int uid, int gid) {}

    /** What {@link #complete} makes sure of. */
    public enum Durability {
        /** Nothing: the operating system writes when it likes. For directories that can be made again. */
        NONE,
        /** Every file and directory is on disk when {@link #complete} returns. */
        SYNCED
    }

    private static final Set<PosixFilePermission> DIRECTORY_MODE = PosixFilePermissions.fromString("rwx------");
    private static final FileAttribute<?> FOR_DIRECTORIES = PosixFilePermissions.asFileAttribute(DIRECTORY_MODE);
    private static final FileAttribute<?> FOR_FILES =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
    private static final String UNNAMED_SUFFIX = ".incomplete";

    private final Path root;
    private final @Nullable Owner owner;
    private final Durability durability;
    /** Directories, links and files, each after the one it lies in. */
    private final List<Path> made = new ArrayList<>();

    private final Set<String> known = new HashSet<>();
    private @Nullable Path file;
    private @Nullable FileChannel channel;
    private long left;
    private boolean complete;

    /**
     * Makes the directory, and those it lies in, unless it is there.
     *
     * @param owner null to leave that to the operating system; to name another than oneself one must be root
     * @throws DiskException if it is there and not empty, or cannot be made
     */
    public DirectorySink(Path root, @Nullable Owner owner, Durability durability) throws StorageException {
        this.root = root.toAbsolutePath();
        this.owner = owner;
        this.durability = durability;
        try {
            make(this.root);
        } catch (StorageException | RuntimeException e) {
            takeBack(e);
            throw e;
        }
    }

    /** Makes a directory that may be there if it is empty. */
    private void make(Path directory) throws DiskException {
        try {
            if (Files.isDirectory(directory)) {
                try (Stream<Path> entries = Files.list(directory)) {
                    if (entries.findAny().isPresent()) {
                        throw new DirectoryNotEmptyException(directory.toString());
                    }
                }
                Files.setPosixFilePermissions(directory, DIRECTORY_MODE);
                own(directory);
            } else {
                Files.createDirectories(Objects.requireNonNull(directory.getParent()));
                create(directory);
            }
        } catch (IOException e) {
            throw failure("make the data directory", directory, -1, e);
        }
    }

    private void create(Path directory) throws IOException {
        Files.createDirectory(directory, FOR_DIRECTORIES);
        made.add(directory);
        own(directory);
    }

    private void own(Path path) throws IOException {
        if (owner != null) {
            Files.setAttribute(path, "unix:uid", owner.uid(), LinkOption.NOFOLLOW_LINKS);
            Files.setAttribute(path, "unix:gid", owner.gid(), LinkOption.NOFOLLOW_LINKS);
        }
    }

    @Override
    public void tablespace(int oid, String location) throws StorageException {
        Path target = Path.of(location).normalize();
        if (!target.isAbsolute() || target.startsWith(root)) {
            throw new DiskException(
                    DiskException.Kind.WRONG_STATE,
                    "make the tablespace",
                    location,
                    -1,
                    -1,
                    "its location must be absolute and outside the data directory " + root);
        }
        make(target);
        directory(DataDirectoryLayout.TABLESPACES);
        Path link = resolve(DataDirectoryLayout.tablespaceDirectory(oid));
        try {
            Files.createSymbolicLink(link, target);
            made.add(link);
            own(link);
        } catch (IOException e) {
            throw failure("link", link, -1, e);
        }
    }

    private Path resolve(String path) {
        Path resolved = root.resolve(path).normalize();
        if (!resolved.startsWith(root) || resolved.equals(root)) {
            throw new IllegalArgumentException("not a path in a data directory: " + path);
        }
        return resolved;
    }

    @Override
    public void directory(String path) throws StorageException {
        Path directory = resolve(path);
        if (!known.add(path)) {
            return;
        }
        try {
            create(directory);
        } catch (IOException e) {
            throw failure("make the directory", directory, -1, e);
        }
    }

    @Override
    public void startFile(String path, long size) throws StorageException {
        if (file != null) {
            throw new IllegalStateException(file + " has not ended");
        }
        Path named = resolve(path);
        Path target = path.equals(DataDirectoryLayout.CONTROL_FILE) ? unnamed(named) : named;
        try {
            channel = FileChannel.open(
                    target, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE), FOR_FILES);
            made.add(target);
            file = target;
            left = size;
            own(target);
        } catch (IOException e) {
            throw failure("make the file", target, -1, e);
        }
    }

    private static Path unnamed(Path controlFile) {
        return controlFile.resolveSibling(controlFile.getFileName() + UNNAMED_SUFFIX);
    }

    private FileChannel open(long count) {
        if (channel == null) {
            throw new IllegalStateException("no file was begun");
        }
        if (count > left) {
            throw new IllegalStateException(file + " was to end " + left + " bytes on, and now gets " + count);
        }
        left -= count;
        return channel;
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws StorageException {
        FileChannel open = open(length);
        ByteBuffer buffer = ByteBuffer.wrap(bytes, offset, length);
        try {
            while (buffer.hasRemaining()) {
                open.write(buffer);
            }
        } catch (IOException e) {
            throw failure("write", Objects.requireNonNull(file), length, e);
        }
    }

    @Override
    public void zeros(long count) throws StorageException {
        FileChannel open = open(count);
        if (count == 0) {
            return;
        }
        try {
            ByteBuffer last = ByteBuffer.allocate(1);
            while (last.hasRemaining()) {
                open.write(last, open.position() + count - 1);
            }
            open.position(open.position() + count);
        } catch (IOException e) {
            throw failure("extend", Objects.requireNonNull(file), count, e);
        }
    }

    @Override
    public void endFile() throws StorageException {
        FileChannel open = open(0);
        if (left != 0) {
            throw new IllegalStateException(file + " ends " + left + " bytes too early");
        }
        Path ended = Objects.requireNonNull(file);
        file = null;
        channel = null;
        try {
            open.close();
        } catch (IOException e) {
            throw failure("close", ended, -1, e);
        }
    }

    @Override
    public void complete() throws StorageException {
        if (file != null) {
            throw new IllegalStateException(file + " has not ended");
        }
        Path control = resolve(DataDirectoryLayout.CONTROL_FILE);
        Path incomplete = unnamed(control);
        if (durability == Durability.SYNCED) {
            for (Path each : made) {
                sync(each);
            }
            sync(root);
        }
        try {
            Files.move(incomplete, control, StandardCopyOption.ATOMIC_MOVE);
            made.set(made.indexOf(incomplete), control);
        } catch (IOException e) {
            throw failure("name", control, -1, e);
        }
        if (durability == Durability.SYNCED) {
            sync(Objects.requireNonNull(control.getParent()));
            sync(Objects.requireNonNull(root.getParent()));
        }
        complete = true;
    }

    /** A link is synced with the directory it is in; opening it opens where it leads, which does no harm. */
    private static void sync(Path path) throws DiskException {
        try (FileChannel synced = FileChannel.open(path, StandardOpenOption.READ)) {
            synced.force(true);
        } catch (IOException e) {
            throw new DiskException(
                    DiskException.Kind.FATAL, "sync", path.toString(), -1, -1, String.valueOf(e.getMessage()), e);
        }
    }

    @Override
    public void close() throws StorageException {
        if (complete) {
            return;
        }
        complete = true;
        takeBack(null);
    }

    /** Deletes what was made, the last first; what went wrong before stays the reason. */
    private void takeBack(@Nullable Exception reason) throws DiskException {
        List<DiskException> trouble = new ArrayList<>();
        if (channel != null) {
            try {
                channel.close();
            } catch (IOException e) {
                trouble.add(failure("close", root, -1, e));
            }
        }
        for (Path each : made.reversed()) {
            try {
                Files.deleteIfExists(each);
            } catch (IOException e) {
                trouble.add(failure("delete", each, -1, e));
            }
        }
        if (trouble.isEmpty()) {
            return;
        }
        if (reason == null) {
            throw trouble.getFirst();
        }
        reason.addSuppressed(trouble.getFirst());
    }

    private static DiskException failure(String operation, Path path, long length, IOException cause) {
        String text = String.valueOf(cause.getMessage());
        DiskException.Kind kind = switch (cause) {
            case FileAlreadyExistsException e -> DiskException.Kind.WRONG_STATE;
            case DirectoryNotEmptyException e -> DiskException.Kind.WRONG_STATE;
            case NotDirectoryException e -> DiskException.Kind.WRONG_STATE;
            case NoSuchFileException e -> DiskException.Kind.WRONG_STATE;
            default ->
                text.contains("No space left") || text.contains("quota")
                        ? DiskException.Kind.RETRYABLE
                        : DiskException.Kind.FATAL;
        };
        String reason = switch (cause) {
            case FileAlreadyExistsException e -> "it exists already";
            case DirectoryNotEmptyException e -> "the directory is not empty";
            case NotDirectoryException e -> "not a directory";
            case NoSuchFileException e -> "no such file or directory";
            default -> text;
        };
        return new DiskException(kind, operation, path.toString(), -1, length, reason, cause);
    }
}
