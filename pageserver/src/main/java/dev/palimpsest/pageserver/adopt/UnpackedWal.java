package dev.palimpsest.pageserver.adopt;

import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.UserPrincipal;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * WAL out of archives, in a directory of its own among the temporary files. It is gone with the process, however that ends: a hook
 * deletes it when the process is interrupted or told to end, and what one left behind that was killed, the next one that needs such
 * a directory deletes. To be told from those, a directory that is in use has a file that its process has locked.
 *
 * <p>Used by one thread, but {@link #close}, which any may call at any time.
 */
final class UnpackedWal implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(UnpackedWal.class);

    private static final String PREFIX = "palimpsest-wal";
    private static final String LOCK = "in-use";

    private final Path directory;
    private final FileChannel lock;
    private final Thread hook = new Thread(this::delete, "delete unpacked WAL");
    private volatile boolean closed;
    private volatile boolean any;

    private UnpackedWal(Path directory, FileChannel lock) {
        this.directory = directory;
        this.lock = lock;
    }

    /** Makes an empty one, and deletes those of the same user that were left behind. */
    static UnpackedWal create() throws IOException {
        return create(Path.of(System.getProperty("java.io.tmpdir", "/tmp")));
    }

    /** @param parent where such directories are */
    static UnpackedWal create(Path parent) throws IOException {
        UnpackedWal made = null;
        while (made == null) {
            made = tryCreate(Files.createTempDirectory(parent, PREFIX));
        }
        sweep(parent, made.directory);
        return made;
    }

    /** Takes a directory that is new; null if another process has swept it away before it was locked. */
    private static @Nullable UnpackedWal tryCreate(Path directory) throws IOException {
        Path file = directory.resolve(LOCK);
        FileChannel lock;
        try {
            lock = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        } catch (NoSuchFileException e) {
            return null;
        }
        UnpackedWal made = new UnpackedWal(directory, lock);
        try {
            Runtime.getRuntime().addShutdownHook(made.hook);
        } catch (IllegalStateException e) {
            made.delete();
            throw new IOException("it is interrupted", e);
        }
        try {
            lock.lock(); // waits for who sweeps
            if (Files.exists(file)) {
                return made;
            }
        } catch (IOException | RuntimeException e) {
            made.close();
            throw e;
        }
        made.close();
        return null;
    }

    private static void sweep(Path parent, Path own) throws IOException {
        List<Path> all;
        try (Stream<Path> files = Files.list(parent)) {
            all = files.filter(path -> String.valueOf(path.getFileName()).startsWith(PREFIX) && !path.equals(own))
                    .toList();
        }
        UserPrincipal user = Files.getOwner(own);
        for (Path each : all) {
            try {
                if (Files.isDirectory(each, LinkOption.NOFOLLOW_LINKS)
                        && Files.getOwner(each, LinkOption.NOFOLLOW_LINKS).equals(user)) {
                    deleteIfLeft(each);
                }
            } catch (IOException e) {
                LOG.debug("{} is left as it is: {}", each, e.getMessage());
            }
        }
    }

    /** Deletes a directory that nobody uses any more. Its lock is held until it is gone, so that nobody begins to use it. */
    private static void deleteIfLeft(Path directory) throws IOException {
        try (FileChannel channel =
                FileChannel.open(directory.resolve(LOCK), StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS)) {
            if (channel.tryLock() != null) {
                delete(directory);
                LOG.info("deleted {}, which a process has left behind that was killed", directory);
            }
        } catch (OverlappingFileLockException e) {
            LOG.debug("{} is in use by this process", directory);
        } catch (NoSuchFileException e) {
            Files.deleteIfExists(directory); // if it is empty: its process came no further
        }
    }

    /** Adds a file. */
    void add(String name, InputStream content) throws IOException {
        if (closed) {
            throw new IOException("it is interrupted");
        }
        Files.copy(content, directory.resolve(name));
        any = true;
    }

    /** Whether there is any. */
    boolean isEmpty() {
        return !any;
    }

    /** Where it is. */
    Path directory() {
        return directory;
    }

    @Override
    public void close() {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            return; // the hook runs, or will
        }
        delete();
    }

    private void delete() {
        closed = true;
        try {
            delete(directory);
            lock.close();
        } catch (IOException e) {
            LOG.warn("unpacked WAL is left in {}: {}", directory, e.getMessage());
        }
    }

    private static void delete(Path directory) throws IOException {
        while (Files.exists(directory, LinkOption.NOFOLLOW_LINKS)) {
            List<Path> all;
            try (Stream<Path> files = Files.list(directory)) {
                // The lock last: without it nobody would know that the rest may go.
                all = Stream.concat(files.filter(file -> !file.endsWith(LOCK)), Stream.of(directory.resolve(LOCK)))
                        .toList();
            }
            for (Path file : all) {
                Files.deleteIfExists(file);
            }
            try {
                Files.deleteIfExists(directory);
            } catch (DirectoryNotEmptyException e) {
                LOG.debug("one more file has come to {}", directory); // the one that was being unpacked
            }
        }
    }
}
